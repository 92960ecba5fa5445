# SPDX-License-Identifier: MIT
"""A placement in words and as values for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from milliwatt.backend.api import Cost, CostRow
from milliwatt.backend.dimc.cycles import Mapping
from milliwatt.backend.dimc.energy import tops_per_watt
from milliwatt.backend.dimc.features import plan_features
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.placed import PlacedLayer, Placement
from milliwatt.backend.dimc.traffic import layer_traffic
from milliwatt.units import ceil_div


def describe_merge(machine: Machine, mapping: Mapping) -> str:
    """Where the partial sums of a cluster's tiles go."""
    if mapping.chains == 1:
        if mapping.parallel in machine.pack_mux_tiles:
            return f"{mapping.parallel} parallel tiles, outputs packed by the PACK MUX"
        return "no chain: each tile's sums are outputs"
    end = f"partial sums pass along {mapping.chains} tiles, the last gives the output"
    if mapping.parallel == 1:
        return end
    mux = "OUT MUX" if mapping.chain_length in machine.out_mux_lengths else "outputs"
    return f"{end}; {mux} of {mapping.parallel} chains interleaved"


def describe_slicing(machine: Machine, item: PlacedLayer) -> tuple[str, ...]:
    """How the layer is cut: by kernels, depth, stripes, bits, rounds, clusters and memory."""
    layer, mapping = item.layer, item.mapping
    weights = machine.weight_slices(layer.weight_bits)
    passes = machine.activation_slices(layer.activation_bits)
    per_round = ceil_div(layer.kernels, mapping.rounds)
    lines = [
        (
            mapping.stripes > 1,
            f"striping: rows in {mapping.stripes} stripes, kernels copied",
        ),
        (mapping.chains > 1, f"depth-wise: each kernel over {mapping.chains} chained tiles"),
        (
            mapping.chain_length > mapping.chains,
            f"the chain takes {mapping.chain_length} tiles, the next length offered",
        ),
        (mapping.parallel > 1, f"kernel-wise: kernels over {mapping.parallel} parallel groups"),
        (mapping.pack > 1, f"sub-tensors: {mapping.pack} kernels in a row"),
        (mapping.rounds > 1, f"{mapping.rounds} rounds of up to {per_round} kernels"),
        (
            mapping.clusters_used > 1,
            f"{mapping.clusters_used} clusters, each other rounds"
            if mapping.shares == 1
            else f"{mapping.clusters_used} clusters: rounds ({mapping.rounds}) x shares of the map "
            f"({mapping.shares}), kernels broadcast to the shares",
        ),
        (len(weights) > 1, f"weights in {len(weights)} slices of {weights[0]} bits, a row each"),
        (len(passes) > 1, f"activations in {len(passes)} passes of {passes[0]} bits"),
        (layer.zero_rows > 0, f"{layer.zero_rows} rows of zeros left out"),
        (layer.inserted_hw != (1, 1), "transposed: zeros inserted between the rows and columns"),
        (
            layer.repeats > 1,
            f"{layer.repeats} steps one after another"
            + (", kernels loaded in each" if mapping.waves > 1 else ""),
        ),
        (
            layer.stride_hw != (1, 1),
            f"striding: an output for every {layer.stride_hw[0]} x {layer.stride_hw[1]} inputs",
        ),
        (
            item.pieces > 1,
            f"input in {item.pieces} pieces, kernels loaded for each: it does not fit the memory",
        ),
        (layer.groups > 1, f"{layer.groups} groups: a row meets its own channels only"),
    ]
    return tuple(text for applies, text in lines if applies)


def placement_json(placement: Placement, cost: Cost) -> dict[str, Any]:
    """Everything `milliwatt map` shows, as values that `json.dumps` takes."""
    seconds = cost.seconds
    return {
        "network": placement.network,
        "machine": cost.machine,
        "mode": placement.mode,
        "objective": placement.objective,
        "weights": placement.weights,
        "clusters": placement.clusters,
        "clock_hz": cost.clock_hz,
        "macs": cost.macs,
        "cycles": cost.cycles,
        "seconds": seconds,
        "inferences_per_second": 1 / seconds,
        "energy_pj": cost.energy_pj,
        "energy_by_component_pj": cost.energy_by_component_pj,
        "tops_per_watt_1_op_a_mac": tops_per_watt(cost.macs, cost.energy_pj, 1),
        "tops_per_watt_2_ops_a_mac": tops_per_watt(cost.macs, cost.energy_pj, 2),
        "basis": cost.basis,
        "source": cost.source,
        "error": cost.error,
        "feature_groups": _features_json(placement),
        "layers": [
            _layer_json(placement, item, row)
            for item, row in zip(placement.layers, cost.rows, strict=False)
        ],
        "host": [
            {
                "node": work.node,
                "macs": work.macs,
                "elements": work.elements,
                "cycles": row.cycles,
                "energy_by_component_pj": dict(row.energy_by_component_pj),
            }
            for work, row in zip(placement.host, cost.rows[len(placement.layers) :], strict=True)
        ],
    }


def _features_json(placement: Placement) -> list[dict[str, Any]] | None:
    """The groups of fused steps; None where the machine's feature memory is not known."""
    if placement.machine.feature_memory_bytes is None:
        return None
    return [
        {
            "steps": list(group.steps),
            "need_bytes": group.need_bytes,
            "read_bytes": group.read_bytes,
            "written_bytes": group.written_bytes,
        }
        for group in plan_features(placement)
    ]


def _layer_json(placement: Placement, item: PlacedLayer, row: CostRow) -> dict[str, Any]:
    machine, layer, mapping = placement.machine, item.layer, item.mapping
    return {
        "name": layer.name,
        "kernels": layer.kernels,
        "kernel_elements": layer.kernel_elements,
        "kernel_bits": layer.kernel_bits,
        "groups": layer.groups,
        "weight_bits": layer.weight_bits,
        "activation_bits": layer.activation_bits,
        "macs": layer.macs,
        "stripes": mapping.stripes,
        "chains": mapping.chains,
        "chain_length": mapping.chain_length,
        "parallel": mapping.parallel,
        "kernels_a_row": mapping.pack,
        "rounds": mapping.rounds,
        "shares": mapping.shares,
        "clusters_used": mapping.clusters_used,
        "utilisation": item.utilisation,
        "row_fill": item.row_fill,
        "compute_cycles": float(item.cycles.compute),
        "load_cycles": float(item.cycles.load),
        "cycles": row.cycles,
        "energy_by_component_pj": dict(row.energy_by_component_pj),
        "bytes_moved": row.bytes_moved,
        "traffic_bits": asdict(layer_traffic(placement, item)),
        "zero_rows_left_out": layer.zero_rows,
        "lane_utilisation": row.utilisation,
        "slicing": list(describe_slicing(machine, item)),
        "merge": describe_merge(machine, mapping),
    }
