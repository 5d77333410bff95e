"""The enterprises domain over a real database, with cheap password hashes and secrets that can be foretold."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database, migrate
from batchone.network import enterprises
from batchone.network.enterprises.credentials import Passwords
from batchone.network.enterprises.model import EnterprisesSettings
from batchone.network.enterprises.service import EnterprisesService

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class CountedSecrets:
    """Bytes that follow from how many were asked for before."""

    def __init__(self) -> None:
        self.count = 0

    def bytes(self, count: int) -> bytes:
        self.count += 1
        return hashlib.shake_128(str(self.count).encode()).digest(count)


@pytest.fixture
def secrets() -> CountedSecrets:
    return CountedSecrets()


@pytest.fixture
def people_clock() -> ManualClock:
    """Real time, which is not plant time."""
    return ManualClock(datetime(2026, 5, 4, 12, 0, tzinfo=UTC))


@pytest.fixture
async def migrated(database: Database) -> Database:
    await migrate(database, "enterprises", Path(enterprises.__file__).parent / "migrations")
    return database


@pytest.fixture
def service(migrated: Database, clock: ManualClock, people_clock: ManualClock, secrets: CountedSecrets) -> EnterprisesService:
    return EnterprisesService(migrated, clock, people_clock, secrets, Passwords(secrets, CHEAP), EnterprisesSettings())
