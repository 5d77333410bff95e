"""Which declared signal something that a machine offers may be: proposed with what speaks for it, never taken by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from batchone.contracts.sources import Evidence, Found
from batchone.contracts.things import Declared, ThingModel
from batchone.kernel.errors import Refused
from batchone.kernel.quantities import conversion

LISTED_MAX = 2_000
"""More than a person can look through; the rest is counted."""
_ALIKE = 0.75
_WORDS = {
    "names": "the names are {0:.0%} alike", "same_unit": "both are in {1}", "convertible": "{1} can be turned into {2}",
    "within": "its value {1} lies within the signal's limits", "outside": "its value {1} lies OUTSIDE the signal's limits",
}  # fmt: skip
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


@dataclass(frozen=True)
class _Match:
    share: float
    path: str
    evidence: tuple[Evidence, ...]


def propose(found: Iterable[Found], model: ThingModel) -> tuple[tuple[Found, ...], int]:
    """The finds with the signal that each may be, and how many more there were. A signal is proposed once, to what is most
    like it; where two are equally like it, to neither."""
    listed = list(found)
    rest, listed = max(0, len(listed) - LISTED_MAX), listed[:LISTED_MAX]
    signals = [(each, _words(each.path)) for each in model.signals.values()]
    best: dict[str, list[tuple[float, int]]] = {}
    matches: list[_Match | None] = []
    for place, each in enumerate(listed):
        match = _best(each, signals)
        matches.append(match)
        if match is not None:
            best.setdefault(match.path, []).append((match.share, place))
    for rivals in best.values():
        rivals.sort(reverse=True)
        tied = len(rivals) > 1 and rivals[0][0] == rivals[1][0]
        for _, place in rivals if tied else rivals[1:]:
            matches[place] = None
    proposed = [
        each if match is None else replace(each, proposed=match.path, why=_words_of(match.evidence), evidence=match.evidence)
        for each, match in zip(listed, matches, strict=True)
    ]
    return tuple(proposed), rest


def _best(found: Found, signals: Sequence[tuple[Declared, tuple[str, ...]]]) -> _Match | None:
    words = _words(f"{found.name} {found.address}")
    best: _Match | None = None
    for declared, own in signals:
        share = _likeness(words, own)
        if share < _ALIKE or (best is not None and share <= best.share):
            continue
        against = _against(found, declared)
        if against is None:
            best = _Match(share, declared.path, _evidence(found, declared, share))
    return best


def _likeness(words: Sequence[str], own: Sequence[str]) -> float:
    """The share of a signal's words that stand, or nearly stand, among those of the find."""
    if not own:
        return 0.0
    return sum(max((SequenceMatcher(None, word, each).ratio() for each in words), default=0.0) for word in own) / len(own)


def _against(found: Found, declared: Declared) -> str | None:
    """What speaks against a match whatever the names are; none if nothing does."""
    try:
        conversion(found.unit, declared.signal.unit)
    except Refused as error:
        return error.what
    return None


def _evidence(found: Found, declared: Declared, share: float) -> tuple[Evidence, ...]:
    """What speaks for it."""
    told = [Evidence("names", share)]
    if found.unit and declared.signal.unit:
        same = found.unit == declared.signal.unit
        told.append(Evidence("same_unit" if same else "convertible", told=found.unit, own=declared.signal.unit))
    limits = declared.signal.limits
    bounds = [bound for bound in (limits.low_low, limits.low, limits.high, limits.high_high) if bound is not None]
    value = _number(found.value)
    if bounds and value is not None and not found.unit:
        inside = min(bounds) <= value <= max(bounds)
        told.append(Evidence("within" if inside else "outside", told=found.value))
    return tuple(told)


def _words_of(evidence: Iterable[Evidence]) -> str:
    return "; ".join(_WORDS[each.kind].format(each.share, each.told, each.own) for each in evidence)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.lower() for word in _WORD.findall(text)))
