"""`wandb sync` of a folder, in a process of its own that does not outlive whoever started it.

    python child.py FOLDER HOW_MANY_AT_ONCE

It imports nothing of mfwb: `wandb sync` is to find wandb as it is anywhere else.

Who starts it keeps a pipe to its stdin open. When that one is gone, however it ended, the pipe is
closed, and nothing may be sent any more: the next push may already be on its way.
"""

from __future__ import annotations

import os
import sys
import threading

__all__ = ["main"]

_STDIN = 0


def main(folder: str, at_once: str) -> None:
    """Send all offline W&B runs of a folder; `wandb sync` has its own idea of exit codes."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from wandb.cli.cli import cli  # noqa: PLC0415 - it takes a second, in which all may be over

    cli.main(["sync", "--yes", "-n", at_once, folder], prog_name="wandb")


def _end_with_parent() -> None:
    while os.read(_STDIN, 1):  # nothing ever comes
        pass
    os._exit(1)


if __name__ == "__main__":
    del sys.path[0]  # this folder, whose modules are not meant to be found by their bare names
    main(*sys.argv[1:])
