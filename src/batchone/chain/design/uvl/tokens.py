"""The words of UVL, with where each stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from batchone.chain.design.uvl.faults import Halt, halt

NAME = r"""(?:"[^"\r\n.]+"|[^\W\d][\w#§%?\\';]*)"""
"""A name: plain, or anything but a dot in double quotes. Dots join names to references."""

_TOKEN = re.compile(
    rf"""(?P<name>{NAME})
    |(?P<number>\d*\.\d+|\d+)
    |(?P<string>'[^'\r\n]*')
    |(?P<sign><=>|=>|==|<=|>=|!=|\.\.|[!&|<>+\-*/(){{}}\[\],.])
    |(?P<space>\s+)""",
    re.VERBOSE,
)
_OPEN, _CLOSED = frozenset("([{"), frozenset(")]}")
_COMMENT = re.compile(rf"""{NAME}|'[^'\r\n]*'|(?P<comment>//[^\n]*|/\*.*?\*/|/\*.*)""", re.DOTALL)


class Token(NamedTuple):
    """A word: `kind` is name, number, string or sign; `end` for what follows the last one."""

    kind: str
    text: str
    line: int
    column: int


def without_comments(text: str) -> str:
    """The text with blanks where comments were, so that every place stays what it is."""
    if "//" not in text and "/*" not in text:
        return text

    def blank(match: re.Match[str]) -> str:
        comment = match["comment"]
        return match[0] if comment is None else re.sub(r"[^\n]", " ", comment)

    return _COMMENT.sub(blank, text)


def tokens_of(lines: Sequence[str], at: int, column: int = 0) -> tuple[list[Token], int]:
    """The words from a line and column (from 0) on, over as many lines as open brackets reach; and the line after them."""
    found: list[Token] = []
    depth, number = 0, at
    while number < len(lines):
        line = lines[number]
        end = len(line)
        while column < end:
            match = _TOKEN.match(line, column)
            if match is None:
                raise halt(
                    number + 1, column + 1, f"'{line[column]}' is no word of the language.", "a name, a number or a sign"
                )
            kind, text = match.lastgroup or "", match[0]
            if kind == "sign":
                depth += (text in _OPEN) - (text in _CLOSED)
            if kind != "space":
                found.append(Token(kind, text, number + 1, column + 1))
            column = match.end()
        number += 1
        column = 0
        if depth <= 0:
            break
    last = min(number, len(lines))
    found.append(Token("end", "", last, len(lines[last - 1]) + 1))
    return found, number


class Words:
    """Words to be taken one after another."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def now(self) -> Token:
        """The next word, which stays."""
        return self._tokens[self._at]

    def take(self) -> Token:
        """The next word."""
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def took(self, text: str) -> bool:
        """Take the next word if it is this sign or plain word."""
        if self._tokens[self._at].text != text:
            return False
        self._at += 1
        return True

    def need(self, text: str, meaning: str = "") -> Token:
        """Take this sign, or halt."""
        if self.now.text != text:
            raise self.other(meaning or f"'{text}'")
        return self.take()

    def need_kind(self, kind: str, meaning: str) -> Token:
        """Take a word of a kind, or halt."""
        if self.now.kind != kind:
            raise self.other(meaning)
        return self.take()

    def need_end(self, meaning: str) -> None:
        """Nothing may follow."""
        if self.now.kind != "end":
            raise self.other(meaning)

    def other(self, expected: str) -> Halt:
        """Something else stands here."""
        token = self.now
        what = "The line ends here." if token.kind == "end" else f"'{token.text}' stands here."
        return halt(token.line, token.column, what, expected)


def bare(text: str) -> str:
    """A name without its quotes."""
    return text[1:-1] if text[:1] == '"' else text
