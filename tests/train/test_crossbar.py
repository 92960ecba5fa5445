# SPDX-License-Identifier: MIT
"""The differentiable crossbar against the NumPy simulator: equal draws, equal values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'milliwatt[train]'")

from milliwatt.backend.aimc import crossbar as simulator  # noqa: E402
from milliwatt.backend.aimc import weights as cells  # noqa: E402
from milliwatt.backend.aimc.crossbar import ALL_ERRORS, NO_ERRORS, Error  # noqa: E402
from milliwatt.backend.aimc.load import load_machine  # noqa: E402
from milliwatt.train import crossbar  # noqa: E402

MACHINES = ("pcm-cluster", "reram-wan2022", "diana", "charge-sram-28nm")
DAY_S = 86_400.0


def numpy_normals(rng: np.random.Generator) -> crossbar.Normals:
    """The simulator's generator, as tensors."""
    return lambda shape: torch.from_numpy(rng.standard_normal(shape))


def drawn_digits(name: str, rows: int, columns: int, seed: int) -> np.ndarray:
    largest = cells.largest_digit(load_machine(name).cell_bits)
    rng = np.random.default_rng(seed)
    return rng.integers(-largest, largest, (rows, columns), endpoint=True).astype(np.float64)


@given(
    st.sampled_from(MACHINES),
    st.integers(0, 10**6),
    st.sets(st.sampled_from(sorted(ALL_ERRORS))),
    st.sampled_from([1.0, 3600.0, DAY_S]),
    st.integers(1, 40),
    st.integers(0, 60),
    st.sampled_from([None, 300.0]),
)
def test_equal_draws_give_equal_values(
    name: str,
    seed: int,
    chosen: set[Error],
    time_s: float,
    rows: int,
    first_row: int,
    full_scale: float | None,
) -> None:
    machine, errors = load_machine(name), frozenset(chosen)
    digits = drawn_digits(name, rows, 7, seed)
    vectors = np.random.default_rng([seed, 1]).integers(-255, 256, (5, rows)).astype(np.float64)
    rng = np.random.default_rng(seed)
    tile = simulator.program_tile(digits, machine, errors, first_row, rng)
    held = simulator.effective_digits(tile, machine, errors, time_s, rng)
    expected = simulator.multiply(vectors, held, machine, errors, 255.0, full_scale, rng)
    normals = numpy_normals(np.random.default_rng(seed))
    made = crossbar.effective_digits(
        torch.from_numpy(digits), machine, errors, time_s, first_row, normals
    )
    found = crossbar.multiply(
        torch.from_numpy(vectors), made, machine, errors, 255.0, full_scale, normals
    )
    np.testing.assert_allclose(made.numpy(), held, rtol=1e-9, atol=1e-12)
    # A sum at the middle between two steps may round to either.
    step = 0.0 if "adc" not in errors else np.abs(np.diff(np.unique(expected))).min(initial=0.0)
    assert np.mean(np.abs(found.numpy() - expected) > 1e-6 * (1 + np.abs(expected))) < 0.1
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=1e-6 + 1.01 * step)


@pytest.mark.parametrize("name", ["pcm-cluster", "reram-wan2022", "diana"])
def test_own_draws_have_the_simulators_mean_and_spread(name: str) -> None:
    machine, count = load_machine(name), 200_000
    largest = cells.largest_digit(machine.cell_bits)
    errors: frozenset[Error] = frozenset({"programming", "drift", "read"})
    for digit in (largest / 2, float(largest)):
        digits = np.full((count, 1), digit)
        rng = np.random.default_rng(1)
        tile = simulator.program_tile(digits, machine, errors, 0, rng)
        expected = simulator.effective_digits(tile, machine, errors, DAY_S, rng)
        found = crossbar.effective_digits(
            torch.from_numpy(digits),
            machine,
            errors,
            DAY_S,
            0,
            crossbar.seeded_normals(2, torch.float64),
        ).numpy()
        assert found.mean() == pytest.approx(expected.mean(), abs=5 * expected.std() / count**0.5)
        assert found.std() == pytest.approx(expected.std(), rel=0.01)


@given(st.integers(1, 8), st.sampled_from(["sliced", "rounded", "continuous"]))
def test_cells_hold_what_the_simulators_hold(cell_bits: int, how: str) -> None:
    codes = np.arange(-127, 128)
    slices = -(-8 // cell_bits) if how == "sliced" else 1
    expected, factors = cells.stored(codes, how, 8, cell_bits, slices)  # type: ignore[arg-type]
    made, same = crossbar.stored(torch.from_numpy(codes * 1.0), how, 8, cell_bits, slices)  # type: ignore[arg-type]
    assert np.array_equal(made.numpy(), expected)
    assert same == list(factors)


def gradients(errors: frozenset[Error], full_scale: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the sum of all outputs by weight codes [2, 3] and inputs [1, 2]."""
    machine = load_machine("pcm-cluster")
    codes = torch.tensor([[5.0, -90.0, 0.0], [127.0, -3.0, 64.0]], requires_grad=True)
    x = torch.tensor([[10.0, 21.0]], requires_grad=True)
    held, factors = crossbar.stored(codes, "sliced", 8, machine.cell_bits, 2)
    normals = crossbar.seeded_normals(0)
    made = crossbar.effective_digits(held.reshape(2, -1), machine, errors, 1.0, 0, normals)
    read = crossbar.multiply(x, made, machine, errors, 255.0, full_scale, normals)
    (read.reshape(1, 3, 2) @ torch.tensor(factors)).sum().backward()
    assert codes.grad is not None
    assert x.grad is not None
    return codes.grad.numpy(), x.grad.numpy()


def test_gradients_pass_rounding_as_if_there_were_none() -> None:
    by_codes, by_x = gradients(frozenset({"adc", "dac"}), None)
    assert by_codes == pytest.approx(np.array([[10.0] * 3, [21.0] * 3]))
    assert by_x == pytest.approx(np.array([[5.0 - 90.0, 127.0 - 3.0 + 64.0]]))


def test_gradients_stop_where_the_converter_clips() -> None:
    by_codes, by_x = gradients(frozenset({"adc"}), 1e-3)
    assert not by_codes.any()
    assert not by_x.any()


def test_gradients_survive_every_error() -> None:
    by_codes, by_x = gradients(ALL_ERRORS, None)
    assert np.isfinite(by_codes).all()
    assert np.isfinite(by_x).all()
    assert np.abs(by_codes).max() > 0


def test_without_errors_weights_come_back() -> None:
    digits = drawn_digits("pcm-cluster", 9, 4, 0)
    made = crossbar.effective_digits(
        torch.from_numpy(digits),
        load_machine("pcm-cluster"),
        NO_ERRORS,
        DAY_S,
        0,
        crossbar.seeded_normals(0, torch.float64),
    )
    np.testing.assert_allclose(made.numpy(), digits, atol=1e-12)
