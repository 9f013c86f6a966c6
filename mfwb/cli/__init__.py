"""The command line: nothing here imports more than click before a command runs."""

from __future__ import annotations

from mfwb.cli.early_signals import end_at_once_by_signals
from mfwb.cli.memory import require_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command line and exit with its exit code.

    Args:
        arguments: given by a program that goes on afterwards; None: those of this process.
    """
    if arguments is None:
        end_at_once_by_signals()
    try:
        require_memory()
        from mfwb.cli.app import run  # noqa: PLC0415 - it takes half a second
    except MemoryError:
        raise SystemExit("mfwb: there is not enough memory") from None
    run(arguments)
