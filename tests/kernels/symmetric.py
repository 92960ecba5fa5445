# SPDX-License-Identifier: MIT
"""Sites whose weights lie in -127..127, as every symmetric quantiser makes them."""

from __future__ import annotations

import dataclasses

import numpy as np

from tests.cases.build import Case


def symmetric(case: Case) -> Case:
    """The case with weights of -128 made -127."""
    site, inputs = case
    weights = np.maximum(inputs[1], -127)
    constants = (None, weights, site.constants[2])
    return dataclasses.replace(site, constants=constants), [inputs[0], weights, inputs[2]]
