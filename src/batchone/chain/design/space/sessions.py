"""One person's choices in a space of options: clicks, undo, and what was found on the way.

A session is numbered: each click says which number it was made on, so that of two clicks that race one is told to look
again. What a session keeps beside the shared model is its choices and at most a megabyte of configurations.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import RLock

from batchone.chain.design.space.states import Choices, OptionSpace, States, contradictory
from batchone.kernel.errors import Conflict, Refused


class Session:
    """Choices of one person, none of them excluding another; safe for threads."""

    def __init__(self, space: OptionSpace) -> None:
        self._space = space
        self._pool = space.pool()
        self._past: list[dict[int, bool]] = [{}]
        self._number = 0
        self._lock = RLock()

    @property
    def number(self) -> int:
        """How often the choices were changed."""
        return self._number

    @property
    def choices(self) -> Choices:
        """What is chosen, in the order of the clicks."""
        return dict(self._past[-1])

    @property
    def nbytes(self) -> int:
        """The memory that configurations of this session take."""
        return self._pool.nbytes

    def choose(self, feature: int, wanted: bool | None, *, on: int | None = None) -> int:
        """Choose a feature, choose to be without it (False), or take the choice back (None); the session's new number.

        `Refused` where the choices exclude it; the choices then stay. `Conflict` where the choices have changed since `on`.
        """
        with self._lock:
            self._refuse_stale(on)
            choices = {each: chosen for each, chosen in self._past[-1].items() if each != feature}
            if wanted is not None:
                choices[feature] = wanted
                if not self._space.possible(choices):
                    name = self._space.model.features[feature].name
                    what = f"'{name}' {'cannot be had' if wanted else 'cannot be left out'} with what is chosen."
                    raise Refused("design.excluded", what, "Ask for the reason, or for the smallest change.", feature=name)
            self._past.append(choices)
            self._number += 1
            return self._number

    def undo(self, *, on: int | None = None) -> int:
        """Take the last change back; the session's new number. `Refused` where there is none."""
        with self._lock:
            self._refuse_stale(on)
            if len(self._past) == 1:
                raise Refused("design.nothing_to_undo", "Nothing was chosen yet.", "Choose something first.")
            self._past.pop()
            self._number += 1
            return self._number

    def states(self, asked: Sequence[int] | None = None) -> States:
        """The exact state of the asked features, or of all; they are those of one moment."""
        with self._lock:
            found = self._space.states(self._past[-1], asked, self._pool)
        if found is None:
            raise contradictory(self._space.model)
        return found

    def _refuse_stale(self, on: int | None) -> None:
        if on is not None and on != self._number:
            raise Conflict(
                "design.choices_changed",
                f"The choices changed since: they are at {self._number}, the click was made on {on}.",
                "Look at the choices as they are now, and click again.",
                number=self._number,
            )
