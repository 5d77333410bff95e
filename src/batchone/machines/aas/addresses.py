"""Ids: of assets, their shells and submodels as URNs, in addresses as base64url, and short ones inside a submodel."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import quote, unquote

from batchone.kernel.errors import Refused

AssetKind = Literal["equipment", "item"]
Part = Literal["identification", "technical-data", "operational-data", "production-record"]
"""What a submodel is about."""
PARTS: dict[AssetKind, tuple[Part, ...]] = {
    "equipment": ("identification", "technical-data", "operational-data"),
    "item": ("identification", "production-record"),
}
_SHELL = "aas"
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+={0,2}")
_NOT_SHORT = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(frozen=True)
class Asset:
    """An equipment, or an item, of a tenant."""

    tenant: str
    kind: AssetKind
    id: str

    @property
    def urn(self) -> str:
        """Its global asset id."""
        return f"urn:batchone:{quote(self.tenant, safe='')}:{self.kind}:{quote(self.id, safe='')}"

    @property
    def shell(self) -> str:
        """The id of its shell."""
        return f"{self.urn}:{_SHELL}"

    def submodel(self, part: Part) -> str:
        """The id of one of its submodels."""
        return f"{self.urn}:{part}"


def asset_of(urn: str) -> Asset | None:
    """The asset of a global asset id; none for one that is not ours."""
    match urn.split(":"):
        case ["urn", "batchone", tenant, ("equipment" | "item") as kind, name] if tenant and name:
            asset = Asset(unquote(tenant), kind, unquote(name))
            return asset if asset.urn == urn else None
    return None


def asset_of_shell(shell: str) -> Asset | None:
    """The asset of a shell's id; none for one that is not ours."""
    urn, _, last = shell.rpartition(":")
    return asset_of(urn) if last == _SHELL else None


def asset_and_part(submodel: str) -> tuple[Asset, Part] | None:
    """The asset of a submodel's id, and what the submodel is about; none for one that is not ours."""
    urn, _, last = submodel.rpartition(":")
    asset = asset_of(urn)
    part = next((each for each in get_args(Part) if each == last), None)
    return (asset, part) if asset is not None and part in PARTS[asset.kind] else None


def encode(text: str) -> str:
    """A text as base64url without padding."""
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode(text: str) -> str:
    """The text of a base64url, padded or not; `Refused` for anything else."""
    bare = text.rstrip("=")
    try:
        if not _BASE64URL.fullmatch(text):
            raise ValueError("it has other characters")
        return urlsafe_b64decode(bare + "=" * (-len(bare) % 4)).decode()
    except (ValueError, binascii.Error) as error:
        raise Refused(
            "aas.base64url", f"{text[:80]!r} is no base64url of a UTF-8 text: {error}.", "Encode ids as base64url."
        ) from error


def id_short(name: str) -> str:
    """A name as an idShort: letters, digits and underscores, a letter first."""
    short = _NOT_SHORT.sub("_", name)
    return short if short[:1].isalpha() else f"x{short}"


def id_shorts(names: Iterable[str]) -> dict[str, str]:
    """Names as idShorts that differ from one another, also where case is not told apart."""
    taken: set[str] = set()
    found: dict[str, str] = {}
    for name in names:
        short = plain = id_short(name)
        count = 1
        while short.lower() in taken:
            count += 1
            short = f"{plain}_{count}"
        taken.add(short.lower())
        found[name] = short
    return found
