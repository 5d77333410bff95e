"""The parts of a pack that an emulated plant needs, as frozen types: what stands where and what its physics are.

`read_pack` in `packfile.py` makes them from the folder's YAML. Durations are seconds, power is kW, energy kWh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from plantsim.rules import Condition, Facts, Value

Protocol = Literal["opcua", "modbus", "sparkplug"]
Scope = Literal["equipment", "position"]


@dataclass(frozen=True)
class Connection:
    """Where equipment answers: a server with a `port`, or an edge node of a Sparkplug `group`."""

    id: str
    protocol: Protocol
    port: int = 0
    group: str = ""


@dataclass(frozen=True)
class SetupLaw:
    """What a change of the setup key costs: the pair's own time, else `change_s`."""

    change_s: float
    pairs_s: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def seconds(self, before: str, after: str) -> float:
        """Return the seconds from one key to another; the same key costs nothing."""
        return 0.0 if before == after else self.pairs_s.get((before, after), self.change_s)


@dataclass(frozen=True)
class Law:
    """How a signal behaves; which of the numbers count depends on `kind` (see `physics.signal_value`)."""

    kind: str
    at: float = 0.0
    start: float = 0.0
    to: float = 0.0
    tau_s: float = 1.0
    noise: float = 0.0
    idle: float | None = None


@dataclass(frozen=True)
class Signal:
    """A measured point of every equipment of a class, or of each of its positions."""

    id: str
    scope: Scope
    every_s: float
    law: Law


@dataclass(frozen=True)
class Amount:
    """A base and what conditions add to it, some of it as many times as a number among the facts says."""

    base: float
    add: tuple[tuple[Condition, float, str | None], ...] = ()

    def of(self, facts: Facts) -> float:
        """Return the amount for a configuration."""
        return self.base + sum(by * _times(of, facts) for when, by, of in self.add if when(facts))


def written(op: str) -> str:
    """Return the operation as the pack writes it: `40` for `40.2`, which makes the second of a part."""
    return op.partition(".")[0]


def _own(facts: Facts, op: str) -> Facts:
    """Return the facts of the slot that an operation works on, and of the slots around it, under their own names."""
    slot = op.split(".")[1:]
    found: dict[str, Value] = {}
    for depth in range(1, len(slot) + 1):
        for name, value in facts.items():
            *places, own = name.split(".")
            if [step for step in places if step.isdigit()] == slot[:depth]:
                found[own] = value
    return found


def _times(of: str | None, facts: Facts) -> float:
    """How often: once without a name; what is named and not known counts as nothing."""
    number = 1.0 if of is None else facts.get(of, 0.0)
    return number if isinstance(number, float) else 0.0


@dataclass(frozen=True)
class Operation:
    """An operation of the routing: how long it takes and what it draws, as far as the pack says."""

    op: str
    class_id: str
    cycle_s: Amount | None = None
    energy_kwh: float | None = None


@dataclass(frozen=True)
class Check:
    """A measurement of an operation: a normal law, and with a small chance a fault's mean."""

    measure: str
    op: str
    mean: float
    sd: float
    fault_rate: float = 0.0
    fault_mean: float = 0.0


@dataclass(frozen=True)
class EquipmentSpec:
    """One machine or station with `positions` places to work at."""

    id: str
    class_id: str
    connection: str
    positions: int = 1
    unit: int = 1
    idle_kw: float = 0.0
    run_kw: float = 0.0
    mtbf_s: float | None = None
    mttr_s: float | None = None


@dataclass(frozen=True)
class Meter:
    """An energy meter over some equipment, read over Modbus."""

    id: str
    connection: str
    unit: int
    of: tuple[str, ...]


@dataclass(frozen=True)
class Pack:
    """A plant to emulate, and the product's laws where its physics depend on them."""

    id: str
    connections: Mapping[str, Connection]
    equipment: Mapping[str, EquipmentSpec]
    setups: Mapping[str, SetupLaw]
    signals: Mapping[str, tuple[Signal, ...]]
    operations: Mapping[str, Operation]
    checks: Mapping[str, tuple[Check, ...]]
    meters: tuple[Meter, ...] = ()
    defaults: Mapping[str, Value] = field(default_factory=dict)
    derived: tuple[tuple[str, str, Mapping[Value, Value]], ...] = ()

    def signals_of(self, equipment: EquipmentSpec) -> tuple[Signal, ...]:
        """Return the signals of an equipment's class, in the order of the pack."""
        return self.signals.get(equipment.class_id, ())

    def complete(self, facts: Facts, op: str = "") -> Facts:
        """Return `facts` with defaults for the options they leave out, and with the attributes that follow.

        For an operation of a part (`40.2` makes the second) the part's own facts (`x` of `part.2.x`) come first.
        """
        whole: dict[str, Value] = {**self.defaults, **facts, **_own(facts, op)}
        for name, of, table in self.derived:
            if of in whole and whole[of] in table:
                whole.setdefault(name, table[whole[of]])
        return whole
