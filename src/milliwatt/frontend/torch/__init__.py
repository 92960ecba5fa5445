# SPDX-License-Identifier: MIT
"""PyTorch modules to float graphs, through `torch.export`."""

from milliwatt.frontend.torch.importer import import_torch

__all__ = ["import_torch"]
