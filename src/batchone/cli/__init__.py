"""The command line: thin commands over the same services.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.
"""

from batchone.cli.app import main

__all__ = ["main"]
