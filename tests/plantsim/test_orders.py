import json

import pytest

from plantsim.orders import Ended, OrderFault, canonical, checksum, parse_order


def test_a_full_order_is_read() -> None:
    order = parse_order(
        '{"job": "J-1", "order": "O-1", "item": "I-1", "op": "40", "program": "p", "seconds": 240, "setup": "k",'
        ' "setup_seconds": 3, "parameters": {"a": 1}, "facts": {"size": 330, "panel": "glass"}}'
    )
    assert (order.job, order.op, order.program, order.seconds, order.setup, order.setup_seconds) == (
        "J-1",
        "40",
        "p",
        240,
        "k",
        3,
    )
    assert order.facts == {"size": 330.0, "panel": "glass"}


def test_what_may_be_missing_has_its_default() -> None:
    order = parse_order('{"job": "J-1", "op": "40", "program": "", "setup": null}')
    assert (order.seconds, order.setup, order.setup_seconds, order.parameters, order.facts) == (0, "", 0, {}, {})


@pytest.mark.parametrize(
    ("text", "job", "says"),
    [
        ("{", "", "not JSON"),
        ("[]", "", "not a JSON object"),
        ('{"op": "1", "program": "p"}', "", "job must be"),
        (json.dumps({"job": "J" * 33, "op": "1", "program": "p"}), "", "job must be"),
        (json.dumps({"job": "J 1", "op": "1", "program": "p"}), "", "job must be"),
        (json.dumps({"job": "Jé", "op": "1", "program": "p"}), "", "job must be"),
        ('{"job": "J-1", "program": "p"}', "J-1", "op must be a text"),
        ('{"job": "J-1", "op": 40, "program": "p"}', "J-1", "op must be a text"),
        ('{"job": "J-1", "op": "1", "program": "p", "seconds": -1}', "J-1", "seconds must be"),
        ('{"job": "J-1", "op": "1", "program": "p", "seconds": true}', "J-1", "seconds must be"),
        ('{"job": "J-1", "op": "1", "program": "p", "seconds": NaN}', "J-1", "seconds must be"),
        ('{"job": "J-1", "op": "1", "program": "p", "parameters": []}', "J-1", "parameters must be an object"),
    ],
)
def test_a_faulty_order_is_refused_with_its_fault(text: str, job: str, says: str) -> None:
    with pytest.raises(OrderFault, match=says) as fault:
        parse_order(text)
    assert fault.value.job == job


def test_the_checksum_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical({"b": 1.5, "a": ["ü"]}) == b'{"a":["\\u00fc"],"b":1.5}'
    assert checksum({"b": 1, "a": 2}) == checksum({"a": 2, "b": 1}) != checksum({"a": 2, "b": 1.0})


def test_an_ended_job_survives_being_recorded() -> None:
    ended = Ended("J-1", "10", "p", {"a": 1}, 2, 1000.0, 1010.5, 1.0, "finished", {"wall": 3.5}, 0.25)
    assert Ended(**json.loads(json.dumps(ended.record()))) == ended
    assert json.loads(ended.text) == {
        "job": "J-1", "state": "finished", "position": 2, "progress": 1.0, "started": "1970-01-01T00:16:40.000Z",
        "ended": "1970-01-01T00:16:50.500Z", "program": "p", "parameters": {"a": 1}, "results": {"wall": 3.5},
        "energy_kwh": 0.25,
    }  # fmt: skip
