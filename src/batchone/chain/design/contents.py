"""What a customer brings to a value: a text or a picture, looked at before it becomes part of a configuration."""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable, Mapping

from batchone.chain.design.model import Blueprint
from batchone.contracts.choosing import Picture
from batchone.contracts.design import Choices
from batchone.contracts.pack import Own
from batchone.kernel.errors import Refused

FindPicture = Callable[[str], Awaitable[Picture]]
_CONTENTS_MAX = 50


async def checked(blueprint: Blueprint, choices: Choices, contents: Mapping[str, str], find: FindPicture) -> dict[str, str]:
    """The contents that belong to the choices, each within the limits of its value; `find` looks a picture up.

    What was brought to a value that is no longer chosen is left out; what was brought to none that takes something is refused.
    """
    if len(contents) > _CONTENTS_MAX:
        raise Refused("design.contents", "There are too many contents.", f"Bring {_CONTENTS_MAX} at most.")
    takes = {option.id for option in blueprint.pack.options if any(value.own for value in option.values)}
    kept: dict[str, str] = {}
    for option, content in contents.items():
        if option not in takes:
            cure = f"Bring something to one of {', '.join(sorted(takes)) or 'none: nothing here takes anything'}."
            raise Refused("design.content_option", f"'{option}' takes nothing of your own.", cure, option=option[:64])
        own = blueprint.values[option, choices[option]].own if option in choices else None
        if own is not None:
            kept[option] = _text(option, content, own) if own.kind == "text" else await _picture(option, content, own, find)
    return kept


def refuse_missing(blueprint: Blueprint, choices: Choices, contents: Mapping[str, str]) -> None:
    """A value that needs something of the customer's own is not frozen without it."""
    for option, value in choices.items():
        own = blueprint.values[option, value].own
        if own is not None and own.required and option not in contents:
            what = f"{option} = {value} needs your own {own.kind}."
            raise Refused("design.content_missing", what, "Bring it, or choose another value.", option=option, value=value)


def _text(option: str, content: str, own: Own) -> str:
    text = " ".join(unicodedata.normalize("NFC", content).split())
    if not text or len(text) > own.most or not text.isprintable():
        what = f"The text for {option} is empty, too long or not readable."
        raise Refused("design.content_text", what, f"Write 1 to {own.most} printable characters.", option=option)
    return text


async def _picture(option: str, digest: str, own: Own, find: FindPicture) -> str:
    picture = await find(digest)
    if picture.size > own.most:
        what = f"The picture for {option} has {picture.size} bytes."
        raise Refused("design.content_size", what, f"Send at most {own.most}.", option=option)
    for side in (picture.width, picture.height):
        if not own.least_px <= side <= own.most_px:
            what = f"The picture for {option} has {picture.width} × {picture.height} pixels."
            cure = f"Send one with {own.least_px} to {own.most_px} pixels on each side."
            raise Refused("design.content_pixels", what, cure, option=option)
    return picture.digest
