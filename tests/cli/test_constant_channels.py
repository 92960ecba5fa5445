# SPDX-License-Identifier: MIT
"""`milliwatt compile` says what the channels that never change save."""

from __future__ import annotations

from pathlib import Path

import pytest

from milliwatt.cli.main import main
from tests.support import shared_file

SAYS = "channels that never change are left out: "


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            "vww_mobilenetv1_025_96_int8",
            f"{SAYS}3,766,476 of 7,489,664 multiply-accumulates remain (49.7% less)",
        ),
        ("kws_dscnn_int8", None),
    ],
)
def test_it_is_said(
    model: str, said: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(shared_file("models", "mlperf_tiny", f"{model}.tflite"))
    folder = str(tmp_path / "net")
    assert main(["compile", path, "--target", "nucleo-l4r5zi", "-o", folder]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(SAYS)]
    assert lines == ([] if said is None else [said])
