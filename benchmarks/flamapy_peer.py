"""A peer in an environment of its own: flamapy (GPL) reads a model, and says how long it took. Run by `configure`.

It imports nothing of ours and we import nothing of it: the benchmark starts this file with the other environment's Python
and reads one line of JSON.
"""

import json
import logging
import sys
import time


def main(file: str) -> None:
    """Read, make clauses, first answer, core and dead features: milliseconds of each."""
    logging.disable(logging.CRITICAL)
    from flamapy.metamodels.fm_metamodel.transformations import UVLReader
    from flamapy.metamodels.pysat_metamodel.operations import PySATCoreFeatures, PySATDeadFeatures, PySATSatisfiable
    from flamapy.metamodels.pysat_metamodel.transformations import FmToPysat

    begun = time.perf_counter()
    model = UVLReader(file).transform()
    read = time.perf_counter()
    clauses = FmToPysat(model).transform()
    made = time.perf_counter()
    satisfiable = PySATSatisfiable().execute(clauses).get_result()
    answered = time.perf_counter()
    core = len(PySATCoreFeatures().execute(clauses).get_result())
    dead = len(PySATDeadFeatures().execute(clauses).get_result())
    done = time.perf_counter()
    told = {
        "satisfiable": satisfiable, "core": core, "dead": dead, "read_ms": 1e3 * (read - begun),
        "clauses_ms": 1e3 * (made - read), "answer_ms": 1e3 * (answered - made), "core_dead_ms": 1e3 * (done - answered),
    }  # fmt: skip
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
