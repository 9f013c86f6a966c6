"""Wiring: the one module that makes the parts and joins them. Each part imports its SDK lazily."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mfwb.config import Settings
from mfwb.crash_log import BugLogs
from mfwb.destination import bundle_of, read_defaults
from mfwb.errors import UsageError, ends_the_call
from mfwb.files.tempdirs import scratch
from mfwb.ledger import SqliteLedger, ledger_path
from mfwb.payload import PayloadBuilder
from mfwb.pipeline import Parts
from mfwb.pipeline.selection import SelectedFlowRun, Selection, select_flow_runs
from mfwb.planning import PlannedRun
from mfwb.ports import Destination, Ledger, Payloads, Progress, Pusher, Sink, Source
from mfwb.sdk_versions import refuse_old_versions
from mfwb.sink import open_sink
from mfwb.snapshot import FlowRunState
from mfwb.source import open_source
from mfwb.units.subsets import Subset
from mfwb.verification_outcome import FlowRunVerification

if TYPE_CHECKING:
    from mfwb.verification.connection import RecordedProjects
    from mfwb.verification.flow_runs import ChosenFlowRun, Watched

__all__ = ["Verifier", "wire", "wire_push", "wire_sink", "wire_source", "wire_verification"]


@contextmanager
def wire(
    settings: Settings,
    progress: Progress,
    *,
    may_ask: bool,
    read_only: bool = False,
    ledger_file: Path | None = None,
) -> Iterator[Parts]:
    """Yield the parts for one call, and clean up after it.

    Args:
        settings: of this call.
        progress: is notified of the work.
        may_ask: whether a request may be sent to W&B for an entity that was not given.
        read_only: whether nothing may be written: no ledger, no bundle, nothing in W&B.
        ledger_file: the ledger of a shard; None: the user's, or that of the bundle.

    Raises:
        UsageError: for settings that Metaflow or W&B refuse.
        Unreachable: for a metadata service that does not answer.
    """
    refuse_old_versions()
    with ExitStack() as stack:
        source = stack.enter_context(open_source(settings, progress))
        memory = ledger_path(None).parent
        sink = stack.enter_context(
            open_sink(
                settings,
                memory=memory,
                may_ask=may_ask,
                progress=progress,
                read_only=read_only,
            )
        )
        open_ledger = SqliteLedger.open_read_only if read_only else SqliteLedger.open
        ledger = stack.enter_context(open_ledger(ledger_file or ledger_path(sink.bundle)))
        bundle = None if read_only else sink.bundle
        folder = bundle / "payloads" if bundle else stack.enter_context(scratch())
        keep = bundle is not None
        payloads = PayloadBuilder(
            folder,
            keep=keep,
            max_memory=settings.max_memory,
            renew=keep and settings.force,
            masker=settings.redact.make_masker(),
            render_overview=_render_overview if settings.overview_report else None,
        )
        stack.callback(payloads.close)
        yield Parts(source, payloads, sink, ledger, progress, BugLogs())


def _render_overview(run: PlannedRun, summary: Mapping[str, Any]) -> str:
    from mfwb.report.html import render_overview  # noqa: PLC0415 - it imports Jinja2

    return render_overview(run, summary)


@contextmanager
def wire_sink(settings: Settings) -> Iterator[Sink]:
    """Yield W&B alone, where something is looked up or deleted; Metaflow is not used.

    Raises:
        UsageError: for settings that W&B refuses.
    """
    refuse_old_versions()
    with open_sink(settings, memory=ledger_path(None).parent, may_ask=True) as sink:
        yield sink


@contextmanager
def wire_ledger(path: Path) -> Iterator[Ledger]:
    """Yield a ledger alone; UsageError if it can't be used, LockHeld if it is locked."""
    with SqliteLedger.open(path) as ledger:
        yield ledger


def find_destination(settings: Settings, flow: str) -> Destination:
    """Return where a sync would write the runs of a flow; W&B may be asked for the entity.

    Raises:
        UsageError: for settings that W&B refuses.
        Unreachable: W&B can't be reached, or refuses the credentials.
    """
    with wire_sink(settings) as sink:
        return sink.destination(flow)


@contextmanager
def wire_push(
    settings: Settings, bundle: Path, progress: Progress
) -> Iterator[tuple[Ledger, Pusher]]:
    """Yield a bundle's ledger and a pusher to W&B; Metaflow is not used.

    Args:
        settings: of this call.
        bundle: its folder.
        progress: is notified of the work.

    Raises:
        UsageError: if there is no bundle, or for settings that W&B refuses.
    """
    refuse_old_versions()
    from mfwb.sink.push import open_pusher  # noqa: PLC0415 - it imports wandb

    path = ledger_path(bundle)
    if not path.is_file():
        raise UsageError(f"there is no bundle in {bundle}; `mfwb sync --mode offline` makes one")
    with SqliteLedger.open(path) as ledger, open_pusher(settings, bundle, progress) as pusher:
        yield ledger, pusher


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a verification needs: flow runs from Metaflow, and W&B as it is.

    Attributes:
        source: lists flow runs.
        notes: why nothing was selected, if that is so.
    """

    source: Source
    _settings: Settings
    _projects: RecordedProjects
    _watched: Watched
    notes: list[str] = field(default_factory=list)

    def verify(
        self, chosen: Sequence[ChosenFlowRun], read_data: Subset
    ) -> Iterator[FlowRunVerification]:
        """Yield the verification of each flow run; arguments as of `verify_flow_runs`."""
        from mfwb.verification.flow_runs import verify_flow_runs  # noqa: PLC0415 - a sync has no use for it

        return verify_flow_runs(chosen, self._settings, self._projects, read_data, self._watched)

    def choose(self, selection: Selection | None) -> list[ChosenFlowRun]:
        """Return the selected flow runs; None: all that the bundle of the settings has.

        No ledger is read: flow runs that an earlier sync left open are selected as all others are.
        """
        from mfwb.verification.flow_runs import ChosenFlowRun  # noqa: PLC0415 - as above

        if selection is None:
            return [ChosenFlowRun(pathspec) for pathspec in self.in_bundle()]
        selected = select_flow_runs(selection, self.source, lambda _flow, _listed: (), self.notes)
        return [self._chosen(flow_run, selection.failed) for flow_run in selected]

    def _chosen(self, selected: SelectedFlowRun, failed: bool | None) -> ChosenFlowRun:  # noqa: FBT001 - as in Selection
        from mfwb.verification.flow_runs import ChosenFlowRun  # noqa: PLC0415 - as above

        pathspec = str(selected.pathspec)
        if failed is None or selected.error is not None:
            return ChosenFlowRun(pathspec, selected.error)
        try:
            state = self.source.read(selected.pathspec).state
        except Exception as error:
            if ends_the_call(error):
                raise
            return ChosenFlowRun(pathspec, error)
        has_failed = state in (FlowRunState.FAILED, FlowRunState.ABANDONED)
        reason = "it failed, and --no-failed leaves it out" if has_failed else "it did not fail"
        return ChosenFlowRun(pathspec, excluded=None if has_failed is failed else reason)

    def in_bundle(self) -> list[str]:
        """Return the pathspecs of the flow runs in the bundle of the settings; SinkError."""
        from mfwb.verification.recorded_offline import flow_runs_in_bundle  # noqa: PLC0415 - wandb

        bundle = bundle_of(self._settings, read_defaults())
        return flow_runs_in_bundle(bundle) if bundle else []


@contextmanager
def wire_verification(settings: Settings, progress: Progress) -> Iterator[Verifier]:
    """Yield what a verification needs; nothing is written anywhere.

    Raises:
        UsageError: for settings that Metaflow or W&B refuse, or a folder without a bundle.
        Unreachable: Metaflow or W&B can't be reached, or W&B refuses the credentials.
    """
    from mfwb.verification.connection import open_recorded  # noqa: PLC0415 - a sync has no use for it
    from mfwb.verification.flow_runs import Watched  # noqa: PLC0415 - the same

    with (
        open_source(settings, progress) as source,
        open_recorded(settings, progress) as projects,
    ):
        yield Verifier(source, settings, projects, Watched(progress, BugLogs()))


@contextmanager
def wire_source(
    settings: Settings, progress: Progress | None = None
) -> Iterator[tuple[Source, Payloads]]:
    """Yield what reads flow runs: a source and payloads; W&B is not used.

    Args:
        settings: of this call.
        progress: is notified while a metadata service does not answer; None: nothing is.

    Raises:
        UsageError: for settings that Metaflow refuses.
        Unreachable: for a metadata service that does not answer.
    """
    refuse_old_versions()
    with ExitStack() as stack:
        source = stack.enter_context(open_source(settings, progress))
        folder = stack.enter_context(scratch())
        payloads = PayloadBuilder(
            folder,
            keep=False,
            max_memory=settings.max_memory,
            masker=settings.redact.make_masker(),
        )
        stack.callback(payloads.close)
        yield source, payloads
