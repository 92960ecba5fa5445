# SPDX-License-Identifier: MIT
"""Running a model on QEMU: an independent second opinion, and the one emulator with Helium."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from milliwatt.errors import EmulationError, ToolchainError
from milliwatt.run.abi import ModelAbi, TensorData, pack_samples, split_outputs
from milliwatt.run.cache import scratch_folder
from milliwatt.run.cores import HARNESS_BYTES, STACK_BYTES
from milliwatt.run.harness import samples_file
from milliwatt.run.image import Firmware
from milliwatt.run.measurement import Measurement
from milliwatt.run.native_library import native_library
from milliwatt.run.process import output_tail, run_tool
from milliwatt.run.rows import RowPlan, plan_rows
from milliwatt.run.unicorn_runner import LIMIT_INSTRUCTIONS

QEMU = "qemu-system-arm"
TIMEOUT_SECONDS = 600.0
_EXIT_LIMIT = 91
_OUTSIDE_ROW = 0
_STACK_OVERFLOW = 0xFFFF_FFFF


def find_qemu() -> str | None:
    """The path of qemu-system-arm, None when it is not installed."""
    return shutil.which(QEMU)


def run_qemu(
    firmware: Firmware,
    abi: ModelAbi,
    samples: Sequence[Sequence[TensorData]],
    *,
    reset_each: bool = True,
    limit_instructions: int = LIMIT_INSTRUCTIONS,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Measurement:
    """Boot the firmware on QEMU's machine for its core, run every sample, count instructions.

    The state between calls is reset before each sample, or only before the first when
    `reset_each` is False. Raises ToolchainError without QEMU; EmulationError on a fault, when
    one run needs more than `limit_instructions`, or all together more than `timeout_seconds`.
    """
    machine = firmware.core.qemu_machine
    if machine is None:
        raise EmulationError(f"QEMU has no machine for {firmware.core.name} here")
    packed = pack_samples(abi, samples)
    plan = plan_rows(firmware, abi)
    with scratch_folder() as folder:
        (folder / "samples.bin").write_bytes(samples_file(packed, reset_each))
        (folder / "plan.bin").write_bytes(_plan_file(firmware, abi, plan, limit_instructions))
        command = _command(machine, firmware.elf)
        done = _run(command, folder, timeout_seconds)
        _check(done, firmware, abi, folder, limit_instructions)
        outputs = split_outputs(abi, (folder / "outputs.bin").read_bytes())
        (stack_bytes,) = struct.unpack("<I", (folder / "status.bin").read_bytes())
        if stack_bytes == _STACK_OVERFLOW:
            raise EmulationError(
                f"{abi.run_symbol}: the stack of {STACK_BYTES} bytes overflowed on QEMU"
            )
        counts = (folder / "counts.txt").read_text("utf-8").split()
    width = len(plan.names)
    return Measurement(
        emulator="qemu",
        core=firmware.core.name,
        outputs=outputs,
        instructions_by_row={
            name: tuple(int(count) for count in counts[row::width])
            for row, name in enumerate(plan.names)
        },
        stack_bytes=stack_bytes,
    )


def _plan_file(firmware: Firmware, abi: ModelAbi, plan: RowPlan, limit: int) -> bytes:
    boot = firmware.core.memory.boot_base
    # The plugin's row 0 is the harness, so that returning to it ends a run.
    ranges = [
        (boot, boot + HARNESS_BYTES, _OUTSIDE_ROW),
        *((r.start, r.end, r.row + 1) for r in plan.ranges),
    ]
    entry = firmware.find_symbol(abi.run_symbol).address
    header = struct.pack("<4Q", limit, entry, len(plan.names) + 1, len(ranges))
    return header + b"".join(struct.pack("<QQq", *row) for row in sorted(ranges))


def _command(machine: str, elf: Path) -> list[str]:
    qemu = find_qemu()
    if qemu is None:
        raise ToolchainError(
            f"{QEMU} is not installed; to install on Debian: apt-get install qemu-system-arm"
        )
    plugin = native_library("qemu_count", (f"MW_PLUGIN_API={_plugin_api(qemu)}",))
    return [
        *(qemu, "-M", machine, "-display", "none", "-monitor", "none", "-serial", "none"),
        *("-semihosting-config", "enable=on,target=native"),
        *("-plugin", f"{plugin},plan=plan.bin,out=counts.txt"),
        *("-kernel", str(elf)),
    ]


@cache
def _plugin_api(qemu: str) -> int:
    """QEMU 9 dropped version 1 of the interface; what is used here is the same in both."""
    text = run_tool([qemu, "--version"], purpose="asking QEMU for its version").decode()
    found = re.search(r"version (\d+)", text)
    return 1 if found and int(found[1]) < 9 else 2


def _run(
    command: Sequence[str], folder: Path, timeout_seconds: float
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EmulationError(f"QEMU did not end within {timeout_seconds:g} seconds") from error


def _check(
    done: subprocess.CompletedProcess[bytes],
    firmware: Firmware,
    abi: ModelAbi,
    folder: Path,
    limit: int,
) -> None:
    if done.returncode == 0:
        return
    if done.returncode == _EXIT_LIMIT:
        raise EmulationError(f"{abi.run_symbol} did not return within {limit:,} instructions")
    fault = folder / "fault.bin"
    if fault.is_file() and fault.stat().st_size == 16:
        raise EmulationError(_explain_fault(firmware, abi, fault.read_bytes()))
    tail = output_tail(done.stderr.decode(errors="replace"))
    raise EmulationError(f"QEMU ended with exit code {done.returncode}\n{tail}".rstrip())


def _explain_fault(firmware: Firmware, abi: ModelAbi, report: bytes) -> str:
    pc, link, status, address = struct.unpack("<4I", report)
    lines = [
        f"{abi.run_symbol} on QEMU's {firmware.core.qemu_machine} stopped with a fault"
        f" (CFSR {status:#010x})",
        f"  at: {firmware.describe_address(pc)} (pc {pc:#010x}, lr {link:#010x})",
    ]
    if status & 0x8000:
        lines.append(f"  accessing: {address:#010x}")
    return "\n".join(lines)
