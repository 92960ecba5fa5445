# SPDX-License-Identifier: MIT
"""All files of a generated C project, by name."""

from __future__ import annotations

import json
from collections.abc import Mapping

from milliwatt.backend.mcu.emit.example import example_text
from milliwatt.backend.mcu.emit.header import header_text
from milliwatt.backend.mcu.emit.kernel_headers import kernel_headers
from milliwatt.backend.mcu.emit.source import source_text, weights_text
from milliwatt.backend.mcu.planning.plan import Plan

MANIFEST = "milliwatt.json"


def project_files(plan: Plan, manifest: Mapping[str, object]) -> dict[str, str]:
    """File name to text: the model, the kernels it uses, a build file, an example, a manifest.

    The manifest on disk lists the files besides. The same plan and manifest give the same bytes.
    """
    source = source_text(plan)
    name = plan.name
    files = {
        f"{name}.h": header_text(plan),
        f"{name}.c": source,
        f"{name}_weights.c": weights_text(plan),
        **kernel_headers(source),
        "CMakeLists.txt": _cmake(name, plan.objective.optimisation),
        "example_main.c": example_text(plan),
    }
    content = {**manifest, "files": sorted([*files, MANIFEST])}
    return {**files, MANIFEST: json.dumps(content, indent=2, sort_keys=True) + "\n"}


def _cmake(name: str, optimisation: str) -> str:
    return f"""# SPDX-License-Identifier: MIT
cmake_minimum_required(VERSION 3.13)
project({name} C)

add_library({name} STATIC {name}.c {name}_weights.c)
target_include_directories({name} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})
set_target_properties({name} PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
target_compile_options({name} PRIVATE {optimisation} -ffp-contract=off)

if(CMAKE_CURRENT_SOURCE_DIR STREQUAL CMAKE_SOURCE_DIR AND NOT CMAKE_CROSSCOMPILING)
  add_executable({name}_example example_main.c)
  target_link_libraries({name}_example {name})
endif()
"""
