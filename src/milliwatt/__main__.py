# SPDX-License-Identifier: MIT
"""`python -m milliwatt`."""

import sys

from milliwatt.cli.main import main

sys.exit(main())
