# SPDX-License-Identifier: MIT
"""Kernel choices kept in a file, as `milliwatt tune` writes and `milliwatt compile` reads them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from milliwatt.backend.mcu.choice.objective import Objective, parse_objective
from milliwatt.errors import OptionError

_KEYS = ("model", "core", "compiler", "optimisation", "objective", "kernels")
_LIMIT = "sram_bytes"
"""A key that may be absent."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Which kernel computes each layer, and what it was measured with.

    `kernels` maps names of nodes to names of kernels. The rest says where the choice holds:
    `compile` refuses another core or a model without these nodes.
    """

    model: str
    core: str
    compiler: str
    optimisation: str
    objective: Objective
    kernels: Mapping[str, str]
    sram_bytes: int | None = None
    """The limit under which the network was measured, None where there was none."""

    def require_core(self, core: str) -> None:
        """Raise OptionError where the choices were measured on another core."""
        if core != self.core:
            raise OptionError(
                f"the kept choices were measured on {self.core}, the target has {core}: "
                "tune for this target, or compile without them"
            )


def choices_text(choices: Choices) -> str:
    """The file; equal choices give equal text."""
    heads = {
        "model": choices.model,
        "core": choices.core,
        "compiler": choices.compiler,
        "optimisation": choices.optimisation,
        "objective": str(choices.objective),
    }
    limit = choices.sram_bytes
    return "".join(
        [
            "# Written by `milliwatt tune`; `milliwatt compile --choices` reads it.\n",
            *(f"{key} = {_quoted(value)}\n" for key, value in heads.items()),
            "" if limit is None else f"{_LIMIT} = {limit}\n",
            "\n[kernels]\n",
            *(f"{_quoted(node)} = {_quoted(name)}\n" for node, name in choices.kernels.items()),
        ]
    )


def load_choices(path: Path) -> Choices:
    """The choices of that file; OptionError where it cannot be read or is not of this form."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise OptionError(f"cannot read {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{path} is no file of kernel choices: {error}") from error
    _check_keys(path, content)
    return Choices(
        model=content["model"],
        core=content["core"],
        compiler=content["compiler"],
        optimisation=content["optimisation"],
        objective=parse_objective(content["objective"]),
        kernels=content["kernels"],
        sram_bytes=content.get(_LIMIT),
    )


def _check_keys(path: Path, content: Mapping[str, Any]) -> None:
    missing = [key for key in _KEYS if key not in content]
    unknown = [key for key in content if key not in (*_KEYS, _LIMIT)]
    if missing or unknown:
        problem = f"lacks {', '.join(missing)}" if missing else f"has unknown {', '.join(unknown)}"
        raise OptionError(f"{path} is no file of kernel choices: it {problem}")
    for key in _KEYS[:-1]:
        if not isinstance(content[key], str):
            raise OptionError(f"{path}: {key} must be a string")
    limit = content.get(_LIMIT, 1)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise OptionError(f"{path}: {_LIMIT} must be a whole number above 0")
    kernels = content["kernels"]
    if not isinstance(kernels, dict):
        raise OptionError(f"{path}: kernels must be a table")
    for node, kernel in cast("dict[str, object]", kernels).items():
        if not isinstance(kernel, str):
            raise OptionError(f"{path}: the kernel of '{node}' must be a string")


def _quoted(text: str) -> str:
    # A basic string of TOML is one of JSON, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
