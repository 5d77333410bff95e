"""A supervised connection: it opens its driver, reads until the far side is lost, says so once, and tries again for ever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import structlog

from batchone.contracts.machines import ConnectionNow
from batchone.contracts.sources import Taken
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Refused, TryLater
from batchone.machines import columns
from batchone.machines.connect.attach import Attaching
from batchone.machines.connect.driver import Driver, JobResponse, Keeping, Pushed, Reading, heed_cancel
from batchone.machines.connect.floor import Floor
from batchone.machines.connect.quarantine.counting import Quarantine
from batchone.machines.connect.shipping import Shipping
from batchone.machines.connect.wiring import Wiring

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Patience:
    """Real seconds between two attempts to connect: the first pause, doubled each time, up to the longest; and after a far
    side was refused or refused us, so that a wrong password does not lock its user out in a minute."""

    first_s: float = 0.2
    longest_s: float = 10.0
    refused_s: float = 60.0


class Link:
    """One connection of the plant, over all the drivers that it makes in its life."""

    def __init__(
        self, wiring: Wiring, make: Callable[[], Driver], *, floor: Floor, shipping: Shipping, clock: Clock,
        chance: random.Random, sleep: Callable[[float], Awaitable[None]], patience: Patience,
        on_jobs: Callable[[str, tuple[JobResponse, ...]], None], note: str = "",
        quarantine: Quarantine | None = None,
    ) -> None:  # fmt: skip
        self.wiring = wiring
        self.shipping = shipping
        self.quarantine = quarantine or Quarantine(wiring.connection)
        self.quarantine.declared = wiring.paths
        self._make = make
        self._address = ""
        self._floor = floor
        self._clock = clock
        self._chance = chance
        self._sleep = sleep
        self._patience = patience
        self._on_jobs = on_jobs
        self._note = note
        self._driver: Driver | None = None
        self._since: datetime = clock.now()
        self._error = "It has not been tried yet."
        self._told_lost = False
        self._heard: datetime | None = None
        self._attaching = Attaching(wiring.paths, self.quarantine, wiring.scales)

    def learn(self, wiring: Wiring) -> None:
        """Take more, or fewer, of the signals that the machines tell by name, without letting go of them."""
        self.wiring = wiring
        self.quarantine.declared = wiring.paths
        self._attaching = Attaching(wiring.paths, self.quarantine, wiring.scales)

    async def run(self) -> None:
        """Keep the connection, until cancelled."""
        pause_s = self._patience.first_s
        while True:
            driver = await self._made()
            self._address = driver.address
            try:
                await driver.open()
                heed_cancel()
                self._came_up(driver)
                while True:
                    reading = await driver.read()
                    if reading.mark and isinstance(driver, Keeping):
                        await self._keep(driver, reading)
                    else:
                        self._take(reading)
                    heed_cancel()
                    pause_s = self._patience.first_s
                    driver.press(self.shipping.share)
            except TryLater as error:
                self._went_down(error.what)
            except Refused as error:
                self._went_down(f"{error.what} {error.cure}")
                pause_s = self._patience.refused_s
            except Exception as error:
                self._went_down(f"The connector failed: {error!r}.")
                raise
            finally:
                self._driver = None
                await driver.close()
            # Chance spreads the attempts, so that machines behind one switch are not all asked in the same moment.
            await self._sleep(pause_s * self._chance.uniform(0.8, 1.2))
            pause_s = min(2 * pause_s, self._patience.longest_s)

    async def _made(self) -> Driver:
        """A new driver; one that cannot be made as it is declared waits to be declared otherwise, and says why."""
        try:
            return self._make()
        except Refused as error:
            self._error = f"{error.what} {error.cure}"
            _log.error("connect.refused", connection=self.wiring.connection, what=error.what)
            await asyncio.Event().wait()
            raise

    @property
    def driver(self) -> Driver:
        """The driver, while the connection is up; else `TryLater`."""
        if self._driver is None:
            raise TryLater("machine.away", f"The connection {self.wiring.connection} is down: {self._error}")
        return self._driver

    async def push(self, body: str, settings: Mapping[str, str]) -> Taken:
        """Let the driver read what was pushed, and answer when its samples are on disk; `Refused` for a protocol that is
        not pushed, `TryLater` where nothing more may wait or the disk takes nothing."""
        driver = self.driver
        if not isinstance(driver, Pushed):
            raise Refused("connections.not_pushed", f"{self.wiring.connection} is not pushed to.", "Look at its url.")
        before, dropped = self.quarantine.count, self.shipping.dropped
        reading = driver.pushed(body, settings)
        self._take(reading)
        await self.shipping.seal_now()
        if self.shipping.dropped > dropped or self.shipping.trouble:
            raise TryLater("samples.full", f"{self.wiring.connection} can keep no more samples.", "Send them again.", after_s=5)
        quarantined = self.quarantine.count - before
        refused, what = sum(fault.count for fault in reading.faults), next((fault.what for fault in reading.faults), "")
        return Taken(reading.samples.num_rows - (quarantined - refused), quarantined - refused, refused, what)

    def now(self) -> ConnectionNow:
        """How the connection stands."""
        notes = [self._note, "" if self._driver else self._error, self.shipping.notes]
        waiting = self.shipping.waiting()
        return ConnectionNow(
            connection=self.wiring.connection, protocol=self.wiring.protocol, address=self._address,
            up=self._driver is not None, since=self._since, samples=self.shipping.sent,
            quarantined=self.quarantine.count, error=" ".join(note for note in notes if note), waiting=waiting.samples,
            waiting_s=waiting.oldest_s, room_s=waiting.room_s, drain_per_s=waiting.drain_per_s, dropped=self.shipping.dropped,
            last_heard=self._heard, declared=bool(self.wiring.url),
        )  # fmt: skip

    def _came_up(self, driver: Driver) -> None:
        self._driver, self._since, self._told_lost = driver, self._clock.now(), False
        self._error = ""
        if self.wiring.url:
            # Who has no state of its own to tell counts as idle while it is connected.
            for wired in self.wiring.equipment:
                self._floor.see(wired.id, "idle", self._clock.now())
        _log.info("connect.up", connection=self.wiring.connection, address=self._address)

    def _went_down(self, what: str) -> None:
        self._error = what
        if self._told_lost:
            return
        self._told_lost = True
        now = self._clock.now()
        if self._driver is not None:
            self._since = now
        _log.warning("connect.down", connection=self.wiring.connection, what=what)
        for wired in self.wiring.equipment:
            self._floor.lose(wired.id, now)
        self.shipping.put(self._attaching.lost(now))

    async def _keep(self, driver: Keeping, reading: Reading) -> None:
        """Take what the far side holds until it is safe here, and say that it is."""
        now = self._clock.now()
        samples, told = self._attached(reading, now)
        await self.shipping.keep(samples, reading.mark)
        await driver.kept(reading.mark)
        self._floor.hear(told, now)

    def _take(self, reading: Reading) -> None:
        now = self._clock.now()
        samples, told = self._attached(reading, now)
        self.shipping.put(samples)
        for fault in reading.faults:
            self.quarantine.unreadable(fault, now)
        for equipment, state in reading.states.items():
            if self._floor.knows(equipment):
                self._floor.see(equipment, state, now)
            else:
                self.quarantine.undeclared(f"{equipment}/State", 1, columns.GOOD, now)
        for equipment in reading.lost:
            self._lose(equipment, now)
        for equipment, jobs in reading.jobs.items():
            if self._floor.knows(equipment):
                self._on_jobs(equipment, jobs)
        self._floor.hear(told | reading.states.keys() | reading.jobs.keys(), now)

    def _attached(self, reading: Reading, now: datetime) -> tuple[pa.RecordBatch, frozenset[str]]:
        samples, told = self._attaching.attach(reading.samples, now)
        if samples.num_rows:
            self._heard = now
        return samples, told

    def _lose(self, equipment: str, now: datetime) -> None:
        self._floor.lose(equipment, now)
        self.shipping.put(self._attaching.lost(now, equipment))
