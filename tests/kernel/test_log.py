import errno
import io

import structlog

from batchone.kernel.log import Lines


class Disk(io.StringIO):
    full = False

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_a_full_disk_stops_nobody_who_logs_and_what_is_missing_is_said() -> None:
    disk = Disk()
    log = structlog.PrintLogger(Lines(disk))  # type: ignore[arg-type]
    log.info("first")
    disk.full = True
    log.info("second")
    log.error("third")
    disk.full = False
    log.info("fourth")
    assert disk.getvalue().splitlines() == ["first", "event='log.missed' lines=2", "fourth"]
