"""How the simulation is compiled: as the planner's searches are, kept in a folder named after all the sources here.

Numba forgets machine code when its own file changes, not when a file changes that it calls; the folder's name does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

from batchone.chain.planning.solvers.jit import jit as _jit
from batchone.chain.planning.solvers.jit import lean as _lean

_F = TypeVar("_F", bound=Callable[..., Any])
_HERE = Path(__file__).parent


def _folder() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(_HERE.glob("*.py")):
        digest.update(source.read_bytes())
    return str(_HERE / "__pycache__" / f"compiled-{digest.hexdigest()[:12]}")


def jit(function: _F) -> _F:
    """Compiles a function at its first call and keeps the machine code."""
    return _here(_jit, function)


def lean(function: _F) -> _F:
    """The same for one that makes no array and no view of one: several times faster where it is small."""
    return _here(_lean, function)


def _here(compile_: Callable[[_F], _F], function: _F) -> _F:
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _folder()
    try:
        return compile_(function)
    finally:
        numba.config.CACHE_DIR = before
