"""Where log lines go: a disk that takes none must not stop the work that says them."""

from __future__ import annotations

from typing import TextIO


class Lines:
    """A text stream that structlog can write to. Lines that it does not take, as when they go to a file on a full disk, are
    counted, and the count is said once it takes some again."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._begun = ""
        self.missed = 0

    def write(self, text: str) -> int:
        """Write what ends a line, with its beginning; or count it."""
        self._begun += text
        if not text.endswith("\n"):
            return len(text)
        line, self._begun = self._begun, ""
        try:
            if self.missed:
                self._out.write(f"event='log.missed' lines={self.missed}\n")
                self._out.flush()
                self.missed = 0
            self._out.write(line)
            self._out.flush()
        except OSError:
            self.missed += 1
        return len(text)

    def flush(self) -> None:
        """Nothing waits: each line is written at once."""
