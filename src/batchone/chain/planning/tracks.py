"""What is taken on one track: blocks in the order of time, in pages, so that a change copies little and a search skips much.

A track is never changed: `with_block` and `without` make another one that shares all pages but one. A page knows the widest gap
between its blocks, so that whoever looks for a gap passes over pages that have none wide enough. Both are as cheap among a
hundred thousand blocks as among a hundred.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from operator import sub
from typing import NamedTuple

PAGE_MAX = 96
"""Blocks of a page before it is split."""


class Batch(NamedTuple):
    """Operations that a track does as one, all of one batch key, from `start_s` on."""

    key: str
    start_s: int
    members: tuple[str, ...]


class Block(NamedTuple):
    """Seconds that a track is taken, setup included, and what for.

    `prepared`: working seconds that it has reserved for its setup. `key`: the setup key that the track stands at behind it;
    none leaves it as it was. `name`: the operation, of a batch the first one.
    """

    begin_s: int
    end_s: int
    key: str | None
    prepared: int
    name: str
    batch: Batch | None = None


class Page:
    """Some blocks that follow each other, column by column. `room`: the widest gap between two of them."""

    __slots__ = ("batched", "begins", "blocks", "ends", "keyed", "room")

    def __init__(self, blocks: list[Block]) -> None:
        self.blocks = blocks
        self.begins = [block[0] for block in blocks]
        self.ends = [block[1] for block in blocks]
        self.room = max(map(sub, self.begins[1:], self.ends), default=0)
        self.keyed = any(block[2] is not None for block in blocks)
        self.batched = any(block[5] is not None for block in blocks)

    def grown(self, i: int, block: Block) -> Page:
        """The page with a block more before block `i`; what every promise does most."""
        page = Page.__new__(Page)
        page.blocks = [*self.blocks[:i], block, *self.blocks[i:]]
        page.begins = begins = [*self.begins[:i], block.begin_s, *self.begins[i:]]
        page.ends = ends = [*self.ends[:i], block.end_s, *self.ends[i:]]
        page.room = max(map(sub, begins[1:], ends), default=0)
        page.keyed = self.keyed or block.key is not None
        page.batched = self.batched or block.batch is not None
        return page


class Track:
    """The blocks of one track."""

    __slots__ = ("firsts", "lasts", "pages")

    def __init__(self, pages: Sequence[Page] = ()) -> None:
        self.pages = list(pages)
        self.firsts = [page.begins[0] for page in self.pages]
        self.lasts = [page.ends[-1] for page in self.pages]

    @staticmethod
    def of(blocks: Iterable[Block]) -> Track:
        """A track with these blocks, in any order."""
        ordered = sorted(blocks, key=lambda block: (block.begin_s, block.end_s))
        half = PAGE_MAX // 2
        return Track([Page(ordered[i : i + half]) for i in range(0, len(ordered), half)])

    def with_block(self, block: Block) -> Track:
        """The track with a block more; what was there already is not asked."""
        if not self.pages:
            return Track([Page([block])])
        p = max(0, bisect_right(self.firsts, block.begin_s) - 1)
        page = self.pages[p]
        i = bisect_right(page.begins, block.begin_s)
        # What takes no time stands before what begins with it.
        while i and page.begins[i - 1] == block.begin_s and page.ends[i - 1] > block.end_s:
            i -= 1
        if len(page.blocks) < PAGE_MAX:
            return self._with_pages(p, [page.grown(i, block)])
        return self._with_page(p, [*page.blocks[:i], block, *page.blocks[i:]])

    def without(self, begin_s: int, name: str) -> Track:
        """The track without an operation; a batch keeps its other members. `KeyError` if it is not there."""
        p, i = self._place(begin_s, name)
        block, blocks = self.pages[p].blocks[i], self.pages[p].blocks
        if block.batch is not None and len(block.batch.members) > 1:
            members = tuple(each for each in block.batch.members if each != name)
            rest = block._replace(name=members[0], batch=block.batch._replace(members=members))
            return self._with_page(p, [*blocks[:i], rest, *blocks[i + 1 :]])
        return self._with_page(p, [*blocks[:i], *blocks[i + 1 :]])

    def joined(self, p: int, i: int, name: str, key: str | None) -> Track:
        """The track with an operation more in the batch that is block `i` of page `p`."""
        blocks = self.pages[p].blocks
        block = blocks[i]
        assert block.batch is not None
        batch = block.batch._replace(members=(*block.batch.members, name))
        return self._with_page(p, [*blocks[:i], block._replace(key=block.key or key, batch=batch), *blocks[i + 1 :]])

    def _with_page(self, p: int, blocks: list[Block]) -> Track:
        half = len(blocks) // 2
        parts = [blocks] if len(blocks) <= PAGE_MAX else [blocks[:half], blocks[half:]]
        return self._with_pages(p, [Page(part) for part in parts if part])

    def _with_pages(self, p: int, pages: list[Page]) -> Track:
        twin = Track.__new__(Track)
        twin.pages = [*self.pages[:p], *pages, *self.pages[p + 1 :]]
        twin.firsts = [*self.firsts[:p], *(page.begins[0] for page in pages), *self.firsts[p + 1 :]]
        twin.lasts = [*self.lasts[:p], *(page.ends[-1] for page in pages), *self.lasts[p + 1 :]]
        return twin

    def _place(self, begin_s: int, name: str) -> tuple[int, int]:
        p = bisect_right(self.firsts, begin_s) - 1
        while p >= 0 and self.pages[p].begins[-1] >= begin_s:
            page = self.pages[p]
            i = bisect_left(page.begins, begin_s)
            while i < len(page.begins) and page.begins[i] == begin_s:
                if page.blocks[i].name == name:
                    return p, i
                i += 1
            p -= 1
        # Whoever joined a batch came without its setup, so the block begins before it does.
        for p, page in enumerate(self.pages):
            if page.batched and page.ends[-1] >= begin_s:
                for i, block in enumerate(page.blocks):
                    if block.batch is not None and name in block.batch.members and block.begin_s <= begin_s <= block.end_s:
                        return p, i
        raise KeyError(name)

    def at(self, second: int) -> tuple[int, int]:
        """The place (page, block) of the first block that ends after a second; behind the last block if none does."""
        p = bisect_right(self.lasts, second)
        return (p, bisect_right(self.pages[p].ends, second)) if p < len(self.pages) else (p, 0)

    def before(self, p: int, i: int) -> Block | None:
        """The block before a place."""
        if i:
            return self.pages[p].blocks[i - 1]
        return self.pages[p - 1].blocks[-1] if p else None

    def key_before(self, p: int, i: int, first: str | None) -> str | None:
        """The setup key that the track stands at before a place; `first` at its beginning."""
        while True:
            while i:
                i -= 1
                key = self.pages[p].blocks[i].key
                if key is not None:
                    return key
            p -= 1
            while p >= 0 and not self.pages[p].keyed:
                p -= 1
            if p < 0:
                return first
            i = len(self.pages[p].blocks)

    def next_keyed(self, p: int, i: int) -> Block | None:
        """The first block from a place on that has a setup key."""
        while p < len(self.pages):
            page = self.pages[p]
            if page.keyed:
                for block in page.blocks[i:]:
                    if block.key is not None:
                        return block
            p, i = p + 1, 0
        return None

    def busy(self, begin_s: int, end_s: int) -> Block | None:
        """The first block that shares a second with `[begin_s, end_s)`."""
        p, i = self.at(begin_s)
        while p < len(self.pages):
            blocks = self.pages[p].blocks
            while i < len(blocks):
                if blocks[i].begin_s >= end_s:
                    return None
                if blocks[i].begin_s < blocks[i].end_s:
                    return blocks[i]
                i += 1
            p, i = p + 1, 0
        return None
