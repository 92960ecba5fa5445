# SPDX-License-Identifier: MIT
"""Commands shown in ```console blocks: run them, compare, write what they print now.

A block is one or more `$ milliwatt …` lines, each followed by what it printed. A line `…` stands
for lines left out. `python -m tests.docs.transcripts` runs every block again and replaces each
shown line by the line printed now that equals it but for numbers and spaces.
"""

from __future__ import annotations

import difflib
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from milliwatt.output import write_file
from tests.docs.blocks import Block, all_blocks, blocks
from tests.support import REPOSITORY, find_shared

ELISION = "…"
PROMPT = "$ "
TIMEOUT_S = 300
COMMAND = "python -m tests.docs.transcripts"


@dataclass(frozen=True)
class Transcript:
    """One command of a block, and the lines shown under it."""

    block: Block
    command: str
    shown: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.block} {self.command}"

    @property
    def needs(self) -> set[str]:
        """What the command needs beyond the core: shared models, training, an emulator."""
        words = shlex.split(self.command)
        needs = {"shared"} if "../shared/" in self.command else set[str]()
        if words[1] == "demo":
            return {*needs, "training", "emulator"}
        if words[1] == "run" or "--verify" in words:
            return {*needs, "emulator"}
        return needs

    @property
    def is_exact(self) -> bool:
        """Whether only a change of the model or the catalogue changes what is printed."""
        return self.command.split()[1] in ("inspect", "targets")


def transcripts(block: Block) -> list[Transcript]:
    """The commands of a block; those of other programs are left out."""
    found: list[Transcript] = []
    command, shown = "", list[str]()
    for line in [*block.body.splitlines(), PROMPT]:
        if line.startswith(PROMPT):
            if command.startswith("milliwatt"):
                found.append(Transcript(block, command, tuple(shown)))
            command, shown = line.removeprefix(PROMPT), []
        elif command.endswith("\\"):
            command = command[:-1] + line
        else:
            shown.append(line)
    return found


def all_transcripts() -> list[Transcript]:
    """Every command shown in the documents."""
    return [t for block in all_blocks("console") for t in transcripts(block)]


def make_workplace(folder: Path, document: Path) -> Path:
    """A folder that looks like the repository's root to a command, which may write there.

    It holds the user's own files that `document` shows: blocks that name a file, without folder.
    """
    work = folder / "milliwatt"
    work.mkdir()
    for block in blocks(document):
        if block.file is not None and "/" not in block.file:
            (work / block.file).write_text(block.content, encoding="utf-8")
    (work / "examples").symlink_to(REPOSITORY / "examples")
    shared = find_shared()
    if shared is not None:
        (folder / "shared").symlink_to(shared)
    return work


def run(commands: Sequence[str], work: Path) -> list[str]:
    """What the last command printed, to either stream, after those before it ran."""
    lines: list[str] = []
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", *shlex.split(command)],
            cwd=work,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
        lines = [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]
    return lines


def loose(line: str) -> str:
    """The line with every number as N and every run of spaces or bar as one."""
    line = re.sub(r"\d[\d,.]*", "N", line)
    line = re.sub(r"([·A-Z█])\1+", r"\1", line)
    return re.sub(r"N [mµn]?([sJB])\b", r"N \1", " ".join(line.split()))


def missing(transcript: Transcript, printed: Sequence[str]) -> list[str]:
    """The shown lines that the command did not print."""
    same = str.rstrip if transcript.is_exact else loose
    known = {same(line) for line in printed}
    return [s for s in transcript.shown if s.strip() != ELISION and same(s) not in known]


def updated(transcript: Transcript, printed: Sequence[str]) -> list[str]:
    """The shown lines with the numbers printed now; lines not printed any more stay."""
    current: dict[str, list[str]] = {}
    for line in printed:
        current.setdefault(loose(line), []).append(line)
    lines: list[str] = []
    for shown in transcript.shown:
        candidates = current.get(loose(shown), [])
        nearest = max(candidates, key=lambda line: likeness(line, shown), default=shown)
        if candidates:
            candidates.remove(nearest)
        lines.append(nearest)
    return lines


def likeness(a: str, b: str) -> float:
    """1 for equal lines, less the more they differ."""
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def main() -> None:
    """Bring every transcript up to date."""
    for block in all_blocks("console"):
        found = transcripts(block)
        with tempfile.TemporaryDirectory() as folder:
            work = make_workplace(Path(folder), block.path)
            for transcript in found:
                printed = run([transcript.command], work)
                for line in missing(transcript, printed):
                    print(f"{transcript}: not printed any more: {line}", file=sys.stderr)
                old = "\n".join(transcript.shown)
                new = "\n".join(updated(transcript, printed))
                text = block.path.read_text(encoding="utf-8")
                if old and old != new:
                    write_file(block.path, text.replace(old, new, 1))


if __name__ == "__main__":
    main()
