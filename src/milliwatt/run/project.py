# SPDX-License-Identifier: MIT
"""A generated C project on disk, as a runner sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from milliwatt.backend.mcu.emit.project import MANIFEST
from milliwatt.errors import OptionError
from milliwatt.ir.types import Array, DType
from milliwatt.run.abi import ModelAbi, PushedRows
from milliwatt.run.samples import Port


@dataclass(frozen=True, slots=True)
class ProjectNode:
    """A layer of the project: its C function, and what it was in the model."""

    symbol: str
    name: str
    op: str
    kernel: str
    macs: int


@dataclass(frozen=True, slots=True)
class Project:
    """What the manifest of a generated project says."""

    folder: Path
    name: str
    target: str
    core: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    nodes: tuple[ProjectNode, ...]
    stream_symbols: tuple[str, ...] = ()
    pushed_rows: int | None = None

    @property
    def sources(self) -> tuple[Path, ...]:
        """The C files to compile."""
        return self.folder / f"{self.name}.c", self.folder / f"{self.name}_weights.c"

    @property
    def abi(self) -> ModelAbi:
        """The C functions a runner calls."""
        return ModelAbi(
            self.name,
            tuple(p.size_bytes for p in self.inputs),
            tuple(p.size_bytes for p in self.outputs),
            tuple(n.symbol for n in self.nodes),
            overhead_symbols=self.stream_symbols,
            pushed=self._pushed(),
        )

    def _pushed(self) -> PushedRows | None:
        if self.pushed_rows is None:
            return None
        return PushedRows(self.pushed_rows, self.inputs[0].size_bytes // self.pushed_rows)

    def decode(self, outputs: tuple[bytes, ...]) -> tuple[Array, ...]:
        """Output bytes as arrays."""
        return tuple(
            np.frombuffer(data, port.dtype.numpy).reshape(port.shape)
            for data, port in zip(outputs, self.outputs, strict=True)
        )


def load_project(folder: str | Path) -> Project:
    """Read a folder that `milliwatt compile` wrote; OptionError where it is not one."""
    folder = Path(folder)
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        project = _parse(folder, content)
    except OSError as error:
        raise OptionError(
            f"{folder} is not a folder that `milliwatt compile` wrote: {error.strerror}: {path}"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OptionError(f"{path} is damaged ({error}); compile the model again") from error
    missing = [source.name for source in project.sources if not source.is_file()]
    if missing:
        raise OptionError(f"{folder} lacks {', '.join(missing)}; compile the model again")
    return project


def _parse(folder: Path, content: Mapping[str, Any]) -> Project:
    return Project(
        folder=folder,
        name=str(content["name"]),
        target=str(content["target"]),
        core=str(content["core"]),
        inputs=tuple(_port(p) for p in content["inputs"]),
        outputs=tuple(_port(p) for p in content["outputs"]),
        nodes=tuple(_node(n) for n in content["nodes"]),
        stream_symbols=tuple(str(s) for s in content["stream_symbols"]),
        pushed_rows=None if content["pushed_rows"] is None else int(content["pushed_rows"]),
    )


def _node(content: Mapping[str, Any]) -> ProjectNode:
    return ProjectNode(
        symbol=str(content["symbol"]),
        name=str(content["name"]),
        op=str(content["op"]),
        kernel=str(content["kernel"]),
        macs=int(content["macs"]),
    )


def _port(content: Mapping[str, Any]) -> Port:
    shape = tuple(int(d) for d in content["shape"])
    return Port(str(content["name"]), DType(content["dtype"]), shape)
