"""The types of the documents of `mfwb lineage`; their schemas are made from them."""

from __future__ import annotations

from typing import Literal

from typing_extensions import NotRequired, TypedDict

__all__ = [
    "EdgeDocument",
    "ExternalDocument",
    "HistoryDocument",
    "LineageDocument",
    "TaskDocument",
    "VersionDocument",
]


class TaskDocument(TypedDict):
    """One task.

    Attributes:
        pathspec: of the task: `Flow/123/train/4`.
        state: completed, failed or running.
        cloned_from: pathspec of the task that a resume cloned; null: it was executed.
        parents: pathspecs of the tasks before it.
        reads: names of the artifacts that its code read; null: that can't be known.
        writes: names of the artifacts that it wrote.
        assigned_again: names that it assigned with an equal value.
        passed_on: names of the artifacts that it passed on unchanged.
    """

    pathspec: str
    state: str
    cloned_from: str | None
    parents: list[str]
    reads: list[str] | None
    writes: list[str]
    assigned_again: list[str]
    passed_on: list[str]


class EdgeDocument(TypedDict):
    """One use of an artifact.

    Attributes:
        consumer: pathspec of the task that used it.
        artifact: name of the artifact.
        producer: pathspec of the task that wrote it; `Flow/123/_parameters` of a parameter.
        sha1: of the content.
        ground: the evidence: read, available, foreach-input or parameter.
        why: the evidence in a sentence; only with `--explain`.
    """

    consumer: str
    artifact: str
    producer: str
    sha1: str
    ground: str
    why: NotRequired[str]


class ExternalDocument(TypedDict):
    """What a step reads of another flow run.

    Attributes:
        kind: the class of Metaflow's client that the code uses.
        pathspec: as far as the code or a value shows it; null: not known.
        artifact: name of the artifact; null: not known.
        unread: why it could not be read; null: it was.
    """

    kind: str
    pathspec: str | None
    artifact: str | None
    unread: str | None


class LineageDocument(TypedDict):
    """What `mfwb lineage` prints with `--json`: who made and who used each artifact.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        flow_run: pathspec of the flow run.
        state: of the flow run in Metaflow: completed, failed or running.
        tasks: its tasks, steps in the order of the graph.
        edges: uses of artifacts, also of those of other flow runs.
        doubts: why the reads of a step can't be known for certain, by step.
        externals: what steps read of other flow runs, by step.
    """

    version: Literal[1]
    flow_run: str
    state: str
    tasks: list[TaskDocument]
    edges: list[EdgeDocument]
    doubts: dict[str, list[str]]
    externals: dict[str, list[ExternalDocument]]


class VersionDocument(TypedDict):
    """What one task wrote under the name of the artifact.

    Attributes:
        producer: pathspec of the task; `Flow/123/_parameters` of a parameter.
        sha1: of the content.
        size: bytes, as Metaflow recorded them.
        type: the Python type that Metaflow recorded.
        changes: tasks that wrote the versions before it; empty: the artifact is new.
        passed_on: tasks that passed it on unchanged.
        assigned_again: tasks that assigned it again with an equal value.
        used_by: tasks that used it.
    """

    producer: str
    sha1: str
    size: int
    type: str
    changes: list[str]
    passed_on: list[str]
    assigned_again: list[str]
    used_by: list[str]


class HistoryDocument(TypedDict):
    """What `mfwb lineage --artifact NAME` prints with `--json`: all versions of one artifact.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        flow_run: pathspec of the flow run.
        state: of the flow run in Metaflow: completed, failed or running.
        artifact: name of the artifact.
        versions: its versions, in the order in which tasks ran.
        edges: the uses of all versions.
    """

    version: Literal[1]
    flow_run: str
    state: str
    artifact: str
    versions: list[VersionDocument]
    edges: list[EdgeDocument]
