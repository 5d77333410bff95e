"""The deploy file: which modules run in which process, on which engines, with which settings.

A TOML file of `[engines]`, `[clock]`, `[processes]` and `[modules.<name>]`. Unknown keys are refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from batchone.kernel.errors import Refused
from batchone.kernel.settings import Settings, read

EMBEDDED = "embedded"


class Engines(Settings):
    """The engines: `embedded` ones are started from their wheels; a URL names one that runs already."""

    postgres: str = EMBEDDED
    nats: str = EMBEDDED
    mqtt: str = ""
    """Where machines that speak MQTT connect; empty means the embedded NATS's own listener."""


class ClockSettings(Settings):
    """`speed` above 1 makes plant time run faster than real time; only an emulated plant can follow."""

    speed: float = Field(default=1.0, gt=0, le=500)


class Deploy(Settings):
    """A whole deploy file. `processes` maps a process name to the modules that run in it."""

    name: str
    tenant: str
    engines: Engines = Engines()
    clock: ClockSettings = ClockSettings()
    processes: dict[str, list[str]]
    modules: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def settings_of(self, module: str) -> Mapping[str, Any]:
        """The settings that the file gives a module."""
        return self.modules.get(module, {})

    @property
    def placed(self) -> dict[str, str]:
        """Which process each module runs in."""
        return {module: process for process, modules in self.processes.items() for module in modules}


def read_deploy(path: Path, known: frozenset[str]) -> Deploy:
    """The deploy file at `path`; `known` are the modules that exist. Refused whole when anything is wrong."""
    if not path.is_file():
        raise Refused("deploy.missing", f"There is no deploy file {path}.", "Name one, such as deploy/laptop.toml.")
    try:
        data = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Refused("deploy.unreadable", f"{path} is not TOML: {error}.", "Correct it at the place named.") from error
    deploy = read(Deploy, data, str(path))
    listed = [module for modules in deploy.processes.values() for module in modules]
    unknown = sorted((set(listed) | set(deploy.modules)) - known)
    if unknown:
        raise Refused(
            "deploy.unknown_module",
            f"{path} names unknown modules: {', '.join(unknown)}.",
            f"Known: {', '.join(sorted(known))}.",
        )
    twice = sorted({module for module in listed if listed.count(module) > 1})
    if twice:
        raise Refused("deploy.module_twice", f"{path} places {', '.join(twice)} in two processes.", "Place each module once.")
    return deploy
