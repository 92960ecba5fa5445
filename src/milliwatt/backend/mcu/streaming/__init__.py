# SPDX-License-Identifier: MIT
"""Chains of layers computed a few rows at a time, so that no whole feature map exists.

`docs/streaming.md` explains the row formulas. `make_stream` builds one Stream, `choose_streams`
picks those that make a network fit, `check_streams` proves them right without their code.
"""
