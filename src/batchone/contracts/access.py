"""How a route learns who asks, and refuses who may not.

The web border puts the `Actor` of the session or token on the request; a route states the roles it is for.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request

from batchone.contracts.enterprises import Actor, Role
from batchone.kernel.errors import Forbidden, Unauthenticated


def actor_of(request: Request) -> Actor:
    """Who asks; `Unauthenticated` when nobody is signed in."""
    actor = getattr(request.state, "actor", None)
    if not isinstance(actor, Actor):
        raise Unauthenticated(
            "access.nobody", "Nobody is signed in.", "Sign in, or send an API token as `Authorization: Bearer ...`."
        )
    return actor


def allow(*roles: Role) -> Callable[[Request], Actor]:
    """A dependency that yields the actor if they have one of `roles`, or are admin; without roles, anybody signed in."""

    def check(request: Request) -> Actor:
        actor = actor_of(request)
        if roles and actor.role not in roles and actor.role != "admin":
            raise Forbidden(
                "access.role",
                f"The role {actor.role} may not do this.",
                f"It is for: {', '.join(roles)}.",
                role=actor.role,
            )
        return actor

    return check
