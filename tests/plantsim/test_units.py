import pytest

from plantsim.units import DURATION, ENERGY, POWER, quantity


def test_quantities_come_in_one_unit() -> None:
    assert quantity("4 h", DURATION) == 14400
    assert quantity("300 W", POWER) == pytest.approx(0.3)
    assert quantity("0.9 kWh", ENERGY) == 0.9


@pytest.mark.parametrize("text", ["12", "12 parsec", "s", "twelve s", 12])
def test_a_quantity_without_its_unit_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"is not a number|could not convert"):
        quantity(text, DURATION)
