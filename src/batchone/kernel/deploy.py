"""The deploy file: which modules run in which process, on which engines, with which settings.

A TOML file of `[engines]`, `[clock]`, `[processes]`, `[edges]` and `[modules.<name>]`. Unknown keys are refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from batchone.kernel.engines.nats import HUB_DOMAIN
from batchone.kernel.errors import Refused
from batchone.kernel.settings import Settings, read

EMBEDDED = "embedded"


class Engines(Settings):
    """The engines: `embedded` ones are started from their wheels; a URL names one that runs already."""

    postgres: str = EMBEDDED
    nats: str = EMBEDDED
    mqtt: str = ""
    """Where machines that speak MQTT connect; empty means the embedded NATS's own listener."""
    leaf_port: int = Field(default=0, ge=0, le=65535)
    """Of a hub: where its edges connect; 0 means that it has none."""
    leaf_host: str = "127.0.0.1"
    leaf_of: str = Field(default="", pattern="^(nats-leaf://[^@/]+)?$")
    """Of an edge: its hub, as `nats-leaf://host:port`."""
    domain: str = Field(default="", pattern="^[A-Za-z0-9_-]*$")
    """Of an edge: its name, which is the JetStream domain of its NATS."""
    leaf_secret: str = ""
    """What a hub and its edges know; empty means the file `leaf.secret` in the home, which the hub makes."""

    @property
    def at_edge(self) -> bool:
        """Whether this deployment is an edge of another one."""
        return bool(self.domain)

    @model_validator(mode="after")
    def _one_end(self) -> Engines:
        if self.leaf_of and not self.domain:
            raise ValueError("an edge needs a name of its own: domain")
        if self.domain == HUB_DOMAIN:
            raise ValueError(f"{HUB_DOMAIN} is the domain of the hub")
        if self.domain and self.leaf_port:
            raise ValueError("a deployment is a hub (leaf_port) or an edge (domain), not both")
        if (self.leaf_of or self.leaf_port) and self.nats != EMBEDDED:
            raise ValueError("leaf_of and leaf_port are for the embedded NATS; write the other one's own configuration")
        if self.domain and self.nats == EMBEDDED and not self.leaf_of:
            raise ValueError("an edge needs its hub: leaf_of")
        return self


class ClockSettings(Settings):
    """`speed` above 1 makes plant time run faster than real time; only an emulated plant can follow."""

    speed: float = Field(default=1.0, gt=0, le=500)


class Deploy(Settings):
    """A whole deploy file. `processes` maps a process name to the modules that run in it, `edges` the name of an edge to the
    modules that run there, by a deploy file of its own."""

    name: str
    tenant: str
    engines: Engines = Engines()
    clock: ClockSettings = ClockSettings()
    processes: dict[str, list[str]]
    edges: dict[str, list[str]] = Field(default_factory=dict)
    modules: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def settings_of(self, module: str) -> Mapping[str, Any]:
        """The settings that the file gives a module."""
        return self.modules.get(module, {})

    @property
    def placed(self) -> dict[str, str]:
        """Which process, or edge, each module runs in."""
        return {module: where for where, modules in [*self.processes.items(), *self.edges.items()] for module in modules}


def read_deploy(path: Path, known: frozenset[str]) -> Deploy:
    """The deploy file at `path`; `known` are the modules that exist. Refused whole when anything is wrong."""
    if not path.is_file():
        raise Refused("deploy.missing", f"There is no deploy file {path}.", "Name one, such as deploy/laptop.toml.")
    try:
        data = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Refused("deploy.unreadable", f"{path} is not TOML: {error}.", "Correct it at the place named.") from error
    deploy = read(Deploy, data, str(path))
    listed = [module for modules in [*deploy.processes.values(), *deploy.edges.values()] for module in modules]
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
