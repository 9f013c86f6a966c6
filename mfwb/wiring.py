"""The only place that joins the parts. SDKs are imported here, late, by the parts themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mfwb.config import Settings
from mfwb.crash_log import BugLogs
from mfwb.errors import UsageError
from mfwb.files.tempdirs import scratch
from mfwb.ledger import SqliteLedger, ledger_path
from mfwb.payload import PayloadBuilder
from mfwb.pipeline import Parts
from mfwb.ports import Ledger, Payloads, Progress, Pusher, Source
from mfwb.sink import open_sink
from mfwb.source import open_source

__all__ = ["wire", "wire_push", "wire_source"]


@contextmanager
def wire(settings: Settings, progress: Progress, *, may_ask: bool) -> Iterator[Parts]:
    """Yield the parts for one call, and clean up behind them.

    Args:
        settings: of this call.
        progress: told what is going on.
        may_ask: whether W&B is asked for an entity that was not given.

    Raises:
        UsageError: for settings that Metaflow or W&B refuse.
        Unreachable: for a metadata service that does not answer.
    """
    with ExitStack() as stack:
        source = stack.enter_context(open_source(settings))
        memory = ledger_path(None).parent
        sink = stack.enter_context(open_sink(settings, memory=memory, may_ask=may_ask))
        ledger = stack.enter_context(SqliteLedger.open(ledger_path(sink.bundle)))
        folder = sink.bundle / "payloads" if sink.bundle else stack.enter_context(scratch())
        keep = sink.bundle is not None
        payloads = PayloadBuilder(folder, keep=keep, max_memory=settings.max_memory)
        stack.callback(payloads.close)
        yield Parts(source, payloads, sink, ledger, progress, BugLogs())


@contextmanager
def wire_push(settings: Settings, bundle: Path) -> Iterator[tuple[Ledger, Pusher]]:
    """Yield a bundle's ledger and the way to W&B; Metaflow has no part in it.

    Raises:
        UsageError: if there is no bundle, or for settings that W&B refuses.
    """
    from mfwb.sink.push import open_pusher  # noqa: PLC0415 - it brings wandb

    path = ledger_path(bundle)
    if not path.is_file():
        raise UsageError(f"there is no bundle in {bundle}; `mfwb sync --mode offline` makes one")
    with SqliteLedger.open(path) as ledger, open_pusher(settings, bundle) as pusher:
        yield ledger, pusher


@contextmanager
def wire_source(settings: Settings) -> Iterator[tuple[Source, Payloads]]:
    """Yield what it takes to look at flow runs; W&B has no part in it.

    Raises:
        UsageError: for settings that Metaflow refuses.
        Unreachable: for a metadata service that does not answer.
    """
    with ExitStack() as stack:
        source = stack.enter_context(open_source(settings))
        folder = stack.enter_context(scratch())
        payloads = PayloadBuilder(folder, keep=False, max_memory=settings.max_memory)
        stack.callback(payloads.close)
        yield source, payloads
