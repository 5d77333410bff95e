"""One suite for every kind of object store, a real server among them."""

from __future__ import annotations

import io
import random
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support_objects import KEYS, S3Server

from batchone.kernel.errors import NotFound, Refused, TryLater
from batchone.machines.history.objects import Below, FolderObjects, ObjectStore, Stored, digest_of
from batchone.machines.history.objects_s3 import S3Keys, keys_from


@dataclass
class Kind:
    store: ObjectStore
    lose: Callable[[], ObjectStore]
    """The same store as one who cannot reach it has it."""


@pytest.fixture(
    params=["folder", pytest.param("s3", marks=pytest.mark.engine), pytest.param("part of s3", marks=pytest.mark.engine)]
)  # fmt: skip
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    if request.param == "folder":
        (tmp_path / "store").mkdir()
        store = FolderObjects(tmp_path / "store")

        def lose() -> ObjectStore:
            shutil.rmtree(tmp_path / "store")
            return store

        return Kind(store, lose)
    server: S3Server = request.getfixturevalue("s3_server")
    prefix = f"suite-{secrets.token_hex(4)}"
    if request.param == "s3":
        return Kind(server.store(prefix), lambda: server.store(prefix, bucket="no-such-bucket"))
    stranger = S3Keys(KEYS.access, "another-secret")
    return Kind(Below(server.store(prefix), "part/"), lambda: Below(server.store(prefix, stranger), "part/"))


@pytest.fixture
def store(kind: Kind) -> ObjectStore:
    return kind.store


def put(store: ObjectStore, key: str, data: bytes) -> None:
    store.put(key, io.BytesIO(data))


def read(store: ObjectStore, key: str) -> bytes:
    return b"".join(store.read(key))


@pytest.mark.parametrize("size", [0, 1, 3_000_000, 12_000_001])
def test_what_is_put_is_read_back_to_the_last_byte(store: ObjectStore, size: int) -> None:
    data = random.Random(size).randbytes(size)
    put(store, "a/b/c.parquet", data)
    assert read(store, "a/b/c.parquet") == data
    assert list(store.stored()) == [Stored("a/b/c.parquet", size)]
    assert digest_of(store, "a/b/c.parquet")[0] == size


def test_an_object_takes_the_place_of_the_one_before(store: ObjectStore) -> None:
    put(store, "x", b"a longer one")
    put(store, "x", b"new")
    assert read(store, "x") == b"new"
    assert list(store.stored()) == [Stored("x", 3)]


def test_what_there_is_not_is_not_found_and_may_be_removed(store: ObjectStore) -> None:
    with pytest.raises(NotFound, match=r"no object .*a/b"):
        read(store, "a/b")
    store.remove("a/b")
    put(store, "a/c", b"1")
    store.remove("a/c")
    store.remove("a/c")
    with pytest.raises(NotFound):
        read(store, "a/c")
    assert list(store.stored()) == []


def test_a_listing_tells_what_is_below_a_prefix_by_key(store: ObjectStore) -> None:
    for key in ("a/2", "a/1", "a/b/3", "ab/4", "5"):
        put(store, key, key.encode())
    assert [each.key for each in store.stored("a/")] == ["a/1", "a/2", "a/b/3"]
    assert [each.key for each in store.stored()] == sorted(("a/2", "a/1", "a/b/3", "ab/4", "5"))
    assert list(store.stored("none/")) == []


def test_it_does_over_many_steps_what_a_dictionary_does(store: ObjectStore) -> None:
    chance, model = random.Random(5), dict[str, bytes]()
    keys = [f"{folder}/{name}" for folder in ("t", "t/u", "v") for name in ("1.parquet", "2.parquet")]
    for _ in range(120):
        key = chance.choice(keys)
        match chance.randrange(4):
            case 0 | 1:
                model[key] = chance.randbytes(chance.randrange(2000))
                put(store, key, model[key])
            case 2:
                model.pop(key, None)
                store.remove(key)
            case 3:
                assert {each.key: each.bytes for each in store.stored()} == {key: len(data) for key, data in model.items()}
    assert {each.key: read(store, each.key) for each in store.stored()} == model


@pytest.mark.parametrize("act", ["put", "read", "stored", "remove", "check"])
def test_a_store_that_cannot_be_reached_says_so_whatever_is_asked(kind: Kind, act: str) -> None:
    kind.store.check()
    put(kind.store, "a/x", b"1")
    lost = kind.lose()
    asked = {
        "put": lambda: put(lost, "a/x", b"2"), "read": lambda: read(lost, "a/x"), "stored": lambda: list(lost.stored()),
        "remove": lambda: lost.remove("a/x"), "check": lost.check,
    }  # fmt: skip
    with pytest.raises(TryLater, match="cannot be reached") as told:
        asked[act]()
    assert "secret" not in str(told.value)


def test_a_folder_that_is_half_written_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "x.part").write_bytes(b"1")
    assert list(FolderObjects(tmp_path).stored()) == []


def test_the_keys_are_those_of_the_environment_or_else_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "objects.keys"
    file.write_text("[default]\naws_access_key_id = one\naws_secret_access_key = t%wo\n")
    environment = {"AWS_ACCESS_KEY_ID": "three", "AWS_SECRET_ACCESS_KEY": "four"}
    assert keys_from({}, file) == S3Keys("one", "t%wo")
    assert keys_from(environment, file) == keys_from(environment, tmp_path / "none") == S3Keys("three", "four")


def test_keys_that_cannot_be_read_are_not_told(tmp_path: Path) -> None:
    file = tmp_path / "objects.keys"
    file.write_text("[default]\naws_access_key_id = one\nhush-hush\n")
    with pytest.raises(Refused, match="no keys") as told:
        keys_from({}, file)
    assert "hush" not in f"{told.value} {told.value.__cause__}"
    assert "hush" not in repr(S3Keys("one", "hush"))
