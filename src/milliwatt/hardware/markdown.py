# SPDX-License-Identifier: MIT
"""Write the catalogue's page of the documentation: `python -m milliwatt.hardware.markdown`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from milliwatt.hardware.describe import SUMMARY_COLUMNS, describe_figures, describe_summary
from milliwatt.hardware.load import list_targets
from milliwatt.hardware.model import CORE_FEATURES, Target

REGENERATE = "python -m milliwatt.hardware.markdown > docs/targets.md"

EXAMPLE = """\
name = "my-board"
title = "My own board"
vendor = "me"
chip = "STM32F411"
core = "cortex-m4"
features = ["dsp", "fpu"]

[clock_hz]
value = 100_000_000
basis = "published"
source = "datasheet, section 3"

[[memory]]
name = "sram"
kind = "sram"
bytes = 131_072
origin = 0x2000_0000
holds = ["data"]
source = "datasheet, section 5"

[[memory]]
name = "flash"
kind = "flash"
bytes = 524_288
origin = 0x0800_0000
holds = ["code", "constants"]
source = "datasheet, section 5"

# Optional: without it there is no latency estimate.
[timing.cycles_per_instruction]
value = 1.5
low = 1.3
high = 1.7
basis = "measured"
source = "my stopwatch, 3 networks"

# Optional, and as many as there are supplies: without it there is no energy estimate.
[[power]]
name = "3v3"
title = "3.3 V, internal regulator"
sleep_state = "stop mode, RAM kept"

[power.supply_v]
value = 3.3
basis = "measured"
source = "my multimeter"

[power.active_current_ma]
value = 12.0
basis = "measured"
source = "my multimeter"

[power.sleep_current_ua]
value = 42
basis = "measured"
source = "my multimeter"
"""

_INTRODUCTION = f"""\
# Targets

<!-- Generated from src/milliwatt/hardware/data; write it again with
     {REGENERATE} -->

What `milliwatt targets` knows. Every figure has a basis and a source: *measured* on this
hardware, *published* by its maker or in a standard description, *estimated* from something
else. A figure that is not known is absent, and an estimate that needs it is refused.

Instructions are counted exactly on an emulator. Cycles per instruction turn them into time; a
range is what was seen, or is thought possible, on whole networks. Power is the average while
inferring; the first supply listed is the default.
"""

_OWN_BOARD = f"""\
## A board of your own

Every command that takes `--target NAME` also takes the path of a file like this one:

```toml
{EXAMPLE}```

`core` is one of {", ".join(f"`{core}`" for core in CORE_FEATURES)}; `features` are of `dsp`,
`fpu` and `mve`; a memory `holds` any of `code`, `constants` (weights too) and `data` (arena,
state, statics, stack). Power is stated as `active_power_mw` and `sleep_power_uw`, or as the
currents above. A key that is unknown, missing or mistyped is an error that names it. To add a
board to the catalogue, put the file into `src/milliwatt/hardware/data` and write this page
again.
"""


def catalogue_markdown(targets: Sequence[Target]) -> str:
    """The whole page: a summary, then every target with its figures and their sources."""
    parts = [_INTRODUCTION, _table(SUMMARY_COLUMNS, [describe_summary(t) for t in targets])]
    parts += [_section(target) for target in targets]
    return "\n".join([*parts, _OWN_BOARD])


def _section(target: Target) -> str:
    rows = [(row.what, row.value, row.basis, row.source) for row in describe_figures(target)]
    aliases = ", ".join(f"`{alias}`" for alias in target.aliases)
    lines = [f"## {target.title}", "", f"`{target.name}`, also called {aliases}."]
    if not target.aliases:
        lines[-1] = f"`{target.name}`."
    if target.notes:
        lines += ["", *(f"- {note}" for note in target.notes)]
    return "\n".join([*lines, "", _table(("Figure", "Value", "Basis", "Source"), rows)])


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(catalogue_markdown(list_targets()))
