"""Wiring: the one module that makes the parts and joins them. Each part imports its SDK lazily."""

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
from mfwb.sdk_versions import refuse_old_versions
from mfwb.sink import open_sink
from mfwb.source import open_source

__all__ = ["wire", "wire_push", "wire_source"]


@contextmanager
def wire(settings: Settings, progress: Progress, *, may_ask: bool) -> Iterator[Parts]:
    """Yield the parts for one call, and clean up after it.

    Args:
        settings: of this call.
        progress: is notified of the work.
        may_ask: whether a request may be sent to W&B for an entity that was not given.

    Raises:
        UsageError: for settings that Metaflow or W&B refuse.
        Unreachable: for a metadata service that does not answer.
    """
    refuse_old_versions()
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
    """Yield a bundle's ledger and a pusher to W&B; Metaflow is not used.

    Raises:
        UsageError: if there is no bundle, or for settings that W&B refuses.
    """
    refuse_old_versions()
    from mfwb.sink.push import open_pusher  # noqa: PLC0415 - it imports wandb

    path = ledger_path(bundle)
    if not path.is_file():
        raise UsageError(f"there is no bundle in {bundle}; `mfwb sync --mode offline` makes one")
    with SqliteLedger.open(path) as ledger, open_pusher(settings, bundle) as pusher:
        yield ledger, pusher


@contextmanager
def wire_source(settings: Settings) -> Iterator[tuple[Source, Payloads]]:
    """Yield what reads flow runs: a source and payloads; W&B is not used.

    Raises:
        UsageError: for settings that Metaflow refuses.
        Unreachable: for a metadata service that does not answer.
    """
    refuse_old_versions()
    with ExitStack() as stack:
        source = stack.enter_context(open_source(settings))
        folder = stack.enter_context(scratch())
        payloads = PayloadBuilder(folder, keep=False, max_memory=settings.max_memory)
        stack.callback(payloads.close)
        yield source, payloads
