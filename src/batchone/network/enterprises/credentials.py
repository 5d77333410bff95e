"""Secrets and passwords: where randomness comes from, and Argon2id kept from holding up everything else."""

from __future__ import annotations

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from batchone.kernel.errors import TryLater

P = ParamSpec("P")
R = TypeVar("R")
_SECRET_BYTES, _SALT_BYTES = 32, 16
_AT_ONCE, _WAITING_MAX = 2, 32


class Secrets(Protocol):
    """A source of bytes that nobody can guess."""

    def bytes(self, count: int) -> bytes:
        """So many random bytes."""
        ...


class SystemSecrets:
    """The operating system's source."""

    def bytes(self, count: int) -> bytes:
        """So many random bytes."""
        return secrets.token_bytes(count)


def new_secret(source: Secrets) -> str:
    """32 random bytes as 43 characters that may stand in a cookie, a header or an address."""
    return base64.urlsafe_b64encode(source.bytes(_SECRET_BYTES)).rstrip(b"=").decode()


class Passwords:
    """Hashes and checks passwords with Argon2id, off the event loop, two at a time.

    The default cost is the second recommended one of RFC 9106 (64 MiB, 3 passes), about a tenth of a second. When too many
    wait for their turn, the next is told `TryLater` rather than kept waiting.
    """

    def __init__(self, source: Secrets, hasher: PasswordHasher | None = None) -> None:
        self._source = source
        self._hasher = hasher or PasswordHasher()
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        # Checked against when there is no password, so that a name nobody has takes as long as one somebody has.
        self._nobodys = self._hasher.hash(source.bytes(_SECRET_BYTES), salt=source.bytes(_SALT_BYTES))

    async def hash(self, password: str) -> str:
        """The hash to store."""
        return await self._in_turn(self._hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether the password is the stored one; never for none stored, which takes just as long."""
        return await self._in_turn(self._matches, stored, password)

    def outdated(self, stored: str) -> bool:
        """Whether it was hashed at another cost than is now asked for."""
        return self._hasher.check_needs_rehash(stored)

    async def _in_turn(self, work: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        if self._waiting >= _WAITING_MAX:
            raise TryLater("access.busy", "Too many people sign in at this moment.")
        self._waiting += 1
        try:
            async with self._gate:
                return await asyncio.to_thread(work, *arguments, **named)
        finally:
            self._waiting -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(_bytes_of(password), salt=self._source.bytes(_SALT_BYTES))

    def _matches(self, stored: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(stored or self._nobodys, _bytes_of(password)) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def _bytes_of(password: str) -> bytes:
    # One password may be typed as different code points on different keyboards (NIST SP 800-63B, 5.1.1.2).
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
