"""`wandb sync` of a folder, in a child process that ends together with its parent.

    python child.py FOLDER PARALLEL_RUNS

It imports nothing of mfwb, so that `wandb sync` uses an unaltered wandb.

The parent keeps a pipe to the child's stdin open. When the parent ends, for whatever reason, the
pipe is closed and the child must not send anything any more: the next push may have started.
"""

from __future__ import annotations

import os
import sys
import threading

__all__ = ["main"]

_STDIN = 0


def main(folder: str, parallel_runs: str) -> None:
    """Send all offline W&B runs of a folder; the exit code is that of `wandb sync`."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from wandb.cli.cli import cli  # noqa: PLC0415 - slow: a second, in which the parent may end

    cli.main(["sync", "--yes", "-n", parallel_runs, folder], prog_name="wandb")


def _end_with_parent() -> None:
    while os.read(_STDIN, 1):  # nothing is ever written to it
        pass
    os._exit(1)


if __name__ == "__main__":
    del sys.path[0]  # this folder, whose modules must not be imported by their bare names
    main(*sys.argv[1:])
