"""Metaflow's client as a source: which flow runs there are, and what each recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from metaflow import Flow, Run
from metaflow.exception import (
    MetaflowException,
    MetaflowInvalidPathspec,
    MetaflowNamespaceMismatch,
    MetaflowNotFound,
)
from metaflow.plugins.metadata_providers.service import ServiceException

from mfwb.errors import NotThere, SourceError, Unreachable, UsageError
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import LATEST, Pathspec
from mfwb.source.contents import FlowRunContents
from mfwb.source.reader import read_flow_run

__all__ = ["MetaflowSource"]


class MetaflowSource:
    """Reads flow runs. Provider and namespace are those of the process while it is open."""

    def __init__(self, provider: str) -> None:
        self.provider = provider

    def find(self, choice: Pathspec, last: int | None) -> list[Pathspec]:
        """Return the flow runs that are meant, oldest first; NotThere if there are none."""
        if choice.run not in {None, LATEST}:
            return [choice]
        if choice.run is None and last is None:
            raise UsageError(
                f"which runs of {choice.flow}? Say {choice.flow}/123, {choice.flow}/{LATEST} or "
                f"{choice.flow} --last 5"
            )
        count = 1 if choice.run == LATEST else last
        with _as_ours(choice, self.provider):
            runs = list(Flow(choice.flow))
        if not runs:
            raise NotThere(f"{choice.flow} has no runs in {self.provider}")
        newest_first = sorted(runs, key=lambda run: run._object["ts_epoch"], reverse=True)  # noqa: SLF001
        return [Pathspec(choice.flow, run.id) for run in newest_first[:count]][::-1]

    def read(self, flow_run: Pathspec) -> FlowRun:
        """Return the facts of one flow run; NotThere, SourceError or Unreachable."""
        with _as_ours(flow_run, self.provider):
            return read_flow_run(Run(str(flow_run)), self.provider)

    def contents(self, flow_run: FlowRun) -> FlowRunContents:
        """Return access to the bytes of a flow run that was read."""
        return FlowRunContents(flow_run)


@contextmanager
def _as_ours(asked: Pathspec, provider: str) -> Iterator[None]:
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
    except (MetaflowException, OSError) as error:
        raise SourceError(f"{asked} can't be read: {error}") from error


_OUTAGE = frozenset({401, 403, 429, 500, 502, 503, 504})
