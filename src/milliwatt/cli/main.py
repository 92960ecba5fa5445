# SPDX-License-Identifier: MIT
"""The command's entry, which imports nothing before Ctrl-C is caught."""

from __future__ import annotations

import signal
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code is 0, or 2 for whatever the user can mend."""
    try:
        from milliwatt.cli.verbs import run

        code = run(arguments)
    except KeyboardInterrupt:
        print("error: interrupted; no output is half-written", file=sys.stderr)
        return 2
    if arguments is None:
        # The work is done: Ctrl-C while Python takes its modules down would deny that.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


if __name__ == "__main__":
    sys.exit(main())
