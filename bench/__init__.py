# SPDX-License-Identifier: MIT
"""The benchmark: what networks cost on emulated cores, beside what others need.

`python -m bench` measures and writes bench/results and bench/README.md; `python -m bench --check`
measures the headline networks and fails where one became worse than the committed table.
"""
