"""An OPC UA server for measuring: variables that change once a second, spread over it.

`python -m benchmarks.nodeserver PORT ITEMS` serves until it is told to stop; variable n is `ns=2;s=V<n>`, a double that counts.
"""

from __future__ import annotations

import asyncio
import sys
import time

from asyncua import Server, ua

from plantsim.uaspace import QuickServer, Reading, moment_of, name_of, node_of

_BEATS = 50
"""In a second: at each, its part of the variables changes."""


async def serve(port: int, items: int) -> None:
    """Serve until cancelled."""
    server = Server(iserver=QuickServer())
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    space = await server.register_namespace("urn:bench")
    folder = await server.nodes.objects.add_object(node_of("All", space), name_of("All", space))
    nodes = []
    for at in range(items):
        made = await folder.add_variable(node_of(f"V{at}", space), name_of(f"V{at}", space), 0.0)
        nodes.append(made.nodeid)
    await server.start()
    began, round_ = time.monotonic(), 0
    while True:
        for beat in range(_BEATS):
            await asyncio.sleep(max(0.0, began + round_ + beat / _BEATS - time.monotonic()))
            value = ua.Variant(float(round_), ua.VariantType.Double)
            moment = moment_of(time.time())
            reading = Reading(value, ua.StatusCode(), moment, moment)
            for node in nodes[beat::_BEATS]:
                await server.write_attribute_value(node, reading)
        round_ += 1


def main(given: list[str]) -> None:
    """Serve what was asked for."""
    port, items = map(int, given)
    asyncio.run(serve(port, items))


if __name__ == "__main__":
    main(sys.argv[1:])
