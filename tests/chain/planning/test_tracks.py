"""The blocks of a track in pages: the same as a plain list, whatever is put in and taken out."""

import random

from hypothesis import given
from hypothesis import strategies as st
from tests.chain.planning.problems import UNHURRIED

from batchone.chain.planning.tracks import PAGE_MAX, Block, Track


def blocks_of(track: Track) -> list[Block]:
    return [block for page in track.pages for block in page.blocks]


@st.composite
def disjoint(draw) -> list[Block]:
    """Blocks one behind the other, over several pages, most of them close together, some with a key."""
    chance = random.Random(draw(st.integers(0, 10**6)))
    at, found = 0, []
    for n in range(draw(st.integers(0, 400))):
        at += chance.choice([0, 0, 1, 5])
        end = at + chance.choice([1, 3, 9])
        found.append(Block(at, end, chance.choice([None, None, None, "red", "green"]), 0, f"o{n}"))
        at = end
    return found


@UNHURRIED
@given(disjoint(), st.integers(0, 10**6))
def test_put_in_and_taken_out_in_any_order_they_stand_in_the_order_of_time(blocks, seed) -> None:
    mixed = blocks[:]
    random.Random(seed).shuffle(mixed)
    grown = Track()
    for block in mixed:
        grown = grown.with_block(block)
    assert blocks_of(grown) == blocks == blocks_of(Track.of(mixed))
    assert all(len(page.blocks) <= PAGE_MAX for page in grown.pages)
    gone = mixed[::2]
    for block in gone:
        grown = grown.without(block.begin_s, block.name)
    assert blocks_of(grown) == [block for block in blocks if block not in gone]


@UNHURRIED
@given(disjoint(), st.integers(-2, 2000), st.integers(1, 40))
def test_places_and_keys_are_those_that_a_walk_finds(blocks, second, length) -> None:
    track = Track.of(blocks)
    place = track.at(second)
    found = [block for page in track.pages[place[0] :] for block in page.blocks][place[1] :]
    rest = [block for block in blocks if block.end_s > second]
    assert found == rest
    ahead = [block for block in blocks if block.end_s <= second]
    assert track.before(*place) == (ahead[-1] if ahead else None)
    keyed = [block.key for block in ahead if block.key is not None]
    assert track.key_before(*place, "blue") == (keyed[-1] if keyed else "blue")
    assert track.next_keyed(*place) == next((block for block in rest if block.key is not None), None)
    clash = [block for block in blocks if block.begin_s < second + length and second < block.end_s]
    assert track.busy(second, second + length) == (clash[0] if clash else None)


def test_a_change_leaves_the_track_that_it_was_made_from_as_it_was() -> None:
    first = Track.of([Block(n * 10, n * 10 + 5, None, 0, f"o{n}") for n in range(500)])
    before = blocks_of(first)
    second = first.with_block(Block(5, 9, None, 0, "new")).without(100, "o10")
    assert blocks_of(first) == before
    assert len(blocks_of(second)) == 500
    shared = {id(page) for page in first.pages} & {id(page) for page in second.pages}
    assert len(shared) >= len(first.pages) - 2
