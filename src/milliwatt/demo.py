# SPDX-License-Identifier: MIT
"""The whole road on real data: train, quantise, compile, run every test image on the core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from milliwatt.backend.mcu.compile import Compiled, compile_graph
from milliwatt.backend.mcu.emit.project import MANIFEST
from milliwatt.frontend.torch import import_torch
from milliwatt.hardware import load_target
from milliwatt.ir.types import Array, TensorType
from milliwatt.output import check_folder, write_folder
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.quant.calibrate import quantize_graph
from milliwatt.report.compilation import CompileReport, compile_report
from milliwatt.report.pictures import memory_picture
from milliwatt.run.verify import build_compiled, choose_emulator, verify_compiled
from milliwatt.train.digits import Digits, classify, load_digits, train_network

CALIBRATION_SAMPLES = 100
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Accuracies over the test images, and what the compiled network takes and costs."""

    test_images: int
    float_accuracy: float
    int8_accuracy: float
    core_accuracy: float
    report: CompileReport
    folder: Path


def run_demo(folder: Path, target_name: str, say: Say) -> DemoResult:
    """Leave the generated C and a picture of memory over time in `folder`.

    Raises VerifyError if any output byte of any test image on the core differs from the integer
    reference.
    """
    import torch

    check_folder(folder, MANIFEST)
    board = load_target(target_name)
    digits = load_digits()
    say(f"1/5 train: {len(digits.train_labels)} handwritten digits, 8x8 pixels")
    network = train_network(digits, progress=_epoch_printer(say))
    float_classes = classify(network, digits.test_images)
    say(f"2/5 import through torch.export and quantise on {CALIBRATION_SAMPLES} images")
    graph = run_pipeline(import_torch(network, (torch.zeros(1, 1, 8, 8),), "digits"))
    samples = [(image[np.newaxis].transpose(0, 2, 3, 1),) for image in digits.train_images]
    quantised = quantize_graph(graph, samples[:CALIBRATION_SAMPLES], "minmax")
    say(f"3/5 compile for {board.title}")
    compiled = compile_graph(quantised, board, "digits")
    firmware = build_compiled(compiled)
    engine = choose_emulator(board.core, "auto")
    say(f"4/5 run all {len(digits.test_labels)} test images on an emulated {board.core} ({engine})")
    tests = [(_codes(image, quantised.types[quantised.inputs[0]]),) for image in digits.test_images]
    done = verify_compiled(compiled, firmware, tests, emulator=engine)
    outputs = [np.frombuffer(row[0], np.int8) for row in done.measurement.outputs]
    report = compile_report(compiled, done, tests)
    say(f"5/5 write the C project and a picture of memory over time to {folder}")
    _write(folder, compiled)
    python_classes = _reference_classes(compiled, tests)
    core_classes = np.array([int(np.argmax(o)) for o in outputs])
    return DemoResult(
        test_images=len(tests),
        float_accuracy=_accuracy(float_classes, digits),
        int8_accuracy=_accuracy(python_classes, digits),
        core_accuracy=_accuracy(core_classes, digits),
        report=report,
        folder=folder,
    )


def _epoch_printer(say: Say) -> Callable[[int, int, float], None]:
    def progress(epoch: int, epochs: int, loss: float) -> None:
        if epoch % 5 == 0 or epoch == epochs:
            say(f"    epoch {epoch:2} of {epochs}: loss {loss:.4f}")

    return progress


def _codes(image: Array, kind: TensorType) -> Array:
    """One image [1,8,8] in the network's int8 input codes, NHWC."""
    real = image[np.newaxis].transpose(0, 2, 3, 1)
    codes = np.round(real / kind.scale) + kind.zero_point
    return np.clip(codes, -128, 127).astype(np.int8)


def _reference_classes(compiled: Compiled, samples: list[tuple[Array]]) -> Array:
    from milliwatt.run.verify import reference_outputs

    return np.array([int(np.argmax(o[0])) for o in reference_outputs(compiled.source, samples)])


def _accuracy(classes: Array, digits: Digits) -> float:
    return float(np.mean(classes == digits.test_labels))


def _write(folder: Path, compiled: Compiled) -> None:
    picture = memory_picture(compiled.plan, ".png")
    write_folder(folder, {**compiled.files, "memory.png": picture}, MANIFEST)
