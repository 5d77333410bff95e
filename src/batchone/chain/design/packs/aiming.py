"""Reading what a plan is to be best at, and what energy costs at which time of day."""

from __future__ import annotations

from typing import cast, get_args

from batchone.chain.design.packs.nodes import Node, Table
from batchone.chain.design.packs.plant import time_of_day
from batchone.chain.design.packs.reading import Entry, Reading, scalar
from batchone.contracts.sharing import MEASURES, Aim, Measure, TariffHours

WEIGHT_MAX = 1_000_000
_DAY_S = 86_400.0


def read_aim(reading: Reading, entry: Entry) -> Aim | None:
    """The aim of pack.yaml: a list of measures, or a mapping from measures to weights; none where none is said."""
    if not entry.has("aim"):
        return None
    if isinstance(entry.node("aim"), Table):
        weighed = Entry.of(reading, entry.node("aim"), "", " ".join(MEASURES))
        weights = {measure: weighed.integer(measure, most=WEIGHT_MAX) for measure in weighed.table.entries}
        aim = Aim(tuple(each for each in MEASURES if each in weights), tuple(weights[m] for m in MEASURES if m in weights))
    else:
        found: dict[str, None] = {}
        for node in entry.items("aim", least=1):
            measure = _measure(reading, node)
            if measure in found:
                reading.fault(node.place, f"The aim names {measure} twice.", "Keep the more important one.")
            found[measure] = None
        aim = Aim(cast(tuple[Measure, ...], tuple(measure for measure in found if measure)))
    if not aim.measures and not reading.faults:
        reading.fault(entry.place("aim"), "The aim names no measure.", f"Name some of {', '.join(MEASURES)}.")
    return aim


def _measure(reading: Reading, node: Node) -> str:
    measure = scalar(reading, node)
    if measure and measure not in get_args(Measure):
        reading.fault(node.place, f"'{measure}' is no measure.", f"Use some of {', '.join(MEASURES)}.")
        return ""
    return measure


def read_tariff(reading: Reading, entry: Entry) -> tuple[TariffHours, ...]:
    """The tariff of energy.yaml: hours that follow each other from midnight to midnight; empty where there is none."""
    found: list[TariffHours] = []
    if not entry.has("tariff"):
        return ()
    upto, last = 0.0, entry.place("tariff")
    for hours in entry.several(("tariff",), "tariff", "from to per_mwh", least=1):
        since, until = time_of_day(hours, "from"), time_of_day(hours, "to")
        price = hours.money("per_mwh", signed=True)
        if since is None or until is None:
            return ()
        if since != upto:
            says = "nothing" if since > upto else "two prices"
            what = f"The tariff says {says} between {_told(min(since, upto))} and {_told(max(since, upto))}."
            reading.fault(hours.place("from"), what, f"Begin at {_told(upto)}, where the hours before it end.")
        elif not since < until:
            reading.fault(hours.place("to"), "It ends before it begins.", "Split what runs past midnight in two.")
        upto, last = until, hours.place("to")
        found.append(TariffHours(since, until, price))
    if found and upto != _DAY_S:
        reading.fault(last, f"The tariff ends at {_told(upto)}.", "Cover the day, to 24:00.")
    return tuple(found)


def _told(second: float) -> str:
    return f"{int(second) // 3600:02}:{int(second) % 3600 // 60:02}"
