"""Choices as people write them, and clicks as people make them, to measure how long an answer takes."""

from __future__ import annotations

import csv
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from statistics import median
from typing import Any

from batchone.chain.design.space.changes import smallest_change
from batchone.chain.design.space.reasons import Reasons
from batchone.chain.design.space.sessions import Session
from batchone.chain.design.space.states import Choices, OptionSpace, State
from batchone.chain.design.uvl.model import FeatureModel
from batchone.kernel.errors import Refused

CLICKS_EACH = 10
"""A person chooses so often; then the next one comes."""


def chosen(model: FeatureModel, text: str) -> dict[int, bool]:
    """`A,B,!C` as choices; refused where a name is unknown (near ones are told) or stands there both ways."""
    found: dict[int, bool] = {}
    for word in next(csv.reader([text], skipinitialspace=True), []):
        bare = word.strip()
        wanted = not bare.startswith("!")
        name = bare.removeprefix("!").strip().strip('"')
        if not name:
            continue
        number = model.numbers.get(name)
        if number is None:
            near = get_close_matches(name, model.numbers, 3, 0.5)
            cure = f"Did you mean {', '.join(near)}?" if near else "Name a feature of this model."
            raise Refused("design.unknown_option", f"There is no option '{name}'.", cure, option=name)
        if found.setdefault(number, wanted) is not wanted:
            raise Refused(
                "design.chosen_both_ways", f"'{name}' is both chosen and left out.", "Keep one of the two.", option=name
            )
    return found


def refuse_excluding(space: OptionSpace, reasons: Reasons, choices: Choices) -> None:
    """Choices that exclude one another are refused, with a minimal reason and the fewest to give up."""
    reason = reasons.against(choices)
    if reason is None:
        return
    names = [space.model.features[number].name for number in reason.choices]
    last = next(reversed(choices), None)
    given_up = smallest_change(space, choices, last, wanted=choices[last]) if last is not None else None
    why = "; ".join(f"line {said.line}: {said.text}" for said in reason.said)
    cure = "Take one of them back." if names else "Take one of these statements back."
    if given_up:
        cure = f"Give up {', '.join(space.model.features[number].name for number in given_up)}."
    what = f"These choices exclude one another: {', '.join(names)}." if names else "The model contradicts itself."
    raise Refused("design.impossible", what, cure, choices=", ".join(names), rules=why)


@dataclass
class Measured:
    """Milliseconds of each answer: of a page, of the whole model, of a reason, of a smallest change; bytes of a session."""

    page: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    reason: list[float] = field(default_factory=list)
    change: list[float] = field(default_factory=list)
    prepare_ms: float = 0.0
    session_bytes: int = 0

    def told(self) -> dict[str, Any]:
        """Percentiles in milliseconds."""
        found: dict[str, Any] = {"prepare_ms": round(self.prepare_ms, 1), "clicks": len(self.page)}
        kinds = {"page": self.page, "whole": self.whole, "explanation": self.reason, "smallest_change": self.change}
        for name, times in kinds.items():
            if times:
                found[f"{name}_p50_ms"] = round(median(times), 3)
                found[f"{name}_p99_ms"] = round(sorted(times)[max(0, -(-99 * len(times) // 100) - 1)], 3)
        return found | {"session_bytes": self.session_bytes}


@dataclass(frozen=True)
class Click:
    """What somebody chose so far, and the page they look at next."""

    session: Session
    page: list[int]


def walks(space: OptionSpace, clicks: int, chance: random.Random, page: int) -> Iterator[Click]:
    """So many clicks of people one after another, each on something selectable of the page they look at.

    One click in five leaves an option out; the others choose it. Pages are runs of features in the order of the text, with
    what is the same in every configuration left out.
    """
    always = {*space.prepared.core, *space.prepared.dead}
    visible = [number for number in range(len(space.model.features)) if number not in always]
    session = Session(space)
    for click in range(clicks):
        if click % CLICKS_EACH == 0:
            session = Session(space)
        start = chance.randrange(max(1, len(visible) - page + 1))
        shown = visible[start : start + page]
        yield Click(session, shown)
        states = session.states(shown).listed()
        selectable = [number for number, state in states.items() if state is State.SELECTABLE]
        if selectable:
            session.choose(chance.choice(selectable), chance.random() < 0.8)


def measure(space: OptionSpace, clicks: int, seed: int, page: int) -> Measured:
    """Clicks measured one by one: the page, then the whole model, then a reason and a change for one excluded option.

    The page is asked of a session that saw pages only, so that what the whole model showed does not help it.
    """
    found, chance = Measured(), random.Random(seed)
    begun = time.perf_counter()
    _ = space.prepared
    found.prepare_ms = 1e3 * (time.perf_counter() - begun)
    reasons = Reasons(space.model)
    whole = space.pool()
    before: Session | None = None
    for click in walks(space, clicks, chance, page):
        if click.session is not before:
            before, whole = click.session, space.pool()
        begun = time.perf_counter()
        shown = click.session.states(click.page)
        found.page.append(1e3 * (time.perf_counter() - begun))
        choices = click.session.choices
        begun = time.perf_counter()
        states = space.states(choices, None, whole)
        found.whole.append(1e3 * (time.perf_counter() - begun))
        assert states is not None
        found.session_bytes = max(found.session_bytes, click.session.nbytes + whole.nbytes)
        excluded = [number for number, state in shown.listed().items() if state is State.EXCLUDED and number not in choices]
        if excluded:
            option = chance.choice(excluded)
            begun = time.perf_counter()
            reasons.against(choices, option)
            found.reason.append(1e3 * (time.perf_counter() - begun))
            begun = time.perf_counter()
            smallest_change(space, choices, option)
            found.change.append(1e3 * (time.perf_counter() - begun))
    reasons.close()
    return found
