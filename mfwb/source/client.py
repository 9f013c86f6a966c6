"""Metaflow's client as a source: which flow runs there are, and what each recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from metaflow import Flow, Metaflow, Run
from metaflow.exception import (
    MetaflowException,
    MetaflowInvalidPathspec,
    MetaflowNamespaceMismatch,
    MetaflowNotFound,
)
from metaflow.plugins.metadata_providers.service import ServiceException

from mfwb.errors import NotThere, SourceError, Unreachable, UsageError
from mfwb.ports import Listed
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import Pathspec
from mfwb.source.contents import FlowRunContents
from mfwb.source.reader import read_flow_run
from mfwb.source.starting import started_at

__all__ = ["MetaflowSource"]


class MetaflowSource:
    """Reads flow runs. Provider and namespace are those of the process while it is open."""

    def __init__(self, provider: str, abandoned_after: float) -> None:
        self.provider = provider
        self._abandoned_after = abandoned_after

    def flows(self) -> list[str]:
        """Return the names of all flows, sorted; SourceError, Unreachable."""
        with _as_ours("the list of flows", self.provider):
            return sorted(flow.id for flow in Metaflow())

    def list(self, flow: str) -> list[Listed]:
        """Return the runs of a flow, newest first; NotThere, SourceError, Unreachable."""
        with _as_ours(flow, self.provider):
            runs = [*Flow(flow)]
        if not runs:
            raise NotThere(f"{flow} has no runs in {self.provider}")
        listed = [_listed(run, self.provider) for run in runs]
        return sorted(listed, key=_start, reverse=True)

    def read(self, flow_run: Pathspec) -> FlowRun:
        """Return the facts of one flow run; NotThere, SourceError or Unreachable."""
        if flow_run.run is None:
            self.list(flow_run.flow)  # says why, as it did when its runs were looked for
            raise SourceError(f"the runs of {flow_run} could not be listed at first; sync again")
        with _as_ours(flow_run, self.provider):
            return read_flow_run(
                Run(str(flow_run)), self.provider, abandoned_after=self._abandoned_after
            )

    def contents(self, flow_run: FlowRun) -> FlowRunContents:
        """Return access to the bytes of a flow run that was read."""
        return FlowRunContents(flow_run)


def _listed(run: Any, provider: str) -> Listed:
    return Listed(
        pathspec=Pathspec(*run.path_components),
        started_at=started_at(run, provider),
        tags=tuple(sorted(run.user_tags)),
        system_tags=tuple(sorted(run.system_tags)),
    )


def _start(listed: Listed) -> tuple[int, int, str]:
    """Return what sorts by start; of the same millisecond by id, which is mostly a number."""
    run = str(listed.pathspec.run)
    return listed.started_at, len(run), run


@contextmanager
def _as_ours(asked: object, provider: str) -> Iterator[None]:
    """Turn Metaflow's errors into ours. Only its clear word counts as "not there"."""
    try:
        yield
    except MetaflowNotFound:
        raise NotThere(f"there is no {asked} in {provider}") from None
    except MetaflowNamespaceMismatch as error:
        raise NotThere(f"{asked} is in another namespace: {error}") from None
    except MetaflowInvalidPathspec as error:
        raise UsageError(f"{asked}: {error}") from None
    except ServiceException as error:
        if error.http_code is None or error.http_code in _OUTAGE or error.http_code < 0:
            raise Unreachable(f"{provider} does not answer as it should: {error}") from None
        raise SourceError(f"{asked}: {provider} says: {error}") from None
    except (MetaflowException, OSError, json.JSONDecodeError) as error:  # the last: damaged files
        raise SourceError(f"{asked} can't be read: {error}") from error


_OUTAGE = frozenset({401, 403, 429, 500, 502, 503, 504})
