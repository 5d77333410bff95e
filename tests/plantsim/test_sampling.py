from random import Random

from plantsim.pack import Law, Pack, Signal
from plantsim.sampling import Sampler


def sampler(mugs: Pack, equipment: str = "kiln-1") -> Sampler:
    return Sampler(mugs.equipment[equipment], mugs, Random(1), 0.0)


def test_points_stand_in_the_order_of_the_pack_with_positions_counting_from_one(mugs: Pack) -> None:
    names = [point.name(".") for point in sampler(mugs).points]
    assert names[:5] == [
        "gas",
        "P01.plate_temperature",
        "P02.plate_temperature",
        "P03.plate_temperature",
        "P04.plate_temperature",
    ]
    assert len(names) == 9


def count_readings(mugs: Pack, *, speed: float, active: bool) -> int:
    """Return how often `gas` (every 10 s) is read in 1000 s of plant time, looked at every second."""
    it, reads = sampler(mugs), []

    def read(signal: Signal, _position: int) -> float:
        if signal.id == "gas":
            reads.append(1)
        return float(len(reads))

    for second in range(1000):
        it.sample(float(second), speed, active, read)
    return len(reads)


def test_signals_are_read_at_their_interval_and_slowly_when_idle(mugs: Pack) -> None:
    assert count_readings(mugs, speed=1, active=True) in (99, 100)
    assert count_readings(mugs, speed=1, active=False) == 10


def test_a_fast_plant_is_read_at_most_five_times_a_real_second(mugs: Pack) -> None:
    assert count_readings(mugs, speed=500, active=True) == 10


def test_waking_reads_at_once_what_was_read_slowly(mugs: Pack) -> None:
    it, reads = sampler(mugs), []

    def read(signal: Signal, _position: int) -> float:
        reads.append(signal.id)
        return 1.0

    it.sample(10, 1, False, read)
    reads.clear()
    it.sample(30, 1, True, read)
    assert reads == []
    it.wake()
    it.sample(31, 1, True, read)
    assert "gas" in reads


def test_only_new_values_are_news(mugs: Pack) -> None:
    it = sampler(mugs)
    it.note(0, 5.0, 1.0)
    it.note(0, 5.0, 2.0)
    it.note(1, None, 2.0)
    assert it.take() == {0: (5.0, 1.0)}
    assert it.take() == {}
    assert it.everything() == {0: (5.0, 1.0)}


def test_a_signal_knows_where_it_is() -> None:
    from plantsim.sampling import Point

    signal = Signal("t", "position", 1.0, Law("hold"))
    assert [Point(signal, 7).name("/"), Point(signal, 120).name("."), Point(signal, 0).name(".")] == ["P07/t", "P120.t", "t"]
