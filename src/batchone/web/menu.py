"""Which pages there are, which role sees which, and where each role starts."""

from __future__ import annotations

from dataclasses import dataclass

from batchone.contracts.enterprises import Role


def N_(text: str) -> str:  # noqa: N802 - the customary name of a mark for translation
    """Mark a text for translation where it is only named."""
    return text


@dataclass(frozen=True)
class Entry:
    """A page of the menu: its address, icon, label and what one comes there for."""

    key: str
    path: str
    icon: str
    label: str
    purpose: str
    roles: frozenset[Role]


_STAFF: frozenset[Role] = frozenset({"planner", "operator", "engineer", "admin"})
_ADMIN: frozenset[Role] = frozenset({"admin"})

ENTRIES = (
    Entry("home", "/", "home", N_("Home"), N_("Where to go from here"), _STAFF | {"customer", "supplier"}),
    Entry(
        "shop", "/shop", "shopping-cart", N_("Shop"), N_("Choose, see price and date, order"), _ADMIN | {"customer", "planner"}
    ),
    Entry("mine", "/my", "user", N_("My orders"), N_("Watch what you ordered being made"), frozenset({"customer"})),
    Entry("line", "/line", "plant", N_("Line"), N_("Every station, what it does and what is wrong"), _STAFF),
    Entry("machines", "/machines", "project", N_("Machines"), N_("How every machine stands and how good its data is"), _STAFF),
    Entry("alarms", "/alarms", "alarm-bell", N_("Alarms"), N_("What is wrong, since when, and how often"), _STAFF),
    Entry("plan", "/plan", "ganttchart", N_("Plan"), N_("The schedule in force and what runs late"), _STAFF),
    Entry("orders", "/orders", "list", N_("Orders"), N_("Find an order, compare promise and plan"), _STAFF),
    Entry(
        "connect",
        "/connect",
        "connected",
        N_("Connect"),
        N_("Connect a machine, and see what each connection tells"),
        _ADMIN | {"engineer"},
    ),
    Entry(
        "rules",
        "/rules",
        "code-script",
        N_("Rules"),
        N_("What goes together: write it, try it, release it"),
        _ADMIN | {"engineer", "planner"},
    ),
    Entry(
        "call-offs",
        "/call-offs",
        "truck",
        N_("Call-offs"),
        N_("What suppliers are asked for, and by when"),
        _ADMIN | {"supplier", "planner"},
    ),
)
DARK_ROLES: frozenset[Role] = frozenset({"engineer", "operator"})


def entries_for(role: Role | None) -> tuple[Entry, ...]:
    """The menu of a role; nothing for somebody who is not signed in."""
    return tuple(entry for entry in ENTRIES if role in entry.roles)


def may_see(role: Role | None, key: str) -> bool:
    """Whether a role sees a page of the menu."""
    return any(entry.key == key for entry in entries_for(role))
