"""Documents judged by schemas: by a small one of our own, and, where somebody has them, by those of the standard.

MTConnect's schemas are not ours to hand on. `BATCHONE_MTCONNECT_SCHEMAS` names a folder with them; they lie in the repository
of the reference agent.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchone.machines.connect.mtconnect.documents import Standing, devices, streams
from batchone.machines.connect.mtconnect.schemas import judged

OWN = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:mtconnect.org:MTConnectDevices:9.1"
  elementFormDefault="qualified"><xs:element name="MTConnectDevices"><xs:complexType><xs:sequence>
  <xs:element name="Header"><xs:complexType><xs:attribute name="sender" use="required"/></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element></xs:schema>"""
HEADER = 'creationTime="2026-03-02T08:00:00Z" sender="shop" instanceId="7" version="2.0.0.1" bufferSize="100"'
DEVICES = f"""<?xml version="1.0" encoding="UTF-8"?>
<MTConnectDevices xmlns="urn:mtconnect.org:MTConnectDevices:2.0">
  <Header {HEADER} assetBufferSize="10" assetCount="0" deviceModelChangeTime="2026-03-01T00:00:00Z"/>
  <Devices>
    <Device id="mill" name="Mill" uuid="m-1">
      <DataItems><DataItem id="avail" category="EVENT" type="AVAILABILITY"/></DataItems>
      <Components><Axes id="axes" name="base"><Components><Linear id="x" name="X">
        <DataItems>
          <DataItem id="xpos" name="Xpos" category="SAMPLE" type="POSITION" subType="ACTUAL" units="MILLIMETER"/>
          <DataItem id="xtravel" category="CONDITION" type="POSITION"/>
        </DataItems>
      </Linear></Components></Axes></Components>
    </Device>
  </Devices>
</MTConnectDevices>""".encode()
STREAMS = f"""<?xml version="1.0" encoding="UTF-8"?>
<MTConnectStreams xmlns="urn:mtconnect.org:MTConnectStreams:2.0">
  <Header {HEADER} nextSequence="12" firstSequence="1" lastSequence="11" deviceModelChangeTime="2026-03-01T00:00:00Z"/>
  <Streams><DeviceStream name="Mill" uuid="m-1"><ComponentStream component="Linear" componentId="x" name="X">
    <Samples>
      <Position dataItemId="xpos" name="Xpos" subType="ACTUAL" timestamp="2026-03-02T08:00:00.5Z" sequence="10">12.5</Position>
    </Samples>
    <Condition>
      <Warning dataItemId="xtravel" type="POSITION" timestamp="2026-03-02T08:00:00.7Z" sequence="11">far</Warning>
    </Condition>
  </ComponentStream></DeviceStream></Streams>
</MTConnectStreams>""".encode()


def own(body: str) -> bytes:
    return f'<MTConnectDevices xmlns="urn:mtconnect.org:MTConnectDevices:9.1">{body}</MTConnectDevices>'.encode()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (own('<Header sender="shop"/>'), "MTConnectDevices 9.1 is valid by MTConnectDevices_9.1.xsd."),
        (own("<Header/>"), "is not valid by MTConnectDevices_9.1.xsd: line 1: "),
        (own('<Header a="1" b="2" c="3" d="4" e="5"/>'), "and 3 more"),
        (own("").replace(b"9.1", b"9.2"), "There is no schema for MTConnectDevices 9.2."),
        (b"<html/>", "There is no schema for <html>."), (b"not XML", "The answer is not valid by XML: "),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "There is no schema for <a>."),
        (b'<a xmlns="urn:mtconnect.org:MTConnect../../x:1.0"/>', "There is no schema for"),
    ],
)  # fmt: skip
def test_a_document_is_judged_by_the_schema_of_its_version(tmp_path: Path, body: bytes, said: str) -> None:
    (tmp_path / "MTConnectDevices_9.1.xsd").write_text(OWN)
    assert said in str(judged(tmp_path, body))


def test_the_schema_for_xsd_1_0_is_read_before_the_other(tmp_path: Path) -> None:
    (tmp_path / "MTConnectDevices_9.1.xsd").write_text("this one needs XSD 1.1")
    assert not judged(tmp_path, own("<Header/>")).schema
    (tmp_path / "MTConnectDevices_9.1_1.0.xsd").write_text(OWN)
    assert judged(tmp_path, own("<Header/>")).schema == "MTConnectDevices_9.1_1.0.xsd"


def test_documents_that_the_standard_allows_are_read() -> None:
    assert ("xpos", "mm") in [(item.id, item.unit) for item in devices(DEVICES).items]
    found = streams(STREAMS, Standing(), 5).samples
    assert dict(zip(found["path"].to_pylist(), found["value"].to_pylist(), strict=True)) == {"xpos": 12.5, "xtravel": 1.0}


@pytest.mark.skipif("BATCHONE_MTCONNECT_SCHEMAS" not in os.environ, reason="MTConnect's schemas are not ours to hand on")
@pytest.mark.parametrize("body", [DEVICES, STREAMS])
def test_the_documents_of_these_tests_are_valid_by_the_standards_schemas(body: bytes) -> None:
    said = judged(Path(os.environ["BATCHONE_MTCONNECT_SCHEMAS"]), body)
    assert (said.schema.endswith("_2.0_1.0.xsd"), said.faults) == (True, ())
