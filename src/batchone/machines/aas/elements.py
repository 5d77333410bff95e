"""Elements of submodels in few words: typed properties, texts in several languages, ranges, collections and lists."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from aas_core3 import types as aas

T = TypeVar("T")
Element = aas.SubmodelElement
Xsd = aas.DataTypeDefXSD
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Scalar = str | float | int | bool | datetime | None


def concept(id_: str) -> aas.Reference:
    """A reference to a meaning that is defined outside of the shells."""
    return aas.Reference(aas.ReferenceTypes.EXTERNAL_REFERENCE, [aas.Key(aas.KeyTypes.GLOBAL_REFERENCE, id_)])


def model_reference(*keys: tuple[aas.KeyTypes, str]) -> aas.Reference:
    """A reference to something in a shell or submodel."""
    return aas.Reference(aas.ReferenceTypes.MODEL_REFERENCE, [aas.Key(kind, value) for kind, value in keys])


def prop(name: str, value: Scalar, type_: Xsd | None = None, meaning: str = "") -> aas.Property:
    """A property; its type follows the value unless given, and one of a value that is not known has none."""
    text, natural = _written(value)
    return aas.Property(
        type_ or natural, id_short=name, value=text or None, semantic_id=concept(meaning) if meaning else None
    )  # fmt: skip


def _written(value: Scalar) -> tuple[str | None, Xsd]:
    match value:
        case None:
            return None, Xsd.STRING
        case bool():
            return ("true" if value else "false"), Xsd.BOOLEAN
        case int():
            return str(value), Xsd.INTEGER
        case float():
            return double(value), Xsd.DOUBLE
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z"), Xsd.DATE_TIME
        case str():
            return xml_safe(value), Xsd.STRING


def double(value: float) -> str:
    """A number as XML Schema writes a double."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else ("INF" if value > 0 else "-INF")


def xml_safe(text: str) -> str:
    """A text with the sign for unknown in place of characters that XML cannot say (AASd-130)."""
    return _NOT_XML.sub("\ufffd", text)


def said(text: Callable[[str, str], T], by_language: Mapping[str, str], most: int) -> list[T]:
    """A text in the languages in which there is one, each of at most `most` characters."""
    return [text(language, xml_safe(words)[:most]) for language, words in by_language.items() if words]


def texts(name: str, by_language: Mapping[str, str]) -> aas.MultiLanguageProperty:
    """A property that is a text in several languages."""
    return aas.MultiLanguageProperty(id_short=name, value=said(aas.LangStringTextType, by_language, 1023) or None)


def bounds(name: str, low: float | None, high: float | None) -> aas.Range:
    """A range of numbers, open where a bound is none."""
    return aas.Range(
        Xsd.DOUBLE, id_short=name, min=None if low is None else double(low), max=None if high is None else double(high)
    )  # fmt: skip


def shell_reference(name: str, shell: str) -> aas.ReferenceElement:
    """A link to another shell."""
    return aas.ReferenceElement(id_short=name, value=model_reference((aas.KeyTypes.ASSET_ADMINISTRATION_SHELL, shell)))


def collection(name: str | None, elements: Iterable[Element]) -> aas.SubmodelElementCollection:
    """Elements that belong together, by name; those of a list have no name."""
    return aas.SubmodelElementCollection(id_short=name, value=list(elements))


def records(name: str, entries: Sequence[Iterable[Element]]) -> aas.SubmodelElementList:
    """A list of collections, in order."""
    return aas.SubmodelElementList(
        aas.AASSubmodelElements.SUBMODEL_ELEMENT_COLLECTION, id_short=name, order_relevant=True,
        value=[collection(None, entry) for entry in entries] or None,
    )  # fmt: skip
