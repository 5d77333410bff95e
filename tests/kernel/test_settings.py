"""Settings are refused whole, with every fault and its place."""

import pytest
from pydantic import ValidationError

from batchone.kernel.errors import Refused
from batchone.kernel.settings import Bytes, Seconds, Settings, read


class Inner(Settings):
    every_s: Seconds = 1.0


class Outer(Settings):
    pause_s: Seconds
    cache: Bytes = 0.0
    count: int = 3
    inner: Inner = Inner()


def test_durations_and_sizes_are_written_with_their_unit_or_as_plain_numbers() -> None:
    settings = read(Outer, {"pause_s": "4 h", "cache": "64 MB", "inner": {"every_s": 2}}, "module x")
    assert (settings.pause_s, settings.cache, settings.inner.every_s) == (14400, 64e6, 2)


def test_every_fault_is_named_at_once_with_its_place() -> None:
    with pytest.raises(Refused) as refused:
        read(Outer, {"pause_s": "4 kg", "cout": 3, "count": "x", "inner": {"every_s": "soon"}}, "module x")
    text = refused.value.what
    for place in ("module x", "pause_s: ", "cout: ", "count: ", "inner.every_s: "):
        assert place in text
    assert "'4 kg' is not a quantity in s" in text


@pytest.mark.parametrize("value", [-1, "-1 s", float("nan"), float("inf"), "nan s", None, [], {}])
def test_a_duration_that_cannot_pass_is_refused(value: object) -> None:
    with pytest.raises(Refused, match="pause_s"):
        read(Outer, {"pause_s": value}, "module x")


def test_what_is_missing_is_a_fault() -> None:
    with pytest.raises(Refused, match="pause_s"):
        read(Outer, {}, "module x")


def test_settings_do_not_change() -> None:
    settings = read(Outer, {"pause_s": 1}, "module x")
    with pytest.raises(ValidationError):
        settings.count = 4  # type: ignore[misc]  # on purpose
