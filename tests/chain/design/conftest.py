"""Packs compiled once, and a service on a real database."""

from __future__ import annotations

import pytest
from tests.support_pack import REFRIGERATOR, SMALL
from tests.support_universe import Universe

from batchone.chain.design.model import Blueprint, compile_pack
from batchone.chain.design.packs import load_files, load_pack


@pytest.fixture(scope="session")
def refrigerator() -> Blueprint:
    """The refrigerator, compiled."""
    return compile_pack(load_pack(REFRIGERATOR))


@pytest.fixture(scope="session")
def universe(refrigerator: Blueprint) -> Universe:
    """All combinations of the refrigerator."""
    return Universe(refrigerator.pack)


@pytest.fixture(scope="session")
def lamp() -> Blueprint:
    """The small pack, compiled."""
    return compile_pack(load_files(SMALL))
