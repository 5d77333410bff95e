"""Which format a file has, and its reader."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from itertools import islice
from pathlib import Path

from batchone.chain.planning.files import b2mml, fjsp, flow, jsp, native
from batchone.chain.planning.model import Problem
from batchone.kernel.errors import Refused

MAX_BYTES = 512 * 1024 * 1024
"""A larger file is refused before it is read."""


class Format(StrEnum):
    """What a problem can be read from."""

    JSON = "json"
    FJSP = "fjsp"
    JSP = "jsp"
    SDST_PFSP = "sdst-pfsp"
    HFSP = "hfsp"
    TT_PFSP = "tt-pfsp"
    B2MML = "b2mml"


_READERS: dict[Format, Callable[[str, str], Problem]] = {
    Format.JSON: native.read_problem,
    Format.FJSP: fjsp.read,
    Format.JSP: jsp.read,
    Format.SDST_PFSP: flow.read_sdst_pfsp,
    Format.HFSP: flow.read_hfsp,
    Format.TT_PFSP: flow.read_tt_pfsp,
    Format.B2MML: b2mml.read,
}
_WRITERS: dict[Format, Callable[[Problem], str | bytes]] = {
    Format.JSON: native.write_problem,
    Format.FJSP: fjsp.write,
    Format.JSP: jsp.write,
}
_ENDINGS = {".json": Format.JSON, ".xml": Format.B2MML, ".fjs": Format.FJSP, ".jsp": Format.JSP, ".jss": Format.JSP}


def load(path: Path, format_: Format | None = None) -> tuple[Problem, Format]:
    """The problem of a file, and the format it was read as: the one named, or what ending and content say.

    `Refused` with line and field, or path, of what is not as it must be.
    """
    text = read_text(path)
    chosen = format_ or guess(text, path.name)
    return parse(text, chosen, path.name), chosen


def parse(text: str, format_: Format, name: str = "the file") -> Problem:
    """The problem of a text."""
    return _READERS[format_](text, name)


def written(problem: Problem, format_: Format) -> bytes:
    """The problem as the content of a file. `Refused` if the format cannot hold it, or problems are not written in it."""
    if format_ not in _WRITERS:
        raise Refused("planning.format", f"Problems are not written as {format_}.", f"Take one of {', '.join(_WRITERS)}.")
    content = _WRITERS[format_](problem)
    return content.encode() if isinstance(content, str) else content


def read_text(path: Path) -> str:
    """The text of a file. `Refused` if it is not there, too large, or no text."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Refused("planning.file", f"{path} has {size} bytes; at most {MAX_BYTES} are read.", "Plan a part of it.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Refused("planning.file", f"{path} cannot be read: {error.strerror}.", "Name a file that is there.") from None
    except UnicodeDecodeError as error:
        raise Refused("planning.file", f"{path} is no text: byte {error.start} is not UTF-8.", "Name a text file.") from None


def guess(text: str, name: str = "the file") -> Format:
    """The format that a text has, by the ending of its name, else by its content. `Refused` if it could be several."""
    by_ending = of_ending(name)
    if by_ending is not None:
        return by_ending
    begins = text.lstrip()[:1]
    if begins in ("{", "<"):
        return Format.JSON if begins == "{" else Format.B2MML
    found = _of_numbers(text)
    if found is None:
        raise Refused("planning.format", f"The format of {name} cannot be told from its content.", "Name it with --format.")
    return found


def of_ending(name: str) -> Format | None:
    """The format that the ending of a name says, if it says one."""
    return _ENDINGS.get(Path(name).suffix.lower())


def _of_numbers(text: str) -> Format | None:
    rows = [row.split() for row in text.splitlines() if row.strip() and not row.lstrip().startswith("#")]
    try:
        first, second = ([int(x) for x in row if x.isdigit()] for row in islice(rows, 2))
    except ValueError:
        return None
    if len(rows[0]) == 1 and len(first) == len(second) == 1:
        return _of_flow(rows, first[0], second[0])
    if len(rows[0]) == 3:
        return Format.FJSP
    if len(first) == 2:
        return Format.JSP if all(len(row) == 2 * first[1] for row in rows[1:]) else Format.FJSP
    return None


def _of_flow(rows: list[list[str]], jobs: int, machines: int) -> Format | None:
    """Flow shops differ in the number of their lines, and in the length of the third."""
    if len(rows) == 2 + jobs + jobs * machines:
        return Format.SDST_PFSP
    if len(rows) != 3 + jobs or jobs == machines:
        return None
    return {machines: Format.HFSP, jobs: Format.TT_PFSP}.get(len(rows[2]))
