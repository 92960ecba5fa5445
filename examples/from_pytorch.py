# SPDX-License-Identifier: MIT
"""Train in PyTorch, quantise, compile for a board, and measure accuracy on the emulated core.

    python examples/from_pytorch.py [BOARD] [FOLDER]

Needs the extra `demo` (PyTorch, scikit-learn). `digits.mw` and `digits_images.npy` beside this
file are what it writes to FOLDER.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import milliwatt as mw


def make_network() -> nn.Sequential:
    """Two convolutions, a depthwise one between them, a dense layer: 10 classes."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8),
        nn.ReLU(),
        nn.Conv2d(8, 16, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, 10),
    )


def train(network: nn.Sequential, images: torch.Tensor, labels: torch.Tensor) -> None:
    """Fifteen epochs of Adam."""
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(15):
        for batch in torch.randperm(len(images)).split(64):
            loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def main(board: str, folder: Path) -> None:
    """Train, quantise, compile for `board`, measure accuracy, write all of it to `folder`."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # a network this small is slower with more
    data = load_digits()
    pixels = (data.images / 16).astype(np.float32)[:, None]  # NCHW
    parts = train_test_split(pixels, data.target, test_size=0.2, random_state=0)
    train_images, test_images, train_labels, test_labels = parts
    network = make_network()
    train(network, torch.from_numpy(train_images), torch.from_numpy(train_labels))

    # 1. PyTorch to a float graph. Images are NCHW there and NHWC from here on.
    graph = mw.run_pipeline(
        mw.import_torch(network.eval(), (torch.zeros(1, 1, 8, 8),), name="digits")
    )
    # 2. Float to int8, with ranges found on 100 training images.
    nhwc = train_images.transpose(0, 2, 3, 1)
    quantised = mw.quantize_graph(graph, [(image[None],) for image in nhwc[:100]])
    # 3. The test images in the network's input codes.
    kind = quantised.types[quantised.inputs[0]]
    codes = np.round(test_images.transpose(0, 2, 3, 1) / kind.scale) + kind.zero_point
    codes = np.clip(codes, -128, 127).astype(np.int8)
    samples = [(image[None],) for image in codes]
    # 4. C for the board; every output byte of every image compared on the emulated core.
    compiled = mw.compile_graph(quantised, mw.load_target(board))
    done = mw.verify_compiled(compiled, mw.build_compiled(compiled), samples)
    outputs = [np.frombuffer(row[0], np.int8) for row in done.measurement.outputs]
    accuracy = np.mean(np.stack(outputs).argmax(axis=1) == test_labels)
    print(f"int8 accuracy on the emulated core: {accuracy:.2%} of {done.samples} images")
    print(f"{max(done.measurement.instructions):,} instructions per inference")

    mw.write_folder(folder, compiled.files, marker="milliwatt.json")
    (folder / "digits.mw").write_text(mw.to_text(quantised), encoding="utf-8")
    stream = io.BytesIO()
    first_of_each = [int(np.flatnonzero(test_labels == digit)[0]) for digit in range(10)]
    np.save(stream, codes[first_of_each])
    (folder / "digits_images.npy").write_bytes(stream.getvalue())
    print(f"{folder}/ holds the C project, the network as text, and ten images")


if __name__ == "__main__":
    try:
        given, defaults = sys.argv[1:3], ["nucleo-l4r5zi", "out/from_pytorch"]
        board, folder = (*given, *defaults[len(given) :])
        main(board, Path(folder))
    except mw.MilliwattError as error:
        sys.exit(f"error: {error}")
