from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from batchone.kernel.certificates import OwnCertificate, fingerprint
from batchone.kernel.errors import Broken

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def own_in(folder: Path) -> OwnCertificate:
    return OwnCertificate(folder, "batchone:tinworks", "office")


def test_it_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    first = own_in(tmp_path / "certificates").now(NOON)
    again = own_in(tmp_path / "certificates").now(NOON + timedelta(days=400))
    assert fingerprint(again.certificate) == fingerprint(first.certificate)
    assert [(file.name, file.stat().st_mode & 0o777) for file in (tmp_path / "certificates").iterdir()] == [("own.pem", 0o600)]


def test_it_says_whose_it_is_and_what_for(tmp_path: Path) -> None:
    made = own_in(tmp_path).now(NOON)
    assert made.application == "urn:office:batchone:tinworks"
    assert made.certificate.not_valid_before_utc < NOON < made.certificate.not_valid_after_utc
    uses = made.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(uses) == {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}
    made.certificate.verify_directly_issued_by(made.certificate)


def test_its_successor_is_made_long_before_it_takes_its_place(tmp_path: Path) -> None:
    own = own_in(tmp_path)
    first = own.now(NOON)
    ends = first.certificate.not_valid_after_utc
    assert own.successor(NOON) is None
    successor = own.successor(ends - timedelta(days=170))
    assert successor is not None
    assert fingerprint(own.now(ends - timedelta(days=20)).certificate) == fingerprint(first.certificate)
    again = own.successor(ends - timedelta(days=20))
    assert again is not None
    assert fingerprint(again.certificate) == fingerprint(successor.certificate)
    assert fingerprint(own.now(ends - timedelta(days=10)).certificate) == fingerprint(successor.certificate)
    assert own.successor(ends) is None


def test_its_successor_may_be_made_before_its_time_and_used_at_once(tmp_path: Path) -> None:
    own = own_in(tmp_path)
    first = own.now(NOON)
    prepared = own.prepare(NOON)
    for told in (own.prepare(NOON), own.successor(NOON)):
        assert told is not None
        assert fingerprint(told.certificate) == fingerprint(prepared.certificate) != fingerprint(first.certificate)
    assert fingerprint(own.now(NOON).certificate) == fingerprint(first.certificate), "it waits until it is taken"
    own.take_over(NOON)
    assert fingerprint(own.now(NOON).certificate) == fingerprint(prepared.certificate)
    assert own.successor(NOON) is None


def test_a_platform_that_slept_over_both_gets_a_new_one(tmp_path: Path) -> None:
    own = own_in(tmp_path)
    first = own.now(NOON)
    own.successor(first.certificate.not_valid_after_utc - timedelta(days=1))
    late = NOON + timedelta(days=20 * 365)
    made = own.now(late)
    assert made.certificate.not_valid_before_utc < late < made.certificate.not_valid_after_utc


@pytest.mark.parametrize("content", [b"", b"spoilt", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_spoilt_one_is_told_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.pem").write_bytes(content)
    with pytest.raises(Broken, match=r"own\.pem"):
        own_in(tmp_path).now(NOON)
    assert (tmp_path / "own.pem").read_bytes() == content
