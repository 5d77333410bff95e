"""What a promise and an order's status are worth: pure rules over plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchone.contracts.enterprises import Actor
from batchone.contracts.planning import Insertion, Tried
from batchone.contracts.sales import Customer, OrderStatus, Reason
from batchone.kernel.errors import Refused

QUANTITY_MAX = 1000
PRIORITY_MAX = 9
CUSTOMER_PRIORITY_MAX = 1
STATUSES: tuple[OrderStatus, ...] = (
    "placed", "planned", "in_production", "held", "finished", "in_transit", "delivered",
)  # fmt: skip
FILTERS = (*STATUSES, "open", "late")
_TEXT_MAX = 100
_DAY_S, _HOUR_S = 86400.0, 3600.0


@dataclass(frozen=True)
class Dates:
    """The two dates of a promise, and the reasons that were added to those of the plan."""

    p50: datetime
    p90: datetime
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Progress:
    """What is known of an order, from which its status follows."""

    quantity: int
    planned: bool
    started: bool
    held: int
    finished: int
    taken: bool
    delivered: bool


def status_of(progress: Progress) -> OrderStatus:
    """The furthest point that the order as a whole has reached; a held item shows until the carrier has taken the items."""
    reached: tuple[tuple[bool, OrderStatus], ...] = (
        (progress.delivered, "delivered"),
        (progress.taken, "in_transit"),
        (progress.held > 0, "held"),
        (progress.finished >= progress.quantity, "finished"),
        (progress.started or progress.finished > 0, "in_production"),
        (progress.planned, "planned"),
    )
    return next((status for holds, status in reached if holds), "placed")


def dates(insertion: Insertion | Tried, lead_s: float, transit_s: float) -> Dates:
    """Delivery is the finish, the lead that the choices need after it, and the transit; p90 is never before p50."""
    lead, transit = timedelta(seconds=lead_s), timedelta(seconds=transit_s)
    p50 = insertion.finish + lead + transit
    added = []
    if lead_s > 0:
        said = {
            "en": f"The chosen options need {span_en(lead_s)} before shipping.",
            "zh": f"所选配置发货前还需 {span_zh(lead_s)}。",
        }
        added.append(Reason("lead", "", said, insertion.finish, insertion.finish + lead))
    if transit_s > 0:
        said = {"en": f"The carrier needs {span_en(transit_s)}.", "zh": f"运输需要 {span_zh(transit_s)}。"}
        added.append(Reason("transit", "", said, insertion.finish + lead, p50))
    return Dates(p50, max(p50, insertion.p90_finish + lead + transit), tuple(added))


def span_en(seconds: float) -> str:
    """A duration as people say it: days from two days on, hours below."""
    if seconds >= 2 * _DAY_S or seconds == _DAY_S:
        days = seconds / _DAY_S
        return f"{days:.3g} day" + ("" if days == 1 else "s")
    return f"{seconds / _HOUR_S:.3g} h"


def span_zh(seconds: float) -> str:
    """The same in Chinese."""
    if seconds >= 2 * _DAY_S or seconds == _DAY_S:
        return f"{seconds / _DAY_S:.3g} 天"
    return f"{seconds / _HOUR_S:.3g} 小时"


def number_of(year: int, count: int) -> str:
    """A readable order number."""
    return f"SO-{year}-{count:06d}"


def check_quantity(quantity: object) -> None:
    """Refuse what is no whole number from 1 to 1000."""
    if type(quantity) is not int or not 1 <= quantity <= QUANTITY_MAX:
        raise Refused(
            "sales.quantity", f"The quantity {_short(quantity)} cannot be promised.",
            f"Ask for a whole number from 1 to {QUANTITY_MAX}.", quantity=_short(quantity),
        )  # fmt: skip


def check_priority(priority: object, actor: Actor) -> None:
    """Refuse what is no priority, and more than express from a customer: 0 is normal, 1 express, above is for planners."""
    highest = CUSTOMER_PRIORITY_MAX if actor.role == "customer" else PRIORITY_MAX
    if type(priority) is not int or not 0 <= priority <= highest:
        raise Refused(
            "sales.priority", f"The priority {_short(priority)} cannot be given.",
            f"Use a whole number from 0 (normal) to {highest}.", priority=_short(priority),
        )  # fmt: skip


def check_customer(customer: Customer) -> None:
    """Refuse a customer without an id, a name or a town, or with texts that are none."""
    for field, text in (("id", customer.id), ("name", customer.name), ("town", customer.town)):
        if not text.strip() or len(text) > _TEXT_MAX or not text.isprintable():
            raise Refused(
                "sales.customer", f"The customer's {field} is empty, too long or not readable.",
                f"Give a {field} of 1 to {_TEXT_MAX} printable characters.", field=field,
            )  # fmt: skip


def owner_of(actor: Actor) -> str:
    """The customer whom an actor in the customer's role acts for; empty for staff."""
    return (actor.party or actor.person) if actor.role == "customer" else ""


def may_order(actor: Actor, owner: str) -> bool:
    """Whether an actor may order a promise: staff any, a customer their own and those that were given to nobody."""
    return owner == "" or owner_of(actor) in ("", owner)


def search_text(number: str, customer: Customer, product: str, configuration: str, choices: Mapping[str, str]) -> str:
    """Everything by which people look for an order, in lower case."""
    words = (number, customer.id, customer.name, customer.town, product, configuration, *sorted(choices.values()))
    return " ".join(words).lower()


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 20 else f"{text[:20]}…"
