"""A visit: who looks at a page, in which language and theme, and what its forms carry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from batchone.contracts.enterprises import Actor
from batchone.web.menu import DARK_ROLES, Entry, entries_for, may_see

Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Visit:
    """One request for a page. `actor` is None for somebody who is not signed in; `csrf` goes into every form; `news`: of how
    many of their orders a customer was told something that they have not read."""

    tenant: str
    actor: Actor | None
    csrf: str
    language: str
    theme: Theme
    path: str
    now: datetime
    news: int = 0

    @property
    def menu(self) -> tuple[Entry, ...]:
        """The pages that this visitor may open."""
        return entries_for(self.actor.role if self.actor else None)

    def sees(self, key: str) -> bool:
        """Whether this visitor may open a page."""
        return may_see(self.actor.role if self.actor else None, key)

    @property
    def other_theme(self) -> Theme:
        """The theme that is not in use."""
        return "light" if self.theme == "dark" else "dark"

    @property
    def other_language(self) -> str:
        """The language that is not in use."""
        return "en" if self.language == "zh" else "zh"


def theme_of(cookie: str | None, actor: Actor | None) -> Theme:
    """The chosen theme, else dark for those who work in the hall and light for everybody else."""
    if cookie == "light":
        return "light"
    if cookie == "dark":
        return "dark"
    return "dark" if actor is not None and actor.role in DARK_ROLES else "light"
