"""Packages: what is written is read as the same, and what is broken, huge or set with traps is refused."""

from __future__ import annotations

import io
from collections.abc import Mapping
from zipfile import ZIP_DEFLATED, ZipFile

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


async def test_a_package_with_xml_and_old_relationships_is_read(packed: bytes) -> None:
    environment = package.read(packed)
    with ZipFile(io.BytesIO(packed)) as archive:
        origin = archive.read("aasx/_rels/aasx-origin.rels").replace(b"http://admin", b"http://www.admin")
    other = altered(
        packed,
        {
            "aasx/environment.json": None,
            "aasx/data.xml": package.to_xml(environment),
            "aasx/_rels/aasx-origin.rels": origin.replace(b"/aasx/environment.json", b"data.xml"),
        },
    )
    assert node_of(package.read(other)) == node_of(environment)


XML_LINK = b"""<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Type="http://admin-shell.io/aasx/relationships/aas-spec" Target="x.xml" Id="r"/></Relationships>"""
BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><environment>&b;</environment>'


def xml(content: bytes) -> dict[str, bytes | None]:
    return {"aasx/_rels/aasx-origin.rels": XML_LINK, "aasx/x.xml": content}


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"_rels/.rels": None}, "missing"),
        ({"_rels/.rels": b"<a/>"}, "leads to no aasx-origin"),
        ({"_rels/.rels": b"<a"}, "cannot be read"),
        ({"_rels/.rels": BOMB}, "cannot be read"),
        ({"aasx/environment.json": None}, "missing"),
        ({"aasx/environment.json": b"{"}, "cannot be read"),
        ({"aasx/environment.json": b"[]"}, "not of metamodel"),
        ({"aasx/environment.json": b'{"submodels": [{"id": 1}]}'}, "not of metamodel"),
        (xml(BOMB), "cannot be read"),
        (xml(b"<environment/>"), "not of metamodel"),
        (xml(b'<environment xmlns="https://admin-shell.io/aas/3/1"/>'), "not of metamodel"),
        (xml(b"\xff\xfe"), "cannot be read"),
        (xml(b'<?xml version="1.0" encoding="what"?><environment/>'), "cannot be read"),
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


@pytest.mark.parametrize("depth", [package.DEPTH_MAX, 300, 400, 100_000])
def test_a_package_that_is_nested_too_deeply_is_refused(packed: bytes, depth: int) -> None:
    name, head = "<idShort>C</idShort>", '<environment xmlns="https://admin-shell.io/aas/3/0"><submodels><submodel><id>x</id>'
    opened = f"<submodelElementCollection>{name}<value>" * depth
    closed = "</value></submodelElementCollection>" * depth
    last = f"<property>{name}<valueType>xs:string</valueType></property>"
    whole = f"{head}<submodelElements>{opened}{last}{closed}</submodelElements></submodel></submodels></environment>"
    with pytest.raises(Refused, match="nested more than"):
        package.read(altered(packed, xml(whole.encode())))
