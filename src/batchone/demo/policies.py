"""What emulated partners decide: pure functions of what they see, a seed, and chance."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchone.contracts.pack import Customer, Demo, Module

_EARLIEST, _LATEST = 0.8, 1.6
"""Shares of the agreed time that a delivery takes: on time from 0.8 to 1, late from 1.05 to 1.6."""
_LATE_FROM = 1.05


@dataclass(frozen=True)
class Wish:
    """What a customer wants: the choices they care for, how urgently, and who they are."""

    customer: Customer
    choices: Mapping[str, str]
    priority: int


@dataclass(frozen=True)
class CallOffSeen:
    """What a supplier sees of a call-off."""

    id: str
    supplier: str
    module: str
    sent: datetime
    needed: datetime


def wish(demo: Demo, chance: random.Random) -> Wish:
    """A customer's wish: who, how urgent, and a value of every weighted option."""
    priority = 1 if chance.random() < demo.express else 0
    return Wish(chance.choice(demo.customers), choices(demo, chance), priority)


def choices(demo: Demo, chance: random.Random) -> dict[str, str]:
    """A value of every weighted option, each by its weight; together they may exclude one another."""
    return {
        option: chance.choices(list(weights), list(weights.values()))[0]
        for option, weights in demo.weights.items()
        if any(weight > 0 for weight in weights.values())
    }


def pause_s(demo: Demo, chance: random.Random) -> float:
    """Time until the next order: customers come independently of one another, so it is exponential."""
    return chance.expovariate(1 / demo.every_s)


def customer_id(name: str) -> str:
    """The id of a demo customer, from the name (`Xu Lan` is `xu-lan`)."""
    return re.sub(r"[^\w]+", "-", name.lower()).strip("-")


def reliability(modules: Sequence[Module]) -> dict[tuple[str, str], float]:
    """The share of deliveries on time, by module and supplier."""
    return {(module.id, supplier.id): supplier.on_time for module in modules for supplier in module.suppliers}


def delivered_at(call_off: CallOffSeen, on_time: float, seed: int) -> datetime:
    """When this call-off will be delivered; the same for the same seed, whenever it is asked."""
    chance = random.Random(f"{seed}/{call_off.id}")
    late = chance.random() >= on_time
    share = chance.uniform(_LATE_FROM, _LATEST) if late else chance.uniform(_EARLIEST, 1.0)
    return call_off.sent + (call_off.needed - call_off.sent) * share


def lot_of(call_off: CallOffSeen) -> str:
    """The supplier's lot number for a delivery."""
    return f"{call_off.supplier[:40]}-{call_off.id[-10:]}".upper()


def arrives_at(shipment: str, taken: datetime, expected: datetime, seed: int) -> datetime:
    """When a shipment is handed over: within the time that its carrier undertook to need."""
    return taken + (expected - taken) * random.Random(f"{seed}/{shipment}").uniform(_EARLIEST, 1.0)


def next_due(due: datetime, now: datetime, pause: timedelta, behind_max: timedelta) -> datetime:
    """When the next order is due: paces do not drift, but what was missed by far is not made up for."""
    return max(due, now - behind_max) + pause
