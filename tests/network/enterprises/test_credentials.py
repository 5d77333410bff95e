"""Password checks take turns, and wait for nobody for ever."""

import asyncio
import threading

import pytest
from argon2 import PasswordHasher

from batchone.kernel.errors import TryLater
from batchone.network.enterprises.credentials import Passwords, SystemSecrets, new_secret

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def test_secrets_are_long_and_never_the_same() -> None:
    made = {new_secret(SystemSecrets()) for _ in range(1000)}
    assert len(made) == 1000
    assert {len(secret) for secret in made} == {43}
    assert all(secret.replace("-", "a").replace("_", "a").isalnum() for secret in made)


def test_passwords_are_hashed_as_rfc_9106_recommends_unless_told_otherwise() -> None:
    assert "$m=65536,t=3,p=4$" in Passwords(SystemSecrets())._nobodys


async def test_the_same_password_is_stored_differently_for_two_people() -> None:
    passwords = Passwords(SystemSecrets(), CHEAP)
    assert await passwords.hash("same") != await passwords.hash("same")


@pytest.mark.parametrize("stored", [None, "", "not a hash", "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA"])
async def test_a_password_never_matches_what_is_no_hash_of_it(stored: str | None) -> None:
    assert not await Passwords(SystemSecrets(), CHEAP).matches(stored, "")


async def test_two_are_checked_at_once_and_too_many_are_told_to_come_later() -> None:
    running, most, gate = 0, 0, threading.Event()

    class Slow:
        def hash(self, *_: object, **__: object) -> str:
            return "nobody's"

        def verify(self, *_: object) -> bool:
            nonlocal running, most
            running += 1
            most = max(most, running)
            gate.wait(5)
            running -= 1
            return True

    passwords = Passwords(SystemSecrets(), Slow())  # type: ignore[arg-type]  # as slow as the test wants
    checks = [asyncio.create_task(passwords.matches("x", "y")) for _ in range(32)]
    await asyncio.sleep(0.05)
    with pytest.raises(TryLater):
        await passwords.matches("x", "y")
    gate.set()
    assert await asyncio.gather(*checks) == [True] * 32
    assert most == 2
    assert await passwords.matches("x", "y")
