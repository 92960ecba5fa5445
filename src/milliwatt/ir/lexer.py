# SPDX-License-Identifier: MIT
"""The words of the text form of a graph."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from milliwatt.errors import ModelError


@dataclass(frozen=True, slots=True)
class Token:
    """One word: `kind` is name, string, number, word, mark or end; `line` counts from 1."""

    kind: str
    text: str
    line: int


_MAX_DIGITS = 400
_STRING = r'"(?:[^"\\\n]|\\[^\n])*"'
_PATTERN = re.compile(
    rf"""(?P<name>%(?:{_STRING}|[A-Za-z0-9_./-]+))
    |(?P<string>{_STRING})
    |(?P<number>-?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|inf\b))
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<mark>[{{}}()\[\]=,:@<>])
    |(?P<space>[ \t\r]+|\#[^\n]*)
    |(?P<line>\n)""",
    re.VERBOSE,
)


def tokens(text: str) -> list[Token]:
    """The words of `text`, closed by an end; `#` starts a comment. A ModelError with the line."""
    found: list[Token] = []
    position, line = 0, 1
    while position < len(text):
        match = _PATTERN.match(text, position)
        if match is None or match.lastgroup is None:
            raise ModelError(f"line {line}: unexpected '{text[position : position + 20]}'")
        if match.lastgroup == "line":
            line += 1
        elif match.lastgroup != "space":
            found.append(_token(match.lastgroup, match.group(), line))
        position = match.end()
    found.append(Token("end", "", line))
    return found


def _token(kind: str, text: str, line: int) -> Token:
    if kind == "number" and len(text) > _MAX_DIGITS:
        raise ModelError(f"line {line}: a number of {len(text)} digits")
    quoted = text.removeprefix("%")
    if quoted.startswith('"'):
        try:
            json.loads(quoted)
        except json.JSONDecodeError as error:
            raise ModelError(f"line {line}: {text[:40]} is no JSON string: {error}") from error
    return Token(kind, text, line)
