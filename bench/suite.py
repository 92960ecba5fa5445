# SPDX-License-Identifier: MIT
"""What the benchmark measures, read from suite.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from milliwatt.errors import OptionError

BENCH = Path(__file__).resolve().parent
RESULTS = BENCH / "results"


@dataclass(frozen=True, slots=True)
class Model:
    """A network of the shared folder; `file` is relative to that folder."""

    key: str
    title: str
    file: str
    arena_goal_bytes: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """Networks built by one compiler for one target; `peers` name "PEER FLAGS" of peers.csv."""

    name: str
    title: str
    target: str
    compiler: str
    optimisation: str
    models: tuple[Model, ...]
    peers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """Everything that is measured; `headline` is the group that the goals are about."""

    samples: int
    seed: int
    headline: Group
    models: tuple[Model, ...]
    groups: tuple[Group, ...]

    def keys(self) -> Iterator[tuple[str, str]]:
        """Group and model of every row, in the order of the tables."""
        return ((group.name, model.key) for group in self.groups for model in group.models)


def load_suite(path: Path = BENCH / "suite.toml") -> Suite:
    """The suite of that file; OptionError where it does not hold together."""
    return parse_suite(tomllib.loads(path.read_text("utf-8")))


def parse_suite(content: dict[str, Any]) -> Suite:
    """The suite that parsed TOML describes; OptionError names what is wrong."""
    try:
        models = {key: _model(key, entry) for key, entry in content["model"].items()}
        groups = {entry["name"]: _group(entry, models) for entry in content["group"]}
        return Suite(
            samples=content["samples"],
            seed=content["seed"],
            headline=groups[content["headline"]],
            models=tuple(models.values()),
            groups=tuple(groups.values()),
        )
    except KeyError as error:
        raise OptionError(f"the benchmark's suite lacks {error}") from error


def _model(key: str, entry: dict[str, Any]) -> Model:
    return Model(key, entry["title"], entry["file"], entry.get("arena_goal_bytes"))


def _group(entry: dict[str, Any], models: dict[str, Model]) -> Group:
    return Group(
        name=entry["name"],
        title=entry["title"],
        target=entry["target"],
        compiler=entry["compiler"],
        optimisation=entry["optimisation"],
        models=tuple(models[key] for key in entry["models"]),
        peers=tuple(entry["peers"]),
    )
