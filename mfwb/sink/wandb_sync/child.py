"""`wandb sync` of a folder, in a child process that ends together with its parent.

    python child.py FOLDER PARALLEL_RUNS COUNTER

It imports nothing of mfwb, so that `wandb sync` uses an unaltered wandb.

The parent keeps a pipe to the child's stdin open. When the parent ends, for whatever reason, the
pipe is closed and the child must not send anything any more: the next push may have started.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["main"]

_STDIN = 0


def main(folder: str, parallel_runs: str, counter: str) -> None:
    """Send all offline W&B runs of a folder; the exit code is that of `wandb sync`.

    Args:
        folder: has a folder for each W&B run.
        parallel_runs: how many are sent at once.
        counter: a file that gets the bytes of uploads in progress: those sent, and all of them.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from wandb.cli.cli import cli  # noqa: PLC0415 - slow: a second, in which the parent may end

    with suppress(ImportError, AttributeError):  # another wandb; then nothing is counted
        _count_uploads(Path(counter))
    cli.main(["sync", "--yes", "-n", parallel_runs, folder], prog_name="wandb")


def _count_uploads(counter: Path) -> None:
    """Write the bytes of uploads in progress to a file whenever `wandb sync` shows them.

    It shows them in text, as in "39.9MB/190.7MB" (units are powers of 1024), which is all that
    wandb-core tells a sync; what is not shown, as output is no terminal, is lost otherwise.
    """
    from wandb.sdk.lib.progress import ProgressPrinter  # noqa: PLC0415 - as above

    show = ProgressPrinter.update

    def show_and_count(self: ProgressPrinter, stats: Any) -> None:
        with suppress(Exception):  # a count is not worth a failure
            sent, total = _add_up(stats if isinstance(stats, list) else [stats])
            following = counter.with_suffix(".new")
            following.write_text(f"{sent} {total}", encoding="ascii")
            following.replace(counter)
        show(self, stats)

    setattr(ProgressPrinter, "update", show_and_count)  # noqa: B010 - mypy takes no assignment


def _add_up(groups: list[Any]) -> tuple[int, int]:
    """Return the bytes of all uploads in progress: those sent, and all of them."""
    sent = total = 0
    for group in groups:
        for operation in group.operations:
            for part in (operation, *operation.subtasks):
                if match := _BYTES.fullmatch(part.progress):
                    sent += _bytes(match[1], match[2])
                    total += _bytes(match[3], match[4])
    return sent, total


_BYTES = re.compile(r"([\d.]+)([KMGTP]?B)/([\d.]+)([KMGTP]?B)")


def _bytes(number: str, unit: str) -> int:
    return int(float(number) * 1024 ** ("B", "KB", "MB", "GB", "TB", "PB").index(unit))


def _end_with_parent() -> None:
    while os.read(_STDIN, 1):  # nothing is ever written to it
        pass
    os._exit(1)


if __name__ == "__main__":
    del sys.path[0]  # this folder, whose modules must not be imported by their bare names
    main(*sys.argv[1:])
