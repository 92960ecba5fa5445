# SPDX-License-Identifier: MIT
"""The commands shown in the documents print what is shown.

Exactly for `inspect` and `targets`; with other numbers where C is generated or a network trained.
"""

import importlib.util
from pathlib import Path

import pytest

from tests.docs.blocks import Block
from tests.docs.transcripts import (
    COMMAND,
    Transcript,
    all_transcripts,
    loose,
    make_workplace,
    missing,
    run,
    transcripts,
    updated,
)
from tests.support import REPOSITORY, find_shared, needs_arm_gcc

TRANSCRIPTS = all_transcripts()

REMEDY = {
    "shared": "needs the shared models",
    "training": "needs PyTorch and scikit-learn: pip install 'milliwatt[demo]'",
    "emulator": "needs the emulator: pip install 'milliwatt[emulate]'",
}


def is_here(need: str) -> bool:
    if need == "shared":
        return find_shared() is not None
    modules = {"training": ("torch", "sklearn"), "emulator": ("unicorn", "ziglang")}[need]
    return all(importlib.util.find_spec(module) is not None for module in modules)


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=str)
def test_commands_print_what_is_shown(transcript: Transcript, tmp_path: Path) -> None:
    for need in sorted(transcript.needs):
        if not is_here(need):
            pytest.skip(REMEDY[need])
    block = transcripts(transcript.block)
    before = [t.command for t in block[: block.index(transcript)]]
    work = make_workplace(tmp_path, transcript.block.path)
    printed = run([*before, transcript.command], work)
    assert not missing(transcript, printed), f"to bring the documents up to date: {COMMAND}"


def test_there_are_transcripts() -> None:
    verbs = {t.command.split()[1] for t in TRANSCRIPTS}
    assert {"demo", "compile", "inspect", "run", "targets"} <= verbs


def transcript_of(*lines: str) -> Transcript:
    body = "\n".join(["$ milliwatt run out --on host", *lines])
    (found,) = transcripts(Block(REPOSITORY / "README.md", 1, "console", body))
    return found


def test_a_shown_line_that_is_not_printed_is_found() -> None:
    found = transcript_of("arena 12 B", "…", "all equal")
    assert missing(found, ["arena 1,024 B", "all differ"]) == ["all equal"]


def test_numbers_are_brought_up_to_date_and_words_stay() -> None:
    found = transcript_of("arena 12 B", "…", "gone")
    assert updated(found, ["arena 1,024 B"]) == ["arena 1,024 B", "…", "gone"]


def test_of_several_lines_the_nearest_is_taken() -> None:
    found = transcript_of("…", "epoch 30 of 30: loss 0.5")
    printed = [f"epoch {n} of 30: loss 0.4" for n in (10, 20, 30)]
    assert updated(found, printed) == ["…", "epoch 30 of 30: loss 0.4"]


def test_loose_lines_differ_in_words_only() -> None:
    assert loose("flash |WWCC··| 1,234 of 5 B (0.5%)") == loose("flash |WC·|  9 of 7 B (12%)")
    assert loose("466 µs") == loose("1.35 ms")
    assert loose("energy 3 J") != loose("latency 3 J")
