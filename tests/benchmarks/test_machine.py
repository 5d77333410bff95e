"""The machine is described, and processor time is counted with the children's."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.machine import cpu_s, sync_ms, this_machine, where


def test_everything_a_reader_needs_is_said(tmp_path: Path) -> None:
    machine = this_machine(tmp_path)
    assert machine.cores >= 1
    assert machine.memory_gb > 0.1
    assert machine.python == ".".join(map(str, sys.version_info[:3]))
    for word in (machine.processor, "cores", "sync of 8 kB", "load at start", machine.python):
        assert word in machine.text()
    assert set(machine.data()) >= {"processor", "cores", "memory_gb", "sync_ms", "load_1min", "python"}


def test_a_title_names_threads_cores_and_processor() -> None:
    machine = this_machine()
    cores = "1 core" if machine.cores == 1 else f"{machine.cores} cores"
    assert where(1) == f"1 thread on {cores} of {machine.processor}"
    assert where(2).startswith("2 threads on ")


def test_a_sync_takes_time_and_leaves_nothing_behind(tmp_path: Path) -> None:
    assert sync_ms(tmp_path, times=3) > 0
    assert not list(tmp_path.iterdir())


def test_the_processor_time_of_a_child_counts() -> None:
    before = cpu_s(os.getpid())
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.2: pass"], check=True)
    assert cpu_s(os.getpid()) - before >= 0.15
