"""The rules of signing in."""

from datetime import UTC, datetime, timedelta

import pytest

from batchone.network.enterprises.model import EnterprisesSettings, digest_of, expiry, pause_s, person_id, worth_prolonging

SETTINGS = EnterprisesSettings(
    session_idle_s="2 h", session_longest_s="5 h", attempts_free=3, attempts_pause_s="10 s", attempts_window_s="60 s"
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("attempts", "pause"), [(1, 0), (2, 0), (3, 10), (4, 20), (5, 40), (6, 60), (7, 60), (10**9, 60)])
def test_pauses_double_up_to_the_longest(attempts: int, pause: float) -> None:
    assert pause_s(attempts, SETTINGS) == pause


@pytest.mark.parametrize(("used_after_h", "ends_after_h"), [(0, 2), (1, 3), (3, 5), (4, 5), (4.9, 5)])
def test_a_session_ends_after_idling_or_at_its_longest(used_after_h: float, ends_after_h: float) -> None:
    assert expiry(NOON, NOON + timedelta(hours=used_after_h), SETTINGS) == NOON + timedelta(hours=ends_after_h)


def test_only_a_good_part_of_the_idle_time_is_worth_a_write() -> None:
    assert not worth_prolonging(NOON, NOON + timedelta(minutes=6), SETTINGS)
    assert worth_prolonging(NOON, NOON + timedelta(minutes=6, seconds=1), SETTINGS)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("ana", "ana"),
        (" Ana\t", "ana"),
        ("a.b@c+d-e_f", "a.b@c+d-e_f"),
        ("\uff41na", "ana"),
        ("", None),
        ("-a", None),
        ("a b", None),
        ("ä", None),
    ],
)
def test_a_name_is_stored_in_one_way(typed: str, found: str | None) -> None:
    assert person_id(typed) == found


def test_a_digest_is_sha_256() -> None:
    assert digest_of("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
