"""The rules of signing in, as pure functions: what may be called a person, when a session ends, when attempts are barred."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime, timedelta

from batchone.contracts.enterprises import ROLES, Role
from batchone.kernel.errors import Refused, Unauthenticated
from batchone.kernel.settings import Seconds, Settings

TOKEN_PREFIX = "bo_"  # noqa: S105 - makes a leaked token easy to find for those who look for leaks
PASSWORD_SHORTEST, PASSWORD_LONGEST = 8, 256
_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_PERSON = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
_NAME_LONGEST = 200


class EnterprisesSettings(Settings):
    """How long credentials are good, and how failed attempts to sign in are slowed down.

    These durations are of people's time, also where an emulated plant runs faster. A session ends `session_idle_s` after it was
    last used, and `session_longest_s` after it was opened in any case. After `attempts_free` failures each further attempt
    waits, `attempts_pause_s` at first and twice as long each time, up to `attempts_window_s`; twice that long after the last
    attempt all is forgotten. A revoked credential works `remembered_s` longer at most.
    """

    session_idle_s: Seconds = 12 * 3600.0
    session_longest_s: Seconds = 30 * 86400.0
    link_s: Seconds = 30 * 86400.0
    attempts_free: int = 5
    attempts_pause_s: Seconds = 15.0
    attempts_window_s: Seconds = 900.0
    remembered_s: Seconds = 3.0


def digest_of(secret: str) -> bytes:
    """What is stored of a secret: its SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def person_id(text: str) -> str | None:
    """A person's id as somebody types it, brought to the one way in which it is stored; None if nobody can be called so."""
    found = unicodedata.normalize("NFKC", text).strip().casefold()
    return found if _PERSON.fullmatch(found) else None


def expiry(opened: datetime, now: datetime, settings: EnterprisesSettings) -> datetime:
    """When a session that is used now ends if it is not used again."""
    idle, longest = timedelta(seconds=settings.session_idle_s), timedelta(seconds=settings.session_longest_s)
    return min(now + idle, opened + longest)


def worth_prolonging(stands: datetime, could: datetime, settings: EnterprisesSettings) -> bool:
    """Whether a later expiry is worth a write: not for every request, but twenty times in an idle period."""
    return could - stands > timedelta(seconds=settings.session_idle_s / 20)


def pause_s(attempts: int, settings: EnterprisesSettings) -> float:
    """How long the next attempt is barred after so many without success."""
    if attempts < settings.attempts_free:
        return 0.0
    doublings = min(attempts - settings.attempts_free, 30)
    return min(settings.attempts_pause_s * 2.0**doublings, settings.attempts_window_s)


def check_tenant(tenant: str) -> None:
    """Refuse what cannot name a tenant: it also stands in the subjects of messages."""
    if not _TENANT.fullmatch(tenant):
        raise Refused(
            "enterprises.tenant",
            f"'{tenant}' cannot name an enterprise.",
            "Use lower-case letters, digits, `-` and `_`, 63 at most.",
        )


def check_person(person: str, name: str, role: Role, party: str) -> None:
    """Refuse a person whom nobody could sign in as, or who would see more than they should."""
    if person_id(person) != person:
        raise Refused(
            "enterprises.person",
            f"'{person}' cannot be a person's id.",
            "Use lower-case letters, digits and `._@+-`, 100 at most, and begin with a letter or digit.",
        )
    if not name.strip() or len(name) > _NAME_LONGEST or not name.isprintable():
        raise Refused(
            "enterprises.name", f"{person} needs a name that can be shown.", f"Write one of at most {_NAME_LONGEST} characters."
        )
    if role not in ROLES:
        raise Refused("enterprises.role", f"There is no role '{role}'.", f"Choose one of: {', '.join(ROLES)}.", person=person)
    if role == "supplier" and not party:
        raise Refused(
            "enterprises.party", f"{person} acts for no supplier.", "Name the supplier as the person's party.", person=person
        )


def check_password(password: str) -> None:
    """Refuse a password that is too short to be one (NIST SP 800-63B: at least 8) or long enough to be an attack."""
    if not PASSWORD_SHORTEST <= len(password) <= PASSWORD_LONGEST:
        raise Refused(
            "enterprises.password",
            "The password is too short or too long.",
            f"Choose one of {PASSWORD_SHORTEST} to {PASSWORD_LONGEST} characters.",
        )


def check_label(label: str) -> str:
    """A token's label without space around it; refused if it would tell nothing."""
    found = label.strip()
    if not found or len(found) > _NAME_LONGEST or not found.isprintable():
        raise Refused("enterprises.label", "The token needs a label.", "Say in a few words what will use it.")
    return found


def not_signed_in() -> Unauthenticated:
    """The one answer to a wrong name and to a wrong password."""
    return Unauthenticated("access.refused", "The name or the password is not right.", "Check both and try again.")


def barred(wait_s: float) -> Unauthenticated:
    """The answer to any attempt, right or wrong, after too many wrong ones."""
    seconds = max(1, round(wait_s))
    return Unauthenticated(
        "access.too_many_attempts",
        "There were too many attempts to sign in with this name.",
        f"Wait {seconds} s, then try again.",
        wait_s=seconds,
    )
