"""Packages: what is written is read as the same, and what is broken, huge or set with traps is refused."""

from __future__ import annotations

import io
from collections.abc import Mapping
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
import pytest
from tests.machines.aas.world import TENANT, World, record

from batchone.kernel.errors import Refused
from batchone.machines.aas import package
from batchone.machines.aas.addresses import Asset
from batchone.machines.aas.service import node_of

ITEM = Asset(TENANT, "item", "I-0001").shell


@pytest.fixture
async def packed() -> bytes:
    return package.write(await World(items=[record()]).service().environment(TENANT, [ITEM], [], concepts=True))


def altered(packed: bytes, parts: Mapping[str, bytes | None]) -> bytes:
    """The same package with other parts; none takes a part away."""
    out = io.BytesIO()
    with ZipFile(io.BytesIO(packed)) as before, ZipFile(out, "w", ZIP_DEFLATED) as after:
        kept = {name: before.read(name) for name in before.namelist()}
        for name, content in ({**kept, **parts}).items():
            if content is not None:
                after.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize("items", [False, True])
async def test_what_is_written_is_read_as_the_same(items: bool) -> None:
    environment = await World(items=[record()]).service().environment(TENANT, [ITEM] if items else [], [], concepts=True)
    assert node_of(package.read(package.write(environment))) == node_of(environment)
    assert package.write(environment) == package.write(environment)


async def test_a_package_with_json_and_old_relationships_is_read(packed: bytes) -> None:
    environment = package.read(packed)
    with ZipFile(io.BytesIO(packed)) as archive:
        origin = archive.read("aasx/_rels/aasx-origin.rels").replace(b"http://admin", b"http://www.admin")
    other = altered(
        packed,
        {
            "aasx/environment.xml": None,
            "aasx/data.json": orjson.dumps(node_of(environment)),
            "aasx/_rels/aasx-origin.rels": origin.replace(b"/aasx/environment.xml", b"data.json"),
        },
    )
    assert node_of(package.read(other)) == node_of(environment)


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><environment>&b;</environment>'


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"_rels/.rels": None}, "missing"),
        ({"_rels/.rels": b"<a/>"}, "leads to no aasx-origin"),
        ({"_rels/.rels": b"<a"}, "cannot be read"),
        ({"aasx/environment.xml": None}, "missing"),
        ({"aasx/environment.xml": BOMB}, "cannot be read"),
        ({"aasx/environment.xml": b"<environment/>"}, "not of metamodel"),
        (
            {"aasx/environment.xml": b'<environment xmlns="https://admin-shell.io/aas/3/0"><a/></environment>'},
            "not of metamodel",
        ),
        ({"aasx/environment.xml": b"\xff\xfe"}, "cannot be read"),
        ({"aasx/huge.bin": b"\0" * (package.BYTES_MAX + 1)}, "more than"),
    ],
)
def test_a_package_that_is_damaged_too_large_or_a_trap_is_refused(
    packed: bytes, parts: dict[str, bytes | None], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        package.read(altered(packed, parts))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no", b"x" * 100])
def test_what_is_no_zip_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="cannot be unpacked"):
        package.read(content)
