# SPDX-License-Identifier: MIT
"""What the lossless code saves of published networks' weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.rows import read_rows
from milliwatt.backend.mcu.choice.select import select_kernel, site_of
from milliwatt.backend.mcu.kernel import Core, Lowered, Site
from milliwatt.backend.mcu.lowering.dsp import coded
from milliwatt.backend.mcu.values.views import is_view
from milliwatt.frontend.load import load_model
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.passes.remove_constant_channels import remove_constant_channels

TABLE = Path(__file__).with_name("coded_networks.csv")
NETWORKS = (
    "mlperf_tiny/ad01_int8",
    "mit/mnist_lenet300_int8",
    "mit/mcunet-320kb-1mb_imagenet_int8",
    "mlperf_tiny/ic_resnet_large_int8",
    "mlperf_tiny/ic_resnet8_int8",
    "micronets/micronet_kws_m_int8",
    "mlperf_tiny/sww_int8",
    "mlperf_tiny/kws_dscnn_int8",
    "mlperf_tiny/vww_mobilenetv1_025_96_int8",
    "micronets/micronet_ad_l_int8",
)
_CORE = Core(dsp=True)


@dataclass(frozen=True)
class CodedNetwork:
    """Bytes of a network's weights and biases, plain and with the code where it is shorter."""

    network: str
    plain_bytes: int
    coded_bytes: int
    layers: int
    coded_layers: int


def measure_networks(models: Path) -> list[CodedNetwork]:
    """Every network's figures; they need no emulator."""
    return [_network(models / f"{name}.tflite") for name in NETWORKS]


def _network(file: Path) -> CodedNetwork:
    graph = remove_constant_channels(run_pipeline(load_model(file)))
    sites = [site_of(graph, node) for node in graph.nodes if not is_view(graph, node)]
    pairs = [pair for site in sites for pair in [_bytes(site)] if pair[0]]
    return CodedNetwork(
        network=file.stem,
        plain_bytes=sum(plain for plain, _ in pairs),
        coded_bytes=sum(short for _, short in pairs),
        layers=len(pairs),
        coded_layers=sum(short < plain for plain, short in pairs),
    )


def _bytes(site: Site) -> tuple[int, int]:
    """Bytes of the table of weights, plain and in the shorter form; 0 where there is none."""
    plain = _weights(select_kernel("layer", site, _CORE).lower(site))
    able = [k.lower(site) for k in coded.KERNELS if k.supports(site, _CORE)]
    return plain, min([plain, *(_weights(lowered) for lowered in able)])


def _weights(lowered: Lowered) -> int:
    return sum(int(table.data.nbytes) for table in lowered.tables if table.name == "weights")


def load_networks() -> list[CodedNetwork]:
    """The committed rows."""
    return read_rows(TABLE, CodedNetwork)
