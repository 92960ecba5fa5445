# SPDX-License-Identifier: MIT
"""Whatever is wrong with a target file, the error is a TargetError that says what and where."""

import copy
import datetime
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milliwatt.errors import TargetError
from milliwatt.hardware import Target, load_target
from milliwatt.hardware.parse import parse_target
from tests.toml_changes import Change, drop, place_of, put

DATA = Path(__file__).parents[2] / "src" / "milliwatt" / "hardware" / "data"
L4R5 = (DATA / "nucleo-l4r5zi.toml").read_bytes()
NANO = (DATA / "arduino-nano-33-ble.toml").read_bytes()
CONTENT = tomllib.loads(L4R5.decode())


def rename(*path: str | int, to: str) -> Change:
    """A change that gives what is at a path another key."""

    def change(content: dict[str, Any]) -> None:
        place = place_of(content, path)
        place[to] = place.pop(path[-1])

    return change


CASES = {
    "missing name": (drop("name"), "name is missing"),
    "missing core": (drop("core"), "core is missing"),
    "missing source": (drop("clock_hz", "source"), "clock_hz.source is missing"),
    "misspelt name": (
        rename("title", to="titel"),
        "title is missing; is 'titel' meant to be it?",
    ),
    "misspelt figure": (
        rename("clock_hz", "value", to="values"),
        "clock_hz.value is missing; is 'values' meant to be it?",
    ),
    "misspelt table": (
        rename("memory", to="memmory"),
        "memory has no region that holds code; is 'memmory' meant to be it?",
    ),
    "number for text": (put("title", value=3), "title must be a string, not an integer"),
    "blank text": (put("vendor", value="  "), "vendor must not be empty"),
    "bad name": (
        put("name", value="My Board"),
        "name is 'My Board'; allowed: lower-case letters, digits, '-' and '.' inside",
    ),
    "unknown core": (
        put("core", value="cortex-m99"),
        "core is 'cortex-m99'; allowed: cortex-m0plus, cortex-m3, cortex-m4, cortex-m7, "
        "cortex-m33, cortex-m55, rv32imc",
    ),
    "unknown feature": (
        put("features", value=["simd"]),
        "features[0] is 'simd'; allowed: dsp, fpu, mve",
    ),
    "impossible feature": (
        put("features", value=["dsp", "mve"]),
        "features has mve, which cortex-m4 cannot have; allowed: dsp, fpu",
    ),
    "feature left out": (
        put("features", value=["fpu"]),
        "features lacks dsp, which every cortex-m4 has",
    ),
    "repeated alias": (put("aliases", value=["a", "a"]), "aliases[1] repeats 'a'"),
    "aliases as text": (
        put("aliases", value="l4"),
        "aliases must be an array of strings, not a string",
    ),
    "unknown key": (
        put("memory", 1, "byts", value=4),
        "memory[1].byts is not a known key; did you mean 'bytes'? allowed here: bytes, holds, "
        "kind, name, origin, source",
    ),
    "figure as number": (put("clock_hz", value=3), "clock_hz must be a table, not an integer"),
    "text for number": (
        put("clock_hz", "value", value="fast"),
        "clock_hz.value must be a number, not a string",
    ),
    "boolean for number": (
        put("clock_hz", "value", value=True),
        "clock_hz.value must be a number, not a boolean",
    ),
    "not a number": (
        put("clock_hz", "value", value=float("nan")),
        "clock_hz.value must be from 1000 to 1e+10",
    ),
    "enormous": (
        put("clock_hz", "value", value=10**400),
        "clock_hz.value must be from 1000 to 1e+10",
    ),
    "unknown basis": (
        put("clock_hz", "basis", value="guessed"),
        "clock_hz.basis is 'guessed'; allowed: measured, published, estimated",
    ),
    "value out of its range": (
        put("timing", "cycles_per_instruction", "low", value=1.6),
        "timing.cycles_per_instruction must have low <= value <= high, not 1.6, 1.52, 1.72",
    ),
    "date for number": (
        put("clock_hz", "value", value=datetime.date(2020, 1, 1)),
        "clock_hz.value must be a number, not a date",
    ),
    "memory as table": (
        put("memory", value={}),
        "memory must be an array of tables, not a table",
    ),
    "memory of numbers": (put("memory", 0, value=7), "memory[0] must be a table, not an integer"),
    "no bytes": (
        put("memory", 0, "bytes", value=0),
        "memory[0].bytes must be from 1 to 4,294,967,296",
    ),
    "fractional bytes": (
        put("memory", 0, "bytes", value=1.5),
        "memory[0].bytes must be an integer, not a number",
    ),
    "past the address space": (
        put("memory", 0, "origin", value=0xFFFF_FFFF),
        "memory[0].bytes goes past the end of the 32-bit address space",
    ),
    "overlap": (
        put("memory", 0, "origin", value=0x0800_0000),
        "memory[1] overlaps 'sram'",
    ),
    "same name twice": (put("memory", 1, "name", value="sram"), "memory[1].name repeats 'sram'"),
    "data in flash": (
        put("memory", 1, "holds", value=["data"]),
        "memory[1].holds has 'data', which flash cannot hold",
    ),
    "holds nothing": (
        put("memory", 1, "holds", value=[]),
        "memory[1].holds must name at least one of: code, constants, data",
    ),
    "nowhere for code": (
        put("memory", 1, "holds", value=["constants"]),
        "memory has no region that holds code",
    ),
    "no memory": (drop("memory"), "memory has no region that holds code"),
    "odd cache line": (
        put("timing", "fitted", "data_cache", "line_bytes", value=24),
        "timing.fitted.data_cache.line_bytes must be a power of two",
    ),
    "mean above largest error": (
        put("timing", "fitted", "mean_error", "value", value=0.5),
        "timing.fitted.mean_error must not be above max_error",
    ),
    "same supply twice": (put("power", 1, "name", value="1v8"), "power[1].name repeats '1v8'"),
    "power and current": (
        put(
            "power",
            0,
            "active_current_ma",
            value={"value": 20, "basis": "measured", "source": "me"},
        ),
        "power[0].active_power_mw and a current are both given; state what the source states",
    ),
    "sleep without its state": (
        put("power", 0, "sleep_power_uw", value={"value": 2, "basis": "measured", "source": "me"}),
        "power[0].sleep_state is missing; a sleep figure means little without it",
    ),
}


@pytest.mark.parametrize(("change", "message"), CASES.values(), ids=CASES)
def test_message(change: Callable[[dict[str, Any]], None], message: str) -> None:
    content = copy.deepcopy(CONTENT)
    parse_target(content, "x.toml")
    change(content)
    with pytest.raises(TargetError) as caught:
        parse_target(content, "x.toml")
    assert str(caught.value) == f"x.toml: {message}"


def _paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    found = [path] if path else []
    for key, inner in items:
        found += _paths(inner, (*path, key))
    return found


toml_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=20)
    | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)


def _is_target_or_refused(read: Callable[[], Target]) -> None:
    try:
        target = read()
    except TargetError:
        return
    assert target.sram_bytes > 0
    assert target.flash_bytes > 0


@given(path=st.sampled_from(_paths(CONTENT)), value=toml_values)
@settings(max_examples=400)
def test_any_value_anywhere(path: tuple[str | int, ...], value: object) -> None:
    content = copy.deepcopy(CONTENT)
    put(*path, value=value)(content)
    _is_target_or_refused(lambda: parse_target(content, "x.toml"))


@given(path=st.sampled_from(_paths(CONTENT)))
@settings(max_examples=200)
def test_anything_missing(path: tuple[str | int, ...]) -> None:
    content = copy.deepcopy(CONTENT)
    drop(*path)(content)
    _is_target_or_refused(lambda: parse_target(content, "x.toml"))


@given(
    raw=st.sampled_from([L4R5, NANO]),
    edits=st.lists(st.tuples(st.floats(0, 0.999), st.binary(max_size=3)), min_size=1, max_size=4),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_in_the_file(
    tmp_path: Path, raw: bytes, edits: list[tuple[float, bytes]]
) -> None:
    for place, replacement in edits:
        start = int(place * len(raw))
        raw = raw[:start] + replacement + raw[start + 1 :]
    path = tmp_path / "x.toml"
    path.write_bytes(raw)
    _is_target_or_refused(lambda: load_target(path))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "core is missing"),
        (b"name = ", "is not valid TOML: "),
        (b"\xff\xfe", "is not valid TOML: "),
        (b"a = " + b"[" * 100_000, "tables or arrays are nested too deeply"),
        (b"a = " + b"9" * 5_000, "is not valid TOML: "),
        (b"#" * 1_000_001, "is larger than 1,000,000 bytes; not a target file"),
    ],
    ids=["empty", "cut off", "not text", "nested", "long number", "large"],
)
def test_not_a_target_file(tmp_path: Path, raw: bytes, message: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(raw)
    with pytest.raises(TargetError) as caught:
        load_target(path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize("name", ["absent.toml", "folder.toml", "nul\0.toml"])
def test_no_such_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(TargetError, match=r"cannot be read: \w"):
        load_target(tmp_path / name)
