"""An uploaded picture may be any bytes: it is a picture or refused."""

import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from batchone.chain.design.choosing.pictures import look_at
from batchone.kernel.errors import Refused


def made(kind: str) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((24, 16)).save(out, kind)
    return out.getvalue()


SOUND = {kind: made(kind) for kind in ("PNG", "JPEG", "WEBP")}


@pytest.mark.filterwarnings("default")  # the library may warn of what it then refuses, and nobody is stopped by that
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(SOUND)), st.integers(0, 600), st.binary(max_size=20), st.integers(0, 30))
def test_no_bytes_break_it(kind: str, at: int, put: bytes, cut: int) -> None:
    whole = SOUND[kind]
    for content in (put, whole[:at] + put + whole[at + cut :]):
        with suppress(Refused):
            assert look_at(content).size == len(content)
