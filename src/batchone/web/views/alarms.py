"""Alarms as their pages show them: addresses of lists, what to ask for, what a form says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args
from urllib.parse import urlencode

from batchone.contracts.alarms import AlarmFilter, AlarmKind, AlarmPriority, LimitSettings, Rationale
from batchone.kernel.errors import Refused

KINDS: tuple[AlarmKind, ...] = get_args(AlarmKind)
PRIORITIES: tuple[AlarmPriority, ...] = get_args(AlarmPriority)
SHOWS = ("active", "suppressed", "all")
SHELVES_S = (900, 3600, 4 * 3600, 8 * 3600)
WINDOWS_H = (8, 24, 168, 720)
"""A shift, a day, a week, thirty days."""
_NUMBERS = ("bound", "deadband", "on_delay_s", "off_delay_s")
_TEXTS = ("cause", "consequence", "response")
_LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Which:
    """An alarm: path and limit."""

    path: str
    kind: AlarmKind

    @property
    def address(self) -> str:
        """Its page."""
        return f"/alarms/one?{urlencode({'path': self.path, 'kind': self.kind})}"


def which(path: str, kind: str) -> Which:
    """The alarm that an address or a form names; `Refused` when no alarm can be called so."""
    if kind not in KINDS:
        raise Refused("web.alarm", f"There is no kind of alarm called '{kind}'.", "Choose an alarm of the list.")
    return Which(path, kind)


def wish(query: Mapping[str, str]) -> AlarmFilter:
    """What an address asks for; `Refused` when it asks for what there is not."""
    show, kind, priority = query.get("show") or "active", query.get("kind", ""), query.get("priority", "")
    if show not in SHOWS or (kind and kind not in KINDS) or (priority and priority not in PRIORITIES):
        raise Refused("web.alarms", "There is no such list of alarms.", "Choose one on the page.")
    return AlarmFilter(
        show, query.get("equipment", ""), query.get("path", ""), kind, priority,  # type: ignore[arg-type]  # checked above
        _time(query.get("since", "")), _time(query.get("until", "")),
    )  # fmt: skip


def address(wanted: AlarmFilter, page: str = "/alarms", **changes: object) -> str:
    """The address of a list."""
    made = replace(wanted, **changes)  # type: ignore[arg-type]
    named = {
        "show": "" if made.show == "active" else made.show, "equipment": made.equipment, "path": made.path, "kind": made.limit,
        "priority": made.priority, "since": _iso(made.since), "until": _iso(made.until),
    }  # fmt: skip
    given = {name: value for name, value in named.items() if value}
    return f"{page}?{urlencode(given)}" if given else page


def settings_of(form: Mapping[str, str]) -> LimitSettings:
    """What a form sets of a limit; an empty field means as declared. `Refused` with each field that is no number."""
    numbers: dict[str, float | None] = {}
    wrong = []
    for name in _NUMBERS:
        text = form.get(name, "").strip()
        try:
            numbers[name] = float(text.replace("−", "-")) if text else None
        except ValueError:
            wrong.append(text)
    if wrong:
        raise Refused("web.limit", f"No number: {', '.join(wrong)}.", "Write it in figures, with a decimal point.")
    priority, enabled = form.get("priority", ""), form.get("enabled", "")
    return LimitSettings(
        **numbers, priority=priority if priority in PRIORITIES else None,
        enabled={"yes": True, "no": False}.get(enabled),
    )  # fmt: skip


def rationale_of(form: Mapping[str, str]) -> Rationale:
    """The texts of a form, by language."""
    found = {text: {each: told for each in _LANGUAGES if (told := form.get(f"{text}_{each}", "").strip())} for text in _TEXTS}
    return Rationale(**found)


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused("web.date", f"'{text}' is not a date and time.", "Choose one on the page.") from error
    if found.tzinfo is None:
        raise Refused("web.date", f"'{text}' says no time zone.", "Add one, as +00:00.")
    return found


def _iso(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()
