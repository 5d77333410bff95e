"""Ids lead to what they name and back, whatever a tenant or an equipment is called."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchone.kernel.errors import Refused
from batchone.machines.aas.addresses import (
    PARTS,
    Asset,
    asset_and_part,
    asset_of,
    asset_of_shell,
    decode,
    encode,
    id_short,
    id_shorts,
)

NAMES = st.text(min_size=1).filter(lambda text: not any("\ud800" <= each <= "\udfff" for each in text))
ASSETS = st.builds(Asset, NAMES, st.sampled_from(sorted(PARTS)), NAMES)


@given(ASSETS)
def test_the_ids_of_an_asset_its_shell_and_its_submodels_lead_back_to_it(asset: Asset) -> None:
    assert asset_of(asset.urn) == asset
    assert asset_of_shell(asset.shell) == asset
    assert [asset_and_part(asset.submodel(part)) for part in PARTS[asset.kind]] == [(asset, part) for part in PARTS[asset.kind]]


@given(NAMES)
def test_what_is_encoded_is_decoded_with_and_without_padding(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]*", encode(text))
    assert decode(encode(text)) == text
    assert decode(encode(text) + "=" * (-len(encode(text)) % 4)) == text


@pytest.mark.parametrize("text", ["", "a", "invalid-base64url=====", "a b", "+/8", "_w", "Zm9v\n"])
def test_what_is_no_base64url_of_a_text_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        decode(text)


@pytest.mark.parametrize(
    "urn",
    [
        "", "urn:batchone:t:order:x", "urn:batchone::item:x", "urn:batchone:t:item:", "urn:else:t:item:x",
        "urn:batchone:t:item:x y", "urn:batchone:t:item:x:y", "https://example.com/ids/aas/1",
    ],
)  # fmt: skip
def test_an_id_that_is_not_ours_leads_nowhere(urn: str) -> None:
    assert asset_of(urn) is None
    assert asset_of_shell(f"{urn}:aas") is None
    assert asset_and_part(f"{urn}:identification") is None


def test_an_item_has_no_operational_data_and_an_equipment_no_production_record() -> None:
    assert asset_and_part("urn:batchone:t:item:x:operational-data") is None
    assert asset_and_part("urn:batchone:t:equipment:x:production-record") is None


@given(st.text(min_size=1))
def test_a_short_id_is_one_of_the_metamodel(name: str) -> None:
    assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]*", id_short(name))


@given(st.lists(NAMES, unique=True))
def test_the_short_ids_of_one_place_differ_and_stay(names: list[str]) -> None:
    short = id_shorts(names)
    assert list(short) == names
    assert len({each.lower() for each in short.values()}) == len(names)
    assert id_shorts(names) == short
