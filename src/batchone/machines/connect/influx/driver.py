"""A connection that machines push to: it is up as long as it is declared, and reads what it is handed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import numpy as np

from batchone.kernel.clock import Clock
from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.connect.driver import Fault, Reach, Reading, ReadOnly
from batchone.machines.connect.influx import lines
from batchone.machines.connect.wiring import Wiring

_YEAR_9999_US = 253_370_764_800_000_000


class InfluxDriver(ReadOnly):
    """Implements `Driver` and `Pushed`. What no declared signal has as its address keeps it, below the connection's name."""

    def __init__(self, wiring: Wiring, reach: Reach, clock: Clock) -> None:  # noqa: ARG002 - nothing is reached out for
        if wiring.settings:
            what = f"{wiring.connection}: a connection that is pushed to has no settings."
            raise Refused("influx.setting", what, "Take them out.")
        self.address = wiring.url
        self._connection = wiring.connection
        self._clock = clock
        self._paths = {_spaced(point.address): point.path for point in wiring.points}

    async def open(self) -> None:
        """There is nothing to open."""

    async def read(self) -> Reading:
        """Nothing comes by itself."""
        await asyncio.Event().wait()
        return Reading()

    async def close(self) -> None:
        """There is nothing to close."""

    def pushed(self, body: str, settings: Mapping[str, str]) -> Reading:
        """The samples of a body; `settings` may say the `precision` of its times (`ns`)."""
        precision = settings.get("precision") or "ns"
        if precision not in lines.PRECISIONS:
            cure = f"Use one of {', '.join(lines.PRECISIONS)}."
            raise Refused("influx.precision", f"'{precision}' is no precision of times.", cure)
        told = lines.read(body, precision)
        now_us = columns.arrival_us(self._clock.now())
        time_us = np.where(told.time_us == -1, now_us, told.time_us)
        dated = (time_us >= 0) & (time_us < _YEAR_9999_US)
        faults = [Fault(f"{self._connection}/line", told.refused, told.faults[0])] if told.refused else []
        if not dated.all():
            wrong = int(np.count_nonzero(~dated))
            faults.append(Fault(f"{self._connection}/time", wrong, "A time lies outside the years 1970 to 9998."))
        names = [self._paths.get(name, f"{self._connection}/{name}") for name in told.names]
        count = int(np.count_nonzero(dated))
        batch = columns.to_batch(
            names, told.name_of[dated], time_us[dated], now_us, told.value[dated], np.zeros(count, np.uint8)
        )
        return Reading(batch, faults=tuple(faults))


def _spaced(address: str) -> str:
    """An address as people write it, as the reader tells it: tags in order, one space."""
    series, _, key = address.strip().rpartition(" ")
    measurement, *tags = series.strip().split(",")
    return f"{','.join([measurement, *sorted(tags)])} {key}"
