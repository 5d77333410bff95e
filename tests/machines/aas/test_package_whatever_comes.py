"""An uploaded package may be anything: it is read or refused."""

import io
from contextlib import suppress
from zipfile import ZIP_DEFLATED, ZipFile

from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.kernel.errors import Refused
from batchone.machines.aas import package

LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
AASX = "http://admin-shell.io/aasx/relationships"


def links(kind: str, target: str) -> str:
    return f'<Relationships xmlns="{LINKS}"><Relationship Type="{AASX}/{kind}" Target="{target}"/></Relationships>'


SOUND = {
    "_rels/.rels": links("aasx-origin", "/aasx/o"),
    "aasx/_rels/o.rels": links("aas-spec", "e.json"),
    "aasx/e.json": '{"submodels": [{"id": "urn:x:1", "modelType": "Submodel", "submodelElements": [{"idShort": "a", '
    '"modelType": "Property", "valueType": "xs:string", "value": "1"}]}]}',
}


def zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


WHOLE = zipped({name: content.encode() for name, content in SOUND.items()})


def test_the_package_that_is_spoilt_below_is_sound() -> None:
    assert [each.id for each in package.read(WHOLE).submodels or ()] == ["urn:x:1"]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(WHOLE)), st.binary(max_size=40), st.integers(0, 60))
def test_no_bytes_break_it(at: int, data: bytes, cut: int) -> None:
    for packed in (data, WHOLE[:at] + data + WHOLE[at + cut :]):
        with suppress(Refused):
            package.read(packed)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(SOUND)), st.integers(0, 400), st.binary(max_size=30) | st.text(max_size=30), st.integers(0, 60))
def test_no_part_breaks_it(name: str, at: int, data: bytes | str, cut: int) -> None:
    parts = {each: content.encode() for each, content in SOUND.items()}
    whole, put = parts[name], data.encode("utf-8", "replace") if isinstance(data, str) else data
    parts[name] = whole[:at] + put + whole[at + cut :]
    with suppress(Refused):
        package.read(zipped(parts))
