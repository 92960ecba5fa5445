# SPDX-License-Identifier: MIT
"""What the benchmark measures, read from suite.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from milliwatt.backend.mcu.choice.objective import SPEED, Objective, parse_objective
from milliwatt.errors import OptionError
from milliwatt.hardware import Target, load_target

BENCH = Path(__file__).resolve().parent
RESULTS = BENCH / "results"
TUNED, ROWS, PUSHED = "tuned", "rows", "pushed"
_WAYS = (TUNED, ROWS, PUSHED)
_FILE = ".toml"


@dataclass(frozen=True, slots=True)
class Model:
    """A network of the shared folder; `file` is relative to that folder.

    Goals are for the headline's core: instructions to reach, those to go on towards, SRAM without
    the stack, the same where rows of the input are pushed, and the arena. None where there is none.
    `has_flash_goal`: whether those of flash beyond weights hold for it.
    """

    key: str
    title: str
    file: str
    arena_goal_bytes: int | None
    instructions_goal: int | None
    instructions_further: int | None
    sram_goal_bytes: int | None
    pushed_goal_bytes: int | None
    has_flash_goal: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Networks built in one way for one target.

    `way` is "tuned" (the kernels that `milliwatt tune` chooses), "rows" (layers by rows, to fit the
    model's SRAM goal), "pushed" (and the input pushed row by row), or "". `target` is a board's
    name or a .toml file beside suite.toml. `peers` name "PEER FLAGS" of peers.csv, the one to beat
    first.
    """

    name: str
    platform: str
    core_title: str
    target: str
    compiler: str
    objective: Objective
    way: str
    models: tuple[Model, ...]
    peers: tuple[str, ...]

    def load_target(self) -> Target:
        """The board; TargetError where there is none of that name."""
        return load_target(str(BENCH / self.target) if self._is_file else self.target)

    @property
    def target_name(self) -> str:
        """The board's name, as in the tables."""
        return self.target.removesuffix(_FILE) if self._is_file else self.target

    @property
    def _is_file(self) -> bool:
        return self.target.endswith(_FILE)

    @property
    def optimisation(self) -> str:
        """The compiler's flag."""
        return self.objective.optimisation

    @property
    def build(self) -> str:
        """`gcc -O2`, `gcc -Os, flash`, `gcc -O2, tuned`."""
        how = f"{self.compiler} {self.optimisation}"
        if self.way:
            return f"{how}, {self.way}"
        return how if self.objective == SPEED else f"{how}, {self.objective}"

    @property
    def title(self) -> str:
        """Core and build."""
        return f"{self.core_title}, {self.build}"

    @property
    def is_plain(self) -> bool:
        """Whether it is what the compiler does by default: for speed, nothing else."""
        return self.objective == SPEED and not self.way


@dataclass(frozen=True, slots=True)
class Suite:
    """Everything that is measured; `headline` is the group that the first goals are about."""

    samples: int
    seed: int
    headline: Group
    models: tuple[Model, ...]
    groups: tuple[Group, ...]

    def keys(self) -> Iterator[tuple[str, str]]:
        """Group and model of every row, in the order of the tables."""
        return ((group.name, model.key) for group in self.groups for model in group.models)

    def platforms(self) -> dict[str, tuple[Group, ...]]:
        """The groups of each platform, in order."""
        names = dict.fromkeys(group.platform for group in self.groups)
        return {name: tuple(g for g in self.groups if g.platform == name) for name in names}

    def sibling(self, build: str) -> Group | None:
        """The headline's platform built in another way; None where that is not measured."""
        name = f"{self.headline.platform}-{build.replace(' ', '-')}"
        return next((group for group in self.groups if group.name == name), None)


def load_suite(path: Path = BENCH / "suite.toml") -> Suite:
    """The suite of that file; OptionError where it does not hold together."""
    return parse_suite(tomllib.loads(path.read_text("utf-8")))


def parse_suite(content: dict[str, Any]) -> Suite:
    """The suite that parsed TOML describes; OptionError names what is wrong."""
    try:
        models = {key: _model(key, entry) for key, entry in content["model"].items()}
        groups = {
            group.name: group for entry in content["platform"] for group in _groups(entry, models)
        }
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
    return Model(
        key=key,
        title=entry["title"],
        file=entry["file"],
        arena_goal_bytes=entry.get("arena_goal_bytes"),
        instructions_goal=entry.get("instructions_goal"),
        instructions_further=entry.get("instructions_further"),
        sram_goal_bytes=entry.get("sram_goal_bytes"),
        pushed_goal_bytes=entry.get("pushed_goal_bytes"),
        has_flash_goal=entry.get("has_flash_goal", False),
    )


def _groups(entry: dict[str, Any], models: dict[str, Model]) -> Iterator[Group]:
    """A group for each build: a compiler, and an objective or a way."""
    for build, keys in entry["builds"].items():
        compiler, _, how = build.partition(" ")
        yield Group(
            name=f"{entry['name']}-{build.replace(' ', '-')}",
            platform=entry["name"],
            core_title=entry["title"],
            target=entry["target"],
            compiler=compiler,
            objective=SPEED if how in ("", *_WAYS) else parse_objective(how),
            way=how if how in _WAYS else "",
            models=tuple(models[key] for key in keys),
            peers=tuple(entry["peers"]),
        )
