"""The only place that joins the parts. SDKs are imported here, late, by the parts themselves."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mfwb.config import Settings
from mfwb.ledger import SqliteLedger, ledger_path
from mfwb.payload import Workshop
from mfwb.pipeline import Parts
from mfwb.ports import Progress
from mfwb.sink import open_sink
from mfwb.source import open_source

__all__ = ["wire"]


@contextmanager
def wire(settings: Settings, progress: Progress) -> Iterator[Parts]:
    """Yield the parts for one call, and clean up behind them.

    Raises:
        UsageError: for settings that Metaflow or W&B refuse.
        Unreachable: for a metadata service that does not answer.
    """
    with ExitStack() as stack:
        source = stack.enter_context(open_source(settings))
        sink = stack.enter_context(open_sink(settings))
        ledger = stack.enter_context(SqliteLedger.open(ledger_path(sink.bundle)))
        folder = sink.bundle / "payloads" if sink.bundle else _temporary_folder(stack)
        payloads = Workshop(folder, keep=sink.bundle is not None)
        stack.callback(payloads.close)
        yield Parts(source, payloads, sink, ledger, progress)


def _temporary_folder(stack: ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mfwb-")))
