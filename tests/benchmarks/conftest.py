"""Benchmarks silence the log of their process; tests after them want to read it."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """The log is told as it was, whatever a benchmark configured."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
