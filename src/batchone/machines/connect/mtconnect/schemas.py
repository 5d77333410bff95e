"""Whether a document is what the standard says, by the XML schemas that MTConnect publishes.

They are not part of this project: whoever wants agents judged gives the folder in which they lie, under the names that they
have in the standard (`MTConnectDevices_2.0.xsd`; `MTConnectDevices_2.0_1.0.xsd` is the same for XSD 1.0, which is read here).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

_NAMESPACE = re.compile(r"\{urn:mtconnect\.org:(MTConnect[A-Za-z]{1,20}):(\d{1,2}\.\d{1,2})\}")
_PARSER = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
_TOLD = 3


@dataclass(frozen=True)
class Judgement:
    """`schema` is the file that was asked, empty where there is none; `faults` are the first of them, each with its line."""

    document: str
    schema: str
    faults: tuple[str, ...]

    def __str__(self) -> str:
        if not self.schema:
            return f"There is no schema for {self.document}."
        if not self.faults:
            return f"{self.document} is valid by {self.schema}."
        return f"{self.document} is not valid by {self.schema}: " + "; ".join(self.faults)


def judged(folder: Path, body: bytes) -> Judgement:
    """A document of an agent by the schema of its own version."""
    try:
        root = etree.fromstring(body, etree.XMLParser(**_PARSER))
    except etree.XMLSyntaxError as error:
        return Judgement("The answer", "XML", (str(error),))
    named = _NAMESPACE.match(str(root.tag))
    if named is None:
        return Judgement(f"<{str(root.tag)[:60]}>", "", ())
    document = f"{named[1]} {named[2]}"
    for file in (f"{named[1]}_{named[2]}_1.0.xsd", f"{named[1]}_{named[2]}.xsd"):
        try:
            schema = etree.XMLSchema(etree.parse(folder / file, etree.XMLParser(**_PARSER)))
        except (OSError, etree.XMLSyntaxError, etree.XMLSchemaParseError):
            # The file is not there, or is for XSD 1.1, which this library does not read.
            continue
        schema.validate(root)
        faults = tuple(f"line {each.line}: {each.message}" for each in schema.error_log)
        more = (f"and {len(faults) - _TOLD} more",) if len(faults) > _TOLD else ()
        return Judgement(document, file, faults[:_TOLD] + more)
    return Judgement(document, "", ())
