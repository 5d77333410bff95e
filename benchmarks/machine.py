"""The machine that a table was measured on."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_SYNCS = 60
_BLOCK = 8192


@dataclass(frozen=True)
class Machine:
    """`sync_ms`: median time to write 8 kB and have the disk keep it; `load_1min`: load before the first benchmark."""

    processor: str
    cores: int
    memory_gb: float
    sync_ms: float
    load_1min: float
    python: str
    system: str

    def text(self) -> str:
        """One line."""
        return (
            f"{self.processor}, {self.cores} cores, {self.memory_gb:.1f} GB; write and sync of 8 kB {self.sync_ms:.2f} ms; "
            f"load at start {self.load_1min:.1f}; Python {self.python}; {self.system}"
        )

    def data(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def this_machine(folder: Path | None = None) -> Machine:
    """Look at the machine, and measure its disk where benchmarks keep their data."""
    load = os.getloadavg()[0]
    return Machine(
        processor=_processor(), cores=len(os.sched_getaffinity(0)),
        memory_gb=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9,
        sync_ms=sync_ms(folder or Path(tempfile.gettempdir())), load_1min=load, python=platform.python_version(),
        system=f"{platform.system()} {platform.release()}",
    )  # fmt: skip


def where(workers: int) -> str:
    """For the title of a table: on what so many threads of a search ran."""
    cores = len(os.sched_getaffinity(0))
    return f"{_number(workers, 'thread')} on {_number(cores, 'core')} of {_processor()}"


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def sync_ms(folder: Path, times: int = _SYNCS) -> float:
    """Median milliseconds to append 8 kB to a file and sync it, as a database does for a commit."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            began = time.perf_counter()
            file.write(os.urandom(_BLOCK))
            file.flush()
            os.fdatasync(file.fileno())
            taken.append(1e3 * (time.perf_counter() - began))
    return statistics.median(taken)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def cpu_s(pid: int) -> float:
    """Processor seconds that a process and its children, living and waited for, have used."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(stat.parent.name) == pid:
            total += sum(map(int, fields[11:15])) / ticks
        elif int(fields[1]) == pid:
            total += sum(map(int, fields[11:13])) / ticks
    return total
