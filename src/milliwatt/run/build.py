# SPDX-License-Identifier: MIT
"""Building bare-metal firmware from C sources for one core."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from string import Template

from milliwatt.errors import ToolchainError
from milliwatt.run.abi import HARNESS_PREFIX, ModelAbi
from milliwatt.run.cache import cached_file, content_key, scratch_folder
from milliwatt.run.compile import (
    FREESTANDING_FLAGS,
    LANGUAGE_FLAGS,
    WARNING_FLAGS,
    ObjectFile,
    Recipe,
    check_optimisation,
    check_sources,
    compile_objects,
)
from milliwatt.run.compilers import Compiler, choose_compiler
from milliwatt.run.cores import HARNESS_BYTES, STACK_BYTES, Core
from milliwatt.run.harness import harness_text, write_harness, write_pushers
from milliwatt.run.image import Firmware, load_firmware
from milliwatt.run.process import run_tool


def build_firmware(
    sources: Sequence[Path],
    abi: ModelAbi,
    core: Core,
    *,
    include_folders: Sequence[Path] = (),
    compiler: str = "auto",
    optimisation: str = "-O2",
    defines: Sequence[str] = (),
    other_models: Sequence[ModelAbi] = (),
) -> Firmware:
    """Compile and link a model's C sources into a firmware image for `core`.

    Constants of sources named `*_weights.c` count as weights. `compiler` is "auto" (gcc when
    installed, else zig), "gcc" or "zig"; `defines` are `NAME` or `NAME=value`. The harness runs
    the model of `abi`; `other_models` among the sources are kept too, and Unicorn can run any of
    them. Objects and image are cached by content. Raises ToolchainError when the compiler is
    missing or fails.
    """
    check_optimisation(optimisation)
    check_sources(sources)
    chosen = choose_compiler(core, compiler)
    flags = compile_flags(core, chosen, optimisation)
    defined = tuple(f"-D{define}" for define in defines)
    recipe = Recipe(chosen, (*flags, *defined), tuple(include_folders))
    objects = compile_objects(sources, recipe)
    script = _linker_script(core, [abi, *other_models])
    harness = _harness_objects(abi, other_models, core, Recipe(chosen, flags))
    elf = _link([*objects, *harness], script, recipe)
    return load_firmware(elf, core, chosen.version)


def compile_flags(core: Core, compiler: Compiler, optimisation: str) -> tuple[str, ...]:
    """The flags that every C source of a firmware is compiled with."""
    return (*machine_flags(core, compiler), *_common_flags(compiler), optimisation)


def machine_flags(core: Core, compiler: Compiler) -> tuple[str, ...]:
    """The flags that select `core` in that compiler."""
    if compiler.kind == "zig":
        return core.zig_flags
    if compiler.kind == "gcc" and core.gcc_flags is not None:
        return core.gcc_flags
    raise ToolchainError(f"{compiler.command[0]} does not build for {core.name}")


def _common_flags(compiler: Compiler) -> tuple[str, ...]:
    # gcc would fold nodes with identical code into one, and their counts with them.
    own = ("-fno-ipa-icf",) if compiler.kind == "gcc" else ("-fno-sanitize=undefined",)
    return (*LANGUAGE_FLAGS, *WARNING_FLAGS, *FREESTANDING_FLAGS, *own)


def _harness_objects(
    abi: ModelAbi, others: Sequence[ModelAbi], core: Core, recipe: Recipe
) -> tuple[ObjectFile, ...]:
    with scratch_folder() as folder:
        if core.qemu_machine is None:
            sources = write_pushers([abi, *others], folder)
        else:
            sources = (*write_harness(abi, "cortex_m", folder), *write_pushers(others, folder))
        return compile_objects(sources, Recipe(recipe.compiler, (*recipe.flags, "-fno-builtin")))


def _linker_script(core: Core, models: Sequence[ModelAbi]) -> str:
    memory = core.memory
    return Template(harness_text("firmware.ld.in")).substitute(
        entry="mw_reset_handler" if core.qemu_machine else models[0].run_symbol,
        kept_symbols=" ".join(name for abi in models for name in abi.entry_symbols),
        boot_base=hex(memory.boot_base),
        boot_bytes=hex(HARNESS_BYTES),
        code_base=hex(memory.code_base),
        code_bytes=hex(memory.code_bytes),
        ram_base=hex(memory.ram_base),
        ram_bytes=hex(memory.ram_bytes),
        stack_bytes=hex(STACK_BYTES),
    )


def _link(objects: Sequence[ObjectFile], script: str, recipe: Recipe) -> Path:
    names = [_object_name(index, entry) for index, entry in enumerate(objects)]
    libraries = ("-lc", "-lgcc") if recipe.compiler.kind == "gcc" else ()
    # zig strips every symbol under -Os, unless asked for debug information.
    kept_symbols = ("-g",) if recipe.compiler.kind == "zig" else ()
    words = (
        *recipe.compiler.command,
        *recipe.flags,
        *kept_symbols,
        *(("-nostartfiles", "-nodefaultlibs") if libraries else ()),
        "-Wl,--gc-sections",
    )
    parts = [recipe.compiler.version, *words, script, *names, *(o.key for o in objects)]
    key = content_key(["firmware", *parts])

    def make(path: Path) -> None:
        with scratch_folder() as folder:
            for name, entry in zip(names, objects, strict=True):
                _place(entry.path, folder / name)
            (folder / "firmware.ld").write_text(script, "utf-8")
            command = (*words, "-Wl,-T,firmware.ld", *names, *libraries, "-o", str(path))
            run_tool(command, purpose="linking the firmware", cwd=folder)

    return cached_file(key, ".elf", make)


def _object_name(index: int, entry: ObjectFile) -> str:
    return f"{entry.stem}.o" if entry.stem.startswith(HARNESS_PREFIX) else f"{index}_{entry.stem}.o"


def _place(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
