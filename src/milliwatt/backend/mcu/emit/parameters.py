# SPDX-License-Identifier: MIT
"""What the kernels' headers call the parameters of their functions and macros."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from milliwatt.backend.mcu.emit.kernel_headers import kernel_headers
from milliwatt.errors import VerifyError

_FUNCTION = r"^[ ]*MW_INLINE [^;{{}}=]*?\b{}\(([^){{}}]*)\)\s*\{{"
_MACRO = r"^#define {}\(([^)]*)\)(.*)"
_DEFINED_BY = r"^(MW_DEFINE_\w+)\({}\b"
_PASSED_ON = re.compile(r"(\w+)\(((?:[^()]|\([^()]*\))*),\s*__VA_ARGS__\)")
_COMMA = re.compile(r",(?![^()]*\))")
_STATICS = ("arena", "state")
"""Names of the generated source that parameters shall not hide."""
_LAST_WORD = re.compile(r"(\w+)\s*(?:\[\w*\])?$")


@cache
def parameter_names(header: str, function: str) -> tuple[str, ...]:
    """The names that `header`, or one that it includes, gives the parameters of `function`.

    Those behind a macro's `...` are the ones of what it passes them on to; a name that comes again
    gets a number. Raises VerifyError where no header defines it.
    """
    headers = kernel_headers(f'#include "{header}"\n').values()
    text = "\n".join(headers).replace("\\\n", " ")
    try:
        return _told_apart(_names(text, function, {}))
    except LookupError as error:
        raise VerifyError(f"{header} does not define {error}") from error


def _names(text: str, function: str, bound: Mapping[str, str]) -> tuple[str, ...]:
    """`bound` holds what stands for parameters of the macro that calls `function`."""
    function = bound.get(function, function)
    if defined := re.search(_FUNCTION.format(function), text, re.MULTILINE):
        return _words(defined[1])
    if macro := re.search(_MACRO.format(function), text, re.MULTILINE):
        return _macro_names(text, macro[1], macro[2], bound)
    if by := re.search(_DEFINED_BY.format(function), text, re.MULTILINE):
        return _named_by_macro(text, by[1])
    raise LookupError(function)


def _macro_names(
    text: str, parameters: str, body: str, bound: Mapping[str, str]
) -> tuple[str, ...]:
    own = _words(parameters.removesuffix("...").rstrip(", "))
    if not parameters.endswith("..."):
        return own
    passed_on = _PASSED_ON.search(body)
    if passed_on is None:
        return own
    called = bound.get(passed_on[1], passed_on[1])
    passed = [word.strip() for word in _COMMA.split(passed_on[2])]
    known = dict(zip(_own(text, called), passed, strict=False))
    return own + _names(text, called, known)[len(passed) :]


def _own(text: str, macro: str) -> tuple[str, ...]:
    """The names of a macro's parameters before `...`; none of a function's."""
    found = re.search(_MACRO.format(macro), text, re.MULTILINE)
    return () if found is None else _words(found[1].removesuffix("...").rstrip(", "))


def _named_by_macro(text: str, macro: str) -> tuple[str, ...]:
    """Where a macro defines functions of the name that is its first argument."""
    found = re.search(_MACRO.format(macro), text, re.MULTILINE)
    if found is None:
        raise LookupError(macro)
    name = found[1].split(",")[0]
    defined = re.search(_FUNCTION.format(name), found[2].strip())
    if defined is None:
        raise LookupError(macro)
    return _words(defined[1])


def _told_apart(names: tuple[str, ...]) -> tuple[str, ...]:
    before = [(*_STATICS, *names[:i]).count(name) for i, name in enumerate(names)]
    return tuple(
        f"{name}_{again + 1}" if again else name for name, again in zip(names, before, strict=True)
    )


def _words(parameters: str) -> tuple[str, ...]:
    found = (_LAST_WORD.search(word.strip()) for word in parameters.split(",") if word.strip())
    return tuple(word[1] for word in found if word is not None)
