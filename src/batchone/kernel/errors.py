"""Errors, typed by what their catcher should do.

`Refused`: the request is wrong; show it to a person, do not repeat it. `TryLater`: nothing is wrong with the request;
repeat it after a while. `Broken`: a promise inside the program does not hold; stop and let the supervisor restart.
Each says what is wrong, where, and how to cure it; the HTTP border turns them into RFC 9457 problem details.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class BatchoneError(Exception):
    """The root: a stable `code`, a sentence `what`, a sentence `cure`, and named places in `where`.

    `errors`: each of the things that are wrong, where they are many; a `detail` in words and named places.
    """

    status: ClassVar[int] = 500

    def __init__(self, code: str, what: str, cure: str, **where: object) -> None:
        super().__init__(f"{what} {cure}".strip())
        self.code = code
        self.what = what
        self.cure = cure
        self.where = {key: str(value) for key, value in where.items()}
        self.errors: tuple[Mapping[str, str], ...] = ()


class Refused(BatchoneError):
    """The input is wrong or breaks a rule; a person must change it."""

    status = 422


class Unauthenticated(Refused):
    """Nobody is signed in, or the credential is not valid."""

    status = 401


class Forbidden(Refused):
    """Somebody is signed in who may not do this."""

    status = 403


class NotFound(Refused):
    """There is no such thing in this tenant."""

    status = 404


class Conflict(Refused):
    """The thing is not in a state that allows this."""

    status = 409


class Expired(Refused):
    """It was valid once; a new one must be asked for."""

    status = 410


class TryLater(BatchoneError):
    """Something this needs is not there at the moment; the same request may succeed later."""

    status = 503

    def __init__(
        self, code: str, what: str, cure: str = "Try again in a moment.", *, after_s: float = 2.0, **where: object
    ) -> None:
        super().__init__(code, what, cure, **where)
        self.after_s = after_s


class Broken(BatchoneError):
    """An invariant does not hold or the program is set up wrongly; stop rather than guess."""


_KINDS: dict[str, type[BatchoneError]] = {
    kind.__name__: kind
    for kind in (BatchoneError, Refused, Unauthenticated, Forbidden, NotFound, Conflict, Expired, TryLater, Broken)
}


def to_wire(error: BatchoneError) -> dict[str, object]:
    """The error as plain data, so that a remote caller can raise the same one, or what a domain's own one is a kind of."""
    kind = next(base.__name__ for base in type(error).__mro__ if base.__name__ in _KINDS)
    told: dict[str, object] = {
        "kind": kind, "code": error.code, "what": error.what, "cure": error.cure, "where": error.where,
    }  # fmt: skip
    if error.errors:
        told["errors"] = [dict(each) for each in error.errors]
    if isinstance(error, TryLater):
        told["after_s"] = error.after_s
    return told


def from_wire(data: object) -> BatchoneError:
    """The error that `to_wire` described; what it did not becomes `Broken`."""
    if not isinstance(data, dict):
        return Broken("errors.wire", f"An error came in another shape: {data!r}.", "Run one version everywhere.")
    kind = _KINDS.get(str(data.get("kind")), Broken)
    where = data.get("where")
    places = {str(key): str(value) for key, value in where.items()} if isinstance(where, dict) else {}
    error = kind(str(data.get("code")), str(data.get("what")), str(data.get("cure")))
    error.where = places
    error.errors = _each(data.get("errors"))
    after_s = data.get("after_s")
    if isinstance(error, TryLater) and isinstance(after_s, int | float):
        error.after_s = float(after_s)
    return error


def _each(told: object) -> tuple[Mapping[str, str], ...]:
    found = told if isinstance(told, Sequence) and not isinstance(told, str) else ()
    return tuple({str(key): str(value) for key, value in each.items()} for each in found if isinstance(each, Mapping))
