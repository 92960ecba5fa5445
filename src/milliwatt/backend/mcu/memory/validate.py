# SPDX-License-Identifier: MIT
"""The rules that every memory problem keeps; broken ones are bugs of whoever built it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from milliwatt.backend.mcu.memory.elements import Buffer, Roles, Step
from milliwatt.backend.mcu.memory.groups import Edges, alias_edges, alias_groups
from milliwatt.errors import VerifyError


def validate(buffers: Sequence[Buffer], steps: Sequence[Step], roles: Roles) -> None:
    """Raise VerifyError, naming the buffer or step, unless these keep the contract of Problem."""
    _check_names(buffers, steps, roles)
    for buffer in buffers:
        _check_size(f"buffer '{buffer.name}'", buffer.size_bytes, buffer.alignment, 1)
    for step in steps:
        _check_size(f"scratch of '{step.name}'", step.scratch_bytes, step.scratch_alignment, 0)
        _check_pairs(step, roles.persistent)
    _check_dataflow(buffers, steps, roles)
    _check_aliases(buffers, steps)


def _check_names(buffers: Sequence[Buffer], steps: Sequence[Step], roles: Roles) -> None:
    _check_unique("buffer", (buffer.name for buffer in buffers))
    _check_unique("step", (step.name for step in steps))
    known = {buffer.name for buffer in buffers}
    named = {
        "input": roles.inputs,
        "output": roles.outputs,
        "persistent buffer": roles.persistent,
        **{f"a buffer of '{step.name}'": (*step.reads, *step.writes) for step in steps},
    }
    for role, names in named.items():
        for name in names:
            if name not in known:
                raise VerifyError(f"memory: {role} '{name}' is not among the buffers")
    for name in sorted({*roles.inputs} & {*roles.persistent}):
        raise VerifyError(f"memory: buffer '{name}' is both an input and persistent")


def _check_unique(what: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise VerifyError(f"memory: {count} {what}s are named '{name}'")
        if not name.isprintable() or name != name.strip() or not name:
            raise VerifyError(f"memory: {what} name {name!r} is empty, padded or not printable")


def _check_size(what: str, size_bytes: int, alignment: int, least: int) -> None:
    if size_bytes < least:
        raise VerifyError(f"memory: {what} has {size_bytes} bytes; at least {least} needed")
    if alignment < 1 or alignment & (alignment - 1):
        raise VerifyError(f"memory: {what} has alignment {alignment}; a power of two needed")


def _check_pairs(step: Step, persistent: tuple[str, ...]) -> None:
    seen: set[tuple[str, str]] = set()
    for pair in (*step.in_place, *step.aliases):
        names = (pair.read, pair.write)
        where = f"memory: step '{step.name}' pairs '{pair.read}' with '{pair.write}'"
        if pair.read not in step.reads or pair.write not in step.writes:
            raise VerifyError(f"{where}, not a buffer it reads with one it writes")
        if names in seen:
            raise VerifyError(f"{where} twice")
        if any(name in persistent for name in names):
            raise VerifyError(f"{where}; persistent buffers never share bytes")
        seen.add(names)
    for pair in step.in_place:
        low, high = pair.min_shift_bytes, pair.max_shift_bytes
        if low is not None and high is not None and low > high:
            raise VerifyError(f"memory: step '{step.name}' allows no shift from {low} to {high}")


def _check_dataflow(buffers: Sequence[Buffer], steps: Sequence[Step], roles: Roles) -> None:
    ready = {*roles.inputs, *roles.persistent}
    for step in steps:
        for name in step.reads:
            if name not in ready:
                raise VerifyError(f"memory: step '{step.name}' reads '{name}' before it is written")
        for name in step.writes:
            if name in ready and name not in roles.persistent:
                raise VerifyError(f"memory: step '{step.name}' writes '{name}' a second time")
            ready.add(name)
    for buffer in buffers:
        if buffer.name not in ready:
            raise VerifyError(f"memory: buffer '{buffer.name}' is never written")


def _check_aliases(buffers: Sequence[Buffer], steps: Sequence[Step]) -> None:
    by_name = {buffer.name: buffer for buffer in buffers}
    edges = alias_edges(alias for step in steps for alias in step.aliases)
    for group in alias_groups(buffers, edges):
        for name, shift in group.items():
            if shift % by_name[name].alignment:
                raise VerifyError(
                    f"memory: aliases place buffer '{name}' {shift} bytes into its block, "
                    f"not a multiple of its alignment {by_name[name].alignment}"
                )
        for low, high in _coinciding(group, by_name):
            _check_shared_bytes(low, high, group, edges, by_name)


def _coinciding(
    group: dict[str, int], buffers: dict[str, Buffer]
) -> Iterator[tuple[Buffer, Buffer]]:
    """Pairs of members with bytes in common, the one that starts lower first."""
    members = sorted(group, key=lambda name: group[name])
    for rank, low in enumerate(members):
        for high in members[rank + 1 :]:
            if group[high] >= group[low] + buffers[low].size_bytes:
                break
            yield buffers[low], buffers[high]


def _check_shared_bytes(
    low: Buffer, high: Buffer, group: dict[str, int], edges: Edges, buffers: dict[str, Buffer]
) -> None:
    """Two members that coincide somewhere do so only where aliases give them the same values."""
    start = group[high.name]
    end = min(group[low.name] + low.size_bytes, start + high.size_bytes)
    reached = {high.name}
    pending = [high.name]
    for name in pending:
        for near, _ in edges[name]:
            covers = group[near] <= start and end <= group[near] + buffers[near].size_bytes
            if covers and near not in reached:
                reached.add(near)
                pending.append(near)
        if low.name in reached:
            return
    raise VerifyError(
        f"memory: aliases put buffers '{low.name}' and '{high.name}' on the same bytes, "
        f"yet their contents differ"
    )
