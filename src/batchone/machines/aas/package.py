"""Packages (AASX): a ZIP of parts and their relationships (ISO/IEC 29500-2) with an environment in it, written and read.

It is written as JSON, which has the same shape in metamodels 3.0 and 3.1; as XML each wants its own namespace.

What is read was made by others: it is never unpacked onto the disk, at most `BYTES_MAX` of it is looked at, and its XML may
declare no entities.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Collection, Iterator
from lzma import LZMAError
from posixpath import dirname, join, normpath
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import orjson
from aas_core3 import jsonization, xmlization
from aas_core3 import types as aas
from defusedxml.ElementTree import ParseError, fromstring, iterparse

from batchone.kernel.errors import Refused

MEDIA_TYPE = "application/asset-administration-shell-package"
BYTES_MAX = 32 * 1024**2
"""What a package may hold when unpacked."""
DEPTH_MAX = 64
"""How deep something in a package may stand: whoever looks at all of it goes down by recursion."""
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_AASX = "http://admin-shell.io/aasx/relationships"
_ORIGIN_PART, _SPEC_PART = "aasx/aasx-origin", "aasx/environment.json"
# Before 2022 the addresses began with www, and packages of that time are still about.
_ORIGINS = tuple(f"http://{www}admin-shell.io/aasx/relationships/aasx-origin" for www in ("", "www."))
_SPECS = tuple(f"http://{www}admin-shell.io/aasx/relationships/aas-spec" for www in ("", "www."))
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'


def to_xml(environment: aas.Environment) -> bytes:
    """An environment as XML."""
    return (_HEAD + xmlization.to_str(environment)).encode()


def write(environment: aas.Environment) -> bytes:
    """A package of an environment; the same environment makes the same bytes."""
    parts = {
        "[Content_Types].xml": (
            f'{_HEAD}<Types xmlns="{_TYPES}">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="json" ContentType="application/json"/>'
            f'<Override PartName="/{_ORIGIN_PART}" ContentType="text/plain"/></Types>'
        ).encode(),
        "_rels/.rels": _links(f"{_AASX}/aasx-origin", _ORIGIN_PART),
        _ORIGIN_PART: b"Intentionally empty.",
        "aasx/_rels/aasx-origin.rels": _links(f"{_AASX}/aas-spec", _SPEC_PART),
        _SPEC_PART: orjson.dumps(jsonization.to_jsonable(environment)),
    }
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            # A fixed date: a package says nothing of when it was packed.
            archive.writestr(ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, ZIP_DEFLATED)
    return packed.getvalue()


def _links(kind: str, target: str) -> bytes:
    link = f'<Relationship Type="{kind}" Target="/{target}" Id="r1"/>'
    return f'{_HEAD}<Relationships xmlns="{_LINKS}">{link}</Relationships>'.encode()


def read(packed: bytes) -> aas.Environment:
    """The environment of a package, from all its specifications; `Refused` for what is none, or too large."""
    try:
        with ZipFile(io.BytesIO(packed)) as archive:
            if sum(info.file_size for info in archive.infolist()) > BYTES_MAX:
                raise _refused(f"it holds more than {BYTES_MAX} bytes")
            found = _joined([_environment(archive, part) for part in _specifications(archive)])
            if _is_deep(found):
                raise RecursionError
            return found
    except RecursionError as error:
        raise _refused(f"it is nested more than {DEPTH_MAX} times") from error
    except (BadZipFile, zlib.error, LZMAError, OSError, EOFError, RuntimeError) as error:
        raise _refused(f"it cannot be unpacked: {error}") from error
    except KeyError as error:
        raise _refused(f"a part is missing: {error.args[0]}") from error
    except (ParseError, ValueError, LookupError) as error:  # what is no JSON, declares entities or an unknown encoding
        raise _refused(f"a part cannot be read: {error}") from error
    except (xmlization.DeserializationException, jsonization.DeserializationException) as error:
        raise _refused(f"its environment is not of metamodel 3.0: {error.path}: {error.cause}") from error


def _specifications(archive: ZipFile) -> Iterator[str]:
    for origin in _targets(archive, "", _ORIGINS):
        yield from _targets(archive, origin, _SPECS)


def _targets(archive: ZipFile, part: str, kinds: Collection[str]) -> list[str]:
    """The parts to which a part (empty: the package) is related in one of these ways."""
    folder = dirname(part)
    links = fromstring(archive.read(join(folder, "_rels", f"{part.rpartition('/')[2]}.rels")))
    found = [link.get("Target", "") for link in links.iter(f"{{{_LINKS}}}Relationship") if link.get("Type") in kinds]
    if not found:
        raise _refused(f"{part or 'the package'} leads to no {'/'.join(sorted({kind.rpartition('/')[2] for kind in kinds}))}")
    return [normpath(join("/", folder, target)).lstrip("/") for target in found]


def _environment(archive: ZipFile, part: str) -> aas.Environment:
    content = archive.read(part)
    if part.lower().endswith(".json"):
        return jsonization.environment_from_jsonable(orjson.loads(content))
    return xmlization.environment_from_iterparse(iterparse(io.BytesIO(content), events=["start", "end"]))


def _is_deep(environment: aas.Environment) -> bool:
    level: list[aas.Class] = [environment]
    for _ in range(DEPTH_MAX):
        level = [below for each in level for below in each.descend_once()]
    return bool(level)


def _joined(found: list[aas.Environment]) -> aas.Environment:
    return aas.Environment(
        [shell for each in found for shell in each.asset_administration_shells or ()] or None,
        [submodel for each in found for submodel in each.submodels or ()] or None,
        [concept for each in found for concept in each.concept_descriptions or ()] or None,
    )


def _refused(why: str) -> Refused:
    return Refused("aas.package", f"This is no package that can be read: {why}.", "Send an AASX of metamodel 3.0.")
