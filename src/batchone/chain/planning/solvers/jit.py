"""How searches are compiled: by numba, on the user's machine, once, without a compiler being installed.

Numba keeps machine code beside a source file and forgets it when *that file* changes, not when something changes that it
calls. So the code lies in a folder named after all the sources here together: after any change everything is compiled anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

_HERE = Path(__file__).parent
_F = TypeVar("_F", bound=Callable[..., Any])


def _folder() -> Path:
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(_HERE.glob("*.py")):
        digest.update(source.read_bytes())
    beside = _HERE / "__pycache__"
    home = beside if os.access(beside if beside.is_dir() else _HERE, os.W_OK) else Path.home() / ".cache" / "batchone"
    return home / f"compiled-{digest.hexdigest()[:12]}"


# The option that leaves reference counts out is not among those that numba's types know.
_njit: Any = numba.njit
FOLDER = _folder()
"""Where the machine code lies."""
_config: Any = numba.config
_config.CACHE_DIR = str(FOLDER)


def jit(function: _F) -> _F:
    """Compiles a function at its first call and keeps the machine code; other threads run meanwhile."""
    made: _F = _njit(cache=True, nogil=True)(function)
    return made


def lean(function: _F) -> _F:
    """The same for a function that makes no array: without counting references to those it is given, which would cost more
    than the work of a small function."""
    made: _F = _njit(cache=True, nogil=True, _nrt=False)(function)
    return made
