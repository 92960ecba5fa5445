# SPDX-License-Identifier: MIT
"""Training on crossbars: layers equal the simulator's, and a network learns to bear the noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'milliwatt[train]'")

from torch import nn  # noqa: E402

from milliwatt.backend.aimc.crossbar import ALL_ERRORS, NO_ERRORS  # noqa: E402
from milliwatt.backend.aimc.load import load_machine  # noqa: E402
from milliwatt.backend.aimc.place import Options, place  # noqa: E402
from milliwatt.backend.aimc.simulate import age_chip, calibrate_chip, program_chip, run_chip  # noqa: E402
from milliwatt.backend.aimc.study import accuracy_over_time  # noqa: E402
from milliwatt.errors import OptionError  # noqa: E402
from milliwatt.frontend.torch import import_torch  # noqa: E402
from milliwatt.ir.graph import Graph  # noqa: E402
from milliwatt.ir.types import Array  # noqa: E402
from milliwatt.passes.pipeline import run_pipeline  # noqa: E402
from milliwatt.quant.calibrate import quantize_graph  # noqa: E402
from milliwatt.train.analogue import Chips, OnCrossbars, on_crossbars  # noqa: E402
from milliwatt.train.digits import load_digits, train_network  # noqa: E402

PCM = "pcm-cluster"
ON_ARRAYS = Options(pinned=(("conv", "arrays"), ("pointwise", "arrays"), ("dense", "arrays")))


def images(count: int, side: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn((count, 3, side, side), generator=generator)


def convolution() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 5, 3, 2, 1), nn.ReLU()).eval()


def quantised(network: nn.Module, x: torch.Tensor) -> Graph:
    graph = run_pipeline(import_torch(network.eval(), (x[:1],), "n"))
    return quantize_graph(graph, [(s[None],) for s in x.permute(0, 2, 3, 1).numpy()], "minmax")


def codes(graph: Graph, x: torch.Tensor) -> Array:
    kind = graph.types[graph.inputs[0]]
    real = x.permute(0, 2, 3, 1).numpy()[:, None]
    return np.clip(np.rint(real / kind.scale) + kind.zero_point, -128, 127).astype(np.int8)


@pytest.mark.parametrize("layer", [nn.Linear(700, 40), nn.Conv2d(2, 3, (3, 2), (2, 1), (1, 0))])
def test_evaluation_is_the_layer_with_8_bits(layer: nn.Linear | nn.Conv2d) -> None:
    made = on_crossbars(layer, Chips(load_machine(PCM)))
    assert isinstance(made, OnCrossbars)
    shape = (4, 700) if isinstance(layer, nn.Linear) else (4, 2, 9, 8)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    made.train()(x)
    with torch.no_grad():
        exact, found = layer(x), made.eval()(x)
    assert found.shape == exact.shape
    assert torch.abs(found - exact).max() < 0.05 * exact.abs().max()
    # Weights too many for one array are cut into blocks, which must not change the sums.
    noiseless = on_crossbars(layer, Chips(load_machine(PCM), errors=NO_ERRORS)).train()
    with torch.no_grad():
        noiseless(x)
        assert torch.allclose(noiseless(x), found, atol=1e-4)


def test_a_layer_errs_as_on_the_simulated_chip() -> None:
    """Mean and standard deviation over chips, output by output, after a day."""
    network, x = convolution(), images(8)
    graph, day_s, chips = quantised(network, x), 86_400.0, 150
    machine = load_machine(PCM)
    placement = place(graph, machine, ON_ARRAYS)
    inputs = codes(graph, x)
    simulated = np.stack(
        [
            run_chip(
                age_chip(calibrate_chip(program_chip(placement, seed), [inputs]), day_s), [inputs]
            )[0]
            for seed in range(chips)
        ]
    )
    out = graph.types[graph.outputs[0]]
    expected = ((simulated.astype(float) - out.zero_point) * out.scale).reshape(chips, 8, 3, 3, 5)
    twin = on_crossbars(network, Chips(machine, day_s)).train()
    with torch.no_grad():
        found = np.stack([twin(x).permute(0, 2, 3, 1).numpy() for _ in range(chips)])
    inside = (expected.max(axis=0) < expected.max()) & (expected.min(axis=0) > 0)
    assert inside.sum() > 50
    spread = expected.std(axis=0)[inside]
    difference = (found.mean(axis=0) - expected.mean(axis=0))[inside]
    assert np.sqrt(np.mean(difference**2)) < 0.25 * spread.mean()
    assert found.std(axis=0)[inside].mean() == pytest.approx(spread.mean(), rel=0.1)


def test_training_the_copy_trains_the_network() -> None:
    network, x = convolution(), images(4)
    twin = on_crossbars(network, Chips(load_machine(PCM))).train()
    assert {id(p) for p in twin.parameters()} == {id(p) for p in network.parameters()}
    before = network[0].weight.detach().clone()
    optimiser = torch.optim.SGD(twin.parameters(), lr=0.1)
    twin(x).square().sum().backward()
    optimiser.step()
    assert not torch.equal(network[0].weight, before)
    assert isinstance(network[0], nn.Conv2d)


def test_grouped_convolutions_stay_digital_and_names_choose() -> None:
    network = nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 2, 1), nn.Conv2d(2, 2, 1))
    chips = Chips(load_machine(PCM))
    kinds = [type(m) for m in on_crossbars(network, chips)]  # type: ignore[arg-type]
    assert kinds == [nn.Conv2d, OnCrossbars, OnCrossbars]
    kinds = [type(m) for m in on_crossbars(network, chips, names=["2"])]  # type: ignore[arg-type]
    assert kinds == [nn.Conv2d, nn.Conv2d, OnCrossbars]
    with pytest.raises(OptionError, match=r"is called \['0'\]; there are: 1, 2"):
        on_crossbars(network, chips, names=["0"])


def digits_accuracy(network: nn.Module, seeds: int) -> tuple[float, float]:
    """Mean accuracy over simulated chips a day after programming, and without errors."""
    digits = load_digits()
    train = torch.from_numpy(digits.train_images)
    graph = quantised(network, train[:100])
    test = codes(graph, torch.from_numpy(digits.test_images))
    placement = place(graph, load_machine(PCM), ON_ARRAYS)
    calibration = [codes(graph, train[:50])]
    found = [
        accuracy_over_time(
            placement,
            [test],
            digits.test_labels,
            seeds=range(seeds),
            times_s=[86_400.0],
            errors=errors,
            calibration=calibration,
        )
        .times[0]
        .mean
        for errors in (ALL_ERRORS, NO_ERRORS)
    ]
    return found[0], found[1]


@pytest.mark.slow
def test_a_network_trained_with_the_noise_bears_it_better() -> None:
    pytest.importorskip("sklearn", reason="the digits ship with scikit-learn")
    digits = load_digits()
    network = train_network(digits)
    plain, exact = digits_accuracy(network, 5)
    chips = replace(Chips(load_machine(PCM)), time_s=86_400.0)
    train_network(digits, epochs=60, network=on_crossbars(network, chips))
    hardened, exact_after = digits_accuracy(network, 5)
    assert hardened > plain + 0.015
    assert exact_after > exact - 0.02
