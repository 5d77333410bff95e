"""The root of the command line. Each command imports what it needs when it runs, so that help answers at once."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Any

from cyclopts import App, CycloptsError

from batchone.cli import output
from batchone.kernel.errors import BatchoneError

app = App(name="batchone", help="The open industrial-internet platform for mass customization.")


def run(work: Coroutine[Any, Any, int | None]) -> int:
    """Run a command's coroutine; its exit code."""
    return asyncio.run(work) or 0


def main() -> None:
    """Run the command line."""
    import structlog
    from rich.console import Console

    from batchone.cli import (  # noqa: F401
        asking,
        configuring,
        connect,
        history,
        log,
        objects,
        orders,
        packs,
        people,
        plan,
        running,
    )  # fmt: skip

    # What a command prints is its result alone.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        code = app(exit_on_error=False, print_error=True, error_console=Console(stderr=True), result_action="return_value")
    except CycloptsError:
        code = 2
    except BatchoneError as error:
        output.warn(f"batchone: {error.what}")
        output.warn(f"  cure: {error.cure}")
        for name, where in error.where.items():
            output.warn(f"  {name}: {where}")
        if "--json" in sys.argv:
            output.result_json({"error": {**error.where, "code": error.code, "what": error.what, "cure": error.cure}})
        code = 1
    except BrokenPipeError:
        # Whoever read the result has read enough (`| head`); nothing more may be written, not even on the way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
