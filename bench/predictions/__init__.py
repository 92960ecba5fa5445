# SPDX-License-Identifier: MIT
"""The predictor of kernel costs: what it is fitted to, the fit, and the page about its error."""
