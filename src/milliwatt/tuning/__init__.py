# SPDX-License-Identifier: MIT
"""Kernel choice by measurement: every candidate of every layer, run on the emulated core."""
