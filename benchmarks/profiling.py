"""Where the time goes, by cProfile."""

from __future__ import annotations

import cProfile
import io
import pstats
from collections.abc import Iterator
from contextlib import contextmanager

LINES = 22


class Profiled:
    """What one profiled stretch of work told."""

    def __init__(self) -> None:
        self._profile = cProfile.Profile()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Profile the thread that runs this block."""
        self._profile.enable()
        try:
            yield
        finally:
            self._profile.disable()

    def text(self) -> str:
        """The functions that took most time themselves, then those that took most with all they called."""
        out = io.StringIO()
        stats = pstats.Stats(self._profile, stream=out)
        for order in ("tottime", "cumulative"):
            stats.sort_stats(order).print_stats(LINES)
        return "\n".join(_short(line) for line in out.getvalue().splitlines() if line.strip())


def _short(line: str) -> str:
    """Without the folders above a package, so that a line fits a screen."""
    for above in ("/site-packages/", "/src/"):
        head, found, tail = line.rpartition(above)
        if found:
            return head[: head.rfind(" ") + 1] + tail
    return line
