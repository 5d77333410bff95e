"""Documents of agents: examples that a person can check by hand, and any bytes at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.kernel.quantities import is_unit
from batchone.machines import columns
from batchone.machines.connect.driver import Garbled
from batchone.machines.connect.mtconnect.documents import UNITS, LostPlace, Standing, Streams, devices, streams

HEADER = '<Header instanceId="7" version="1.8.0.3" firstSequence="3" nextSequence="12" lastSequence="11"/>'
T = "2024-03-01T08:00:0"


def document(observations: str, header: str = HEADER) -> bytes:
    return (
        f'<?xml version="1.0"?><MTConnectStreams xmlns="urn:mtconnect.org:MTConnectStreams:1.8">{header}<Streams>'
        f'<DeviceStream name="Mill"><ComponentStream>{observations}</ComponentStream></DeviceStream></Streams>'
        "</MTConnectStreams>"
    ).encode()


def told(observations: str, standing: Standing | None = None) -> Streams:
    return streams(document(observations), standing or Standing(), 5)


def rows(found: Streams) -> list[tuple[str, str, str, int]]:
    batch = found.samples
    return [
        (path, columns.from_us(time).strftime("%H:%M:%S.%f"), f"{value:g}", int(quality))
        for path, time, value, quality in zip(
            batch.column("path").to_pylist(), columns.times_us(batch), columns.values_of(batch), columns.qualities_of(batch),
            strict=True,
        )
    ]  # fmt: skip


def test_numbers_words_and_what_is_unavailable() -> None:
    found = told(
        f'<Samples><Position dataItemId="x" timestamp="{T}1.2500001Z" sequence="11">12.5</Position>'
        f'<Load dataItemId="l" timestamp="{T}0Z" sequence="10">UNAVAILABLE</Load>'
        f'<PathPosition dataItemId="p" timestamp="{T}0Z" sequence="9">1 2 3</PathPosition></Samples>'
        f'<Events><DoorState dataItemId="d" timestamp="{T}0Z" sequence="8">OPEN</DoorState>'
        f'<Program dataItemId="g" timestamp="{T}0Z" sequence="7">O1234</Program>'
        f'<PartCount dataItemId="n" timestamp="{T}0Z" sequence="6">17</PartCount></Events>'
    )
    assert rows(found) == [
        ("n", "08:00:00.000000", "17", 0), ("d", "08:00:00.000000", "1", 0), ("l", "08:00:00.000000", "nan", columns.BAD),
        ("x", "08:00:01.250000", "12.5", 0),
    ]  # fmt: skip
    assert (found.instance, found.first, found.next, found.faults) == (7, 3, 12, ())


def test_a_time_series_is_so_many_samples_that_end_at_its_time() -> None:
    found = told(f'<S dataItemId="v" timestamp="{T}1Z" sequence="1" sampleCount="3" sampleRate="100">1 2 3</S>')
    assert [row[1:3] for row in rows(found)] == [("08:00:00.980000", "1"), ("08:00:00.990000", "2"), ("08:00:01.000000", "3")]


def test_a_condition_is_the_worst_of_all_that_are_active_until_it_is_normal() -> None:
    standing = Standing()

    def value(tag: str, code: str = "") -> str:
        return rows(told(f'<{tag} dataItemId="c" timestamp="{T}0Z" sequence="1" nativeCode="{code}"/>', standing))[0][2]

    assert [value("Warning", "A"), value("Fault", "B"), value("Normal", "B"), value("Normal")] == ["1", "2", "1", "0"]
    value("Fault", "B")
    assert standing.state == "alarm"
    assert value("Unavailable") == "nan"
    assert standing.state is None


def test_execution_and_availability_stand_from_document_to_document() -> None:
    standing = Standing()
    told(f'<Execution dataItemId="e" timestamp="{T}0Z" sequence="1">ACTIVE</Execution>', standing)
    told(f'<Load dataItemId="l" timestamp="{T}0Z" sequence="2">3</Load>', standing)
    assert (standing.state, standing.gone) == ("running", False)
    told(f'<Execution dataItemId="e" timestamp="{T}0Z" sequence="3">FEED_HOLD</Execution>', standing)
    told(f'<Availability dataItemId="a" timestamp="{T}0Z" sequence="4">UNAVAILABLE</Availability>', standing)
    assert (standing.state, standing.gone) == ("idle", True)


@pytest.mark.parametrize(
    ("observation", "what"),
    [
        ('<Load dataItemId="l" timestamp="soon">1</Load>', "soon"),
        ('<Load dataItemId="l" timestamp="1600-01-01T00:00:00Z">1</Load>', "before 1970"),
        (f'<Load dataItemId="l" timestamp="{T}0Z">inf</Load>', "no measurement"),
        (f'<Load dataItemId="l" timestamp="{T}0Z" sampleCount="3" sampleRate="10">1 2</Load>', "other values than it says"),
        (f'<Load dataItemId="l" timestamp="{T}0Z" sampleCount="1" sampleRate="0">1</Load>', "no rate"),
    ],
)
def test_an_observation_that_cannot_be_read_costs_the_others_nothing(observation: str, what: str) -> None:
    found = told(f'{observation}<Load dataItemId="m" timestamp="{T}0Z">2</Load>')
    assert [row[0] for row in rows(found)] == ["m"]
    (fault,) = found.faults
    assert fault.path == "l"
    assert what in fault.what


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "no document"), (b"<a>", "no document"), (b"<a/>", "sent a, not MTConnectStreams"),
        (b"<MTConnectStreams/>", "no header"),
        (document("", '<Header instanceId="7"/>'), "which observations"),
        (document("", '<Header instanceId="-7" firstSequence="1" nextSequence="1"/>'), "which observations"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "no document"),
        (b'<MTConnectError><Errors><Error errorCode="NO_DEVICE">None such.</Error></Errors></MTConnectError>', "NO_DEVICE"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_garbled(body: bytes, what: str) -> None:
    with pytest.raises(Garbled, match=what):
        streams(body, Standing(), 0)


def test_a_sequence_that_the_agent_does_not_have_is_a_lost_place() -> None:
    with pytest.raises(LostPlace, match="before 5"):
        streams(b'<MTConnectError><Error errorCode="OUT_OF_RANGE">from: before 5</Error></MTConnectError>', Standing(), 0)


def test_a_probe_tells_data_items_with_their_units() -> None:
    found = devices(
        b'<MTConnectDevices xmlns="urn:mtconnect.org:MTConnectDevices:2.0"><Header version="2.0" sender="shop"/><Devices>'
        b'<Device id="d" name="Mill"><DataItems><DataItem id="avail" category="EVENT" type="AVAILABILITY"/></DataItems>'
        b'<Components><Axes id="a"><Components><Linear id="x" name="X"><DataItems><DataItem id="x1" category="SAMPLE" '
        b'type="POSITION" subType="ACTUAL" units="MILLIMETER"/></DataItems></Linear></Components></Axes></Components></Device>'
        b"</Devices></MTConnectDevices>"
    )
    assert found.who == "MTConnect agent 2.0 shop"
    assert {(item.id, item.name, item.type, item.unit) for item in found.items} == {
        ("avail", "Mill AVAILABILITY", "EVENT AVAILABILITY", ""), ("x1", "X ACTUAL POSITION", "SAMPLE POSITION", "mm"),
    }  # fmt: skip


@pytest.mark.parametrize("unit", UNITS.values())
def test_every_unit_is_one_that_signals_may_have(unit: str) -> None:
    assert is_unit(unit)


SOUND = document(f'<Load dataItemId="m" timestamp="{T}0Z" sequence="4">2</Load><Fault dataItemId="c" timestamp="{T}0Z"/>')
TEXT = st.text(max_size=20)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(SOUND)), st.integers(0, 40))
def test_no_bytes_break_it(data: bytes, at: int, cut: int) -> None:
    for body in (data, SOUND[:at] + data + SOUND[at + cut :]):
        for read in (devices, lambda body: streams(body, Standing(), 0)):
            try:
                read(body)
            except Garbled:
                continue


@settings(max_examples=200, deadline=None)
@given(
    st.text("0123456789.eE+-naifINF _UTC:Z", max_size=24),
    st.text("0123456789-T:.Z+"),
    st.text("0123456789.e-", max_size=6),
)
def test_no_attribute_breaks_it(text: str, time: str, rate: str) -> None:
    found = told(
        f'<Load dataItemId="a" timestamp="{T}0Z" sequence="{rate}">{text}</Load>'
        f'<Load dataItemId="b" timestamp="{time}">1</Load>'
        f'<Load dataItemId="c" timestamp="{T}0Z" sampleCount="2" sampleRate="{rate}">1 2</Load>'
    )
    good = columns.qualities_of(found.samples) == columns.GOOD
    assert np.isfinite(columns.values_of(found.samples)[good]).all()
