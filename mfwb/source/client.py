"""Metaflow's client as a source: lists flow runs, and reads what each of them recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

from metaflow import Run

from mfwb.errors import MfwbError, NotFound, SourceError
from mfwb.ports import ListedFlowRun, ListedFlowRuns
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import Pathspec
from mfwb.source.client_errors import client_errors
from mfwb.source.console_addresses import configured_consoles
from mfwb.source.contents import FlowRunContents
from mfwb.source.datastore.recent_blobs import RecentBlobs
from mfwb.source.datastore.roots import DatastoreRoots
from mfwb.source.listing import ClientListing, LocalListing, UnnamedRun
from mfwb.source.local_provider import metadata_budget
from mfwb.source.reader import read_flow_run
from mfwb.suggestions import did_you_mean, list_some

__all__ = ["MetaflowSource"]

_NEWEST = 3  # flow runs that a message names
_FLOW_RUNS_WITH_BLOBS = 4  # the bytes that the plan read are kept for the sync that follows it
_MANY = 1_000  # flow runs among which a similar name is looked for


class MetaflowSource:
    """Reads flow runs. Provider and namespace are those of the process while it is open."""

    def __init__(
        self, provider: str, roots: DatastoreRoots, *, namespace: str | None, abandoned_after: float
    ) -> None:
        self.provider = provider
        self.roots = roots
        self.consoles = configured_consoles()
        self._abandoned_after = abandoned_after
        self._namespace = namespace
        self._unnamed: dict[Pathspec, str] = {}  # reasons, by pathspec
        self._recent_blobs = lru_cache(maxsize=_FLOW_RUNS_WITH_BLOBS)(_new_recent_blobs)
        self._listing = (
            LocalListing(provider, namespace, roots.folders)
            if provider.startswith("local@")
            else ClientListing(provider, namespace)
        )

    def flows(self) -> list[str]:
        """Return the names of all flows, sorted; SourceError, Unreachable."""
        return self._listing.flows()

    def list(self, flow: str) -> ListedFlowRuns:
        """Return the runs of a flow, newest first; NotFound, SourceError, Unreachable.

        A damaged flow run is listed, too; reading it raises an error with the reason.
        """
        try:
            return self._list(flow)
        except NotFound as error:
            raise NotFound(error.reason, self._similar_flows(flow)) from None

    def _list(self, flow: str) -> ListedFlowRuns:
        unnamed: dict[Pathspec, ListedFlowRun] = {}
        listed = ListedFlowRuns(self._named(flow, unnamed))
        if unnamed:  # their names were made up, so one may be that of another flow run
            taken = {flow_run.pathspec for flow_run in listed}
            others = (run for run in unnamed.values() if run.pathspec not in taken)
            listed = ListedFlowRuns((*listed, *others))
        if not listed:
            scope = "" if self._namespace is None else f" in the namespace {self._namespace}"
            raise NotFound(f"{flow} has no runs in {self.provider}{scope}")
        return listed.newest_first()

    def _named(self, flow: str, unnamed: dict[Pathspec, ListedFlowRun]) -> Iterator[ListedFlowRun]:
        """Yield the runs of a flow that have valid names; put the others into `unnamed`."""
        for listed in self._listing.runs(flow):
            if isinstance(listed, UnnamedRun):
                self._unnamed[listed.pathspec] = listed.reason
                unnamed[listed.pathspec] = ListedFlowRun(listed.pathspec, 0, ())
            else:
                yield listed

    def read(self, flow_run: Pathspec) -> FlowRun:
        """Return the facts of one flow run; NotFound, SourceError or Unreachable."""
        if flow_run.run is None:
            self.list(flow_run.flow)  # raises the same error as when its runs were listed
            raise SourceError(f"the runs of {flow_run} could not be listed at first; sync again")
        with metadata_budget():
            try:
                with client_errors(flow_run, self.provider):
                    run = Run(str(flow_run))
            except NotFound as error:
                if flow_run in self._unnamed:
                    raise SourceError(self._unnamed[flow_run]) from None
                self._listing.check_access(flow_run)
                raise NotFound(error.reason, self._similar_runs(flow_run)) from None
            return read_flow_run(
                run, self.provider, self.roots, abandoned_after=self._abandoned_after
            )

    def _similar_flows(self, flow: str) -> str:
        """Return the end of a message that there is no such flow: similar names, or some names."""
        with suppress(MfwbError):
            flows = [name for name in self.flows() if name != flow]
            return did_you_mean(flow, flows) or list_some("its flows are", flows)
        return ""

    def _similar_runs(self, flow_run: Pathspec) -> str:
        """Return the end of a message that there is no such run of a flow."""
        with suppress(MfwbError):
            try:
                runs = [str(listed.pathspec) for listed in self._list(flow_run.flow)]
            except NotFound:
                return self._similar_flows(flow_run.flow)
            newest = runs[:_NEWEST]
            return did_you_mean(str(flow_run), runs[:_MANY]) or list_some("the newest are", newest)
        return ""

    def contents(self, flow_run: FlowRun) -> FlowRunContents:
        """Return access to the bytes of a flow run that was read."""
        return FlowRunContents(
            flow_run,
            self.roots.folders,
            self.roots.cards,
            admit=self.roots.admit,
            recent=self._recent_blobs(flow_run.pathspec),
        )


def _new_recent_blobs(_pathspec: str) -> RecentBlobs:
    return RecentBlobs()
