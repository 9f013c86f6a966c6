"""A sample of what flow runs stored: one artifact, to see whether the datastore can be read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from metaflow import Run

from mfwb.errors import ItemLost, SkipFlowRun
from mfwb.snapshot import Datastore
from mfwb.snapshot.pathspec import Pathspec
from mfwb.source.client import MetaflowSource
from mfwb.source.client_errors import client_errors
from mfwb.source.datastore.flow_store import AttemptKey, open_store
from mfwb.source.task_metadata import read_task

__all__ = ["Sample", "find_flow_run", "probe_roots", "read_sample"]

_MAX_FLOWS = 20  # that are looked into for a flow run
_MAX_TASKS = 20  # of one flow run that are looked into for an artifact
_FEW_BYTES = 1_000
_MISSING = "mfwb-doctor/no-such-blob"


@dataclass(frozen=True, slots=True)
class Sample:
    """An artifact whose beginning was read.

    Attributes:
        artifact: its pathspec; None: no flow run has stored any.
        datastore: where it is.
        size: the number of bytes that were read.
    """

    artifact: str | None
    datastore: Datastore
    size: int = 0


def find_flow_run(source: MetaflowSource) -> Pathspec | None:
    """Return the newest run of the first flow that has any; None if there is none.

    Raises:
        SourceError: nothing can be listed.
        Unreachable: the metadata service does not answer.
    """
    for flow in source.flows()[:_MAX_FLOWS]:
        with suppress(SkipFlowRun):  # this flow has none, or can't be listed; another one may
            return source.list(flow)[0].pathspec
    return None


def read_sample(source: MetaflowSource, flow_run: Pathspec) -> Sample | None:
    """Read the beginning of one artifact; None if the flow run has stored none.

    Raises:
        SourceError: the datastore can't be read, or is not one of the user's.
        NotFound: the flow run is gone.
        Unreachable: the metadata service does not answer.
    """
    with client_errors(flow_run, source.provider):
        tasks = [task for step in Run(str(flow_run)) for task in step][:_MAX_TASKS]
    lost: ItemLost | None = None
    for task in tasks:
        raw = read_task(task, source.provider, source.roots)
        keys = raw.stored_attempts[-1:]
        if raw.datastore is None or not keys:
            continue
        store = open_store(raw.datastore, flow_run.flow, source.roots.folders)
        for key, record in store.read_attempt_records(keys).items():
            for name, sha in sorted(record.objects.items(), key=_own_last):
                try:
                    size = len(store.head(sha, _FEW_BYTES))
                except ItemLost as error:
                    lost = error
                    continue
                return Sample(_pathspec(flow_run, key, name), raw.datastore, size)
    if lost is not None:
        raise lost
    return None


def probe_roots(source: MetaflowSource) -> list[Datastore]:
    """Return the configured datastores, after each of them has answered.

    They are asked for a blob that does not exist, which a bucket without the right to list its
    content refuses.

    Raises:
        SourceError: one of them can't be read.
    """
    datastores = [Datastore(kind, root) for kind, root in source.roots.configured.items() if root]
    for datastore in datastores:
        with open_store(datastore, "mfwb", source.roots.folders).open(_MISSING):
            pass
    return datastores


def _own_last(item: tuple[str, str]) -> tuple[bool, str]:
    """Return a sort key: the artifacts of users before those of Metaflow itself."""
    return item[0].startswith("_"), item[0]


def _pathspec(flow_run: Pathspec, key: AttemptKey, name: str) -> str:
    return f"{flow_run}/{key.step}/{key.task}/{name}"
