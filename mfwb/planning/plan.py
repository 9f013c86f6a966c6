"""The plan: all that mfwb will write to W&B for one flow run.

A plan is a value: sorted, convertible to JSON, with a digest. It refers to artifacts by their sha1
and never holds their bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import cache, cached_property
from itertools import groupby
from typing import Any, NewType

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from mfwb.config import Unpickle
from mfwb.redaction import Masked
from mfwb.snapshot import Card, Loss
from mfwb.snapshot.checkpoints import SAVED, StoredReference
from mfwb.snapshot.pathspec import FlowRunId, flow_run_of

__all__ = [
    "ArtifactRule",
    "Content",
    "Form",
    "InputArtifact",
    "OutputArtifact",
    "Overview",
    "OverviewAttempt",
    "OverviewEdge",
    "OverviewFileRules",
    "OverviewStep",
    "OverviewTask",
    "OverviewValue",
    "PickedArtifact",
    "Plan",
    "PlannedCard",
    "PlannedCheckpoint",
    "PlannedFile",
    "PlannedRun",
    "PlannedValue",
    "Preview",
    "TaskRow",
    "ValueElsewhere",
    "WandbRunId",
    "use_item",
]

WandbRunId = NewType("WandbRunId", str)


class Form(str, Enum):
    """The form of the bytes of an artifact in W&B."""

    PICKLE = "pickle"  # Metaflow's own bytes, as they are
    PARQUET = "parquet"  # one table: a DataFrame, a Series, an arrow table
    FRAMES = "frames"  # a dict or list of DataFrames: a parquet file each
    PATH = "path"  # the file or folder that a pathlib.Path points at
    INCLUDE = "include"  # the content of an IncludeFile
    ARRAY = "array"  # a numpy array, as .npy
    JSON = "json"  # a plain value that is too large for the summary
    STORED = "stored"  # the unchanged bytes of another serializer than pickle
    PLUGIN = "plugin"  # the result of a converter of another package
    CHECKPOINT = "checkpoint"  # the files that a reference to a checkpoint or model leads to
    IMAGE = "image"  # an image of Pillow, as a PNG beside its pickle
    MEDIA = "media"  # the bytes or text of an artifact that is a whole file, as it is
    REFERENCE = "reference"  # the bytes stay where Metaflow stored them
    CODE = "code"  # the user's files in Metaflow's code package


class Preview(str, Enum):
    """The preview of an artifact that the W&B run itself shows."""

    TABLE = "table"  # the first rows
    IMAGE = "image"
    IMAGES = "images"  # a gallery of the images in a list or dict, or in an array
    FIGURE = "figure"  # a plotly figure, as W&B draws it
    MEDIA = "media"  # the panel for the format of a file: an image, a player, a page
    CHART = "chart"  # a histogram or a heat map of an array


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of one artifact of one task, by reference."""

    task: str  # pathspec
    name: str
    sha1: str
    size: int

    @property
    def pathspec(self) -> str:
        """The pathspec of the artifact in Metaflow; it also names a loss of the artifact."""
        return f"{self.task}/{self.name}"

    @property
    def flow_run(self) -> str:
        """The pathspec of its flow run."""
        return flow_run_of(self.task)


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One artifact of a task that becomes part of a W&B artifact."""

    stem: str  # path in the W&B artifact, without the suffix that its form brings
    form: Form
    content: Content
    preview: Preview | None = None
    plugin: str = ""  # the converter, for the form PLUGIN


@dataclass(frozen=True, slots=True)
class PickedArtifact:
    """An artifact that a task received from one of several tasks, and passes on."""

    pathspec: str  # of the artifact of the task that picked it
    producer: str  # pathspec of the task that wrote it


@dataclass(frozen=True, slots=True)
class OutputArtifact:
    """A W&B artifact that a W&B run logs."""

    name: str
    type: str
    aliases: tuple[str, ...]
    metadata: dict[str, Any]
    files: tuple[PlannedFile, ...]
    picked: tuple[PickedArtifact, ...] = ()  # those of its files that other tasks wrote
    is_candidate: bool = False  # whether a later step picked one of such artifacts

    @property
    def written_files(self) -> tuple[PlannedFile, ...]:
        """The files of artifacts that the tasks of the W&B run wrote themselves."""
        if self.is_extra:
            return ()
        if not self.picked:
            return self.files
        picked = {artifact.pathspec for artifact in self.picked}
        return tuple(file for file in self.files if file.content.pathspec not in picked)

    @property
    def is_extra(self) -> bool:
        """Whether it stands for none of Metaflow's artifacts, so that the account has none of it.

        It has a checkpoint that its task saved beside the artifacts.
        """
        return all(file.content.name.startswith(SAVED) for file in self.files)

    @property
    def items(self) -> int:
        """The number of Metaflow's artifacts that it is made from; code is none."""
        return 0 if self.is_code else len(self.written_files)

    @property
    def is_code(self) -> bool:
        """Whether it is the code of the flow run."""
        return any(file.form is Form.CODE for file in self.files)


@dataclass(frozen=True, slots=True, order=True)
class InputArtifact:
    """A W&B artifact that a W&B run uses: exactly the version that its producer logged."""

    name: str
    type: str
    producer: WandbRunId
    producer_name: str
    ground: str
    place: str = ""  # `entity/project` of another flow run's artifact; empty: of this flow run


def use_item(what: str, user: str) -> str:
    """Return the name of a lost use: the artifact and the W&B run that uses it."""
    return f"use of {what} by {user}"


@dataclass(frozen=True, slots=True)
class ValueElsewhere:
    """An artifact of one task that is not a value, while other tasks have a value of that name."""

    content: Content
    text: str  # the text that replaces it among the values


@dataclass(frozen=True, slots=True)
class PlannedValue:
    """A value for summary, charts and the table of tasks; one content per task that has it."""

    key: str
    contents: tuple[Content, ...]
    elsewhere: tuple[
        ValueElsewhere, ...
    ] = ()  # of tasks whose artifact of that name is not a value


@dataclass(frozen=True, slots=True)
class PlannedCheckpoint:
    """A checkpoint or model whose files become part of a W&B artifact.

    Attributes:
        content: the artifact that refers to it.
        key: in the summary, for the metadata that the user gave to it.
        reference: what it refers to.
        limit: how many bytes its files may have; None: any number.
    """

    content: Content
    key: str
    reference: StoredReference
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class ArtifactRule:
    """What the settings give to an artifact that a W&B run logs, and the values that decide it.

    The values that count for a content are those of the task that made it; and, if another task
    picked it, what only that one has.
    """

    artifact: str  # its planned name
    type: str
    aliases: tuple[str, ...]
    link: str | None  # the path of a collection
    when: str | None  # the condition for aliases and link
    metadata: tuple[str, ...]  # names of values
    tasks: tuple[tuple[str, ...], ...]  # of each content: the tasks whose values count for it
    values: tuple[PlannedValue, ...]  # the values of all these tasks that the rule names
    parameters: dict[str, Any]  # the parameters that it names


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task of a W&B run, as a row of its history and of its table."""

    pathspec: str
    row: int
    label: str  # foreach position, as in "3" or, nested, "0/3"
    state: str
    seconds: float | None
    failure: str | None = None
    foreach: dict[str, Any] = field(default_factory=dict)  # foreach index and item, by column

    @property
    def log_item(self) -> str:
        """The name of a loss of its log."""
        return f"{self.pathspec}/log"


@dataclass(frozen=True, slots=True)
class PlannedCard:
    """A Metaflow card that becomes part of a W&B run."""

    key: str  # in the summary
    task: str  # pathspec
    card: Card

    @property
    def item(self) -> str:
        """The name of its loss."""
        return f"{self.task}/{self.key}"


@dataclass(frozen=True, slots=True)
class OverviewAttempt:
    """One attempt at a task, as a bar of the timeline."""

    number: int
    state: str
    started_at: int | None  # epoch ms
    seconds: float | None


@dataclass(frozen=True, slots=True)
class OverviewTask:
    """One task, as a row of the table of all tasks of a flow run."""

    pathspec: str
    step: str
    label: str
    state: str
    attempts: tuple[OverviewAttempt, ...]
    failure: str | None = None
    foreach: dict[str, Any] = field(default_factory=dict)  # foreach index and item, by column


@dataclass(frozen=True, slots=True)
class OverviewStep:
    """One step, as a row of the table of steps."""

    name: str
    type: str | None
    state: str
    tasks: int
    started_at: int | None  # epoch ms
    seconds: float | None
    wandb_runs: tuple[WandbRunId, ...]
    parents: tuple[str, ...]  # the steps before it
    outputs: tuple[str, ...]  # W&B artifacts that it logs
    inputs: tuple[str, ...] = ()  # W&B artifacts that it uses


@dataclass(frozen=True, slots=True)
class OverviewValue:
    """A value of one step, for the summary of its flow run."""

    key: str  # `step/name`
    contents: tuple[Content, ...]
    is_merged: bool  # whether the step may have several tasks
    chosen: str = ""  # pathspec of the task whose value a join chose; empty: there is none


@dataclass(frozen=True, slots=True, order=True)
class OverviewEdge:
    """One step used an artifact that another step, or another flow run, logged."""

    producer: str  # a step; a W&B run of another flow run
    artifact: str
    consumer: str


@dataclass(frozen=True, slots=True)
class OverviewFileRules:
    """The rules of the step that logged a final artifact, for files of this machine."""

    artifact: str
    path_roots: tuple[str, ...]
    file_limit: int | None


@dataclass(frozen=True, slots=True)
class Overview:
    """What the W&B run of a whole flow run shows beside its outputs."""

    steps: tuple[OverviewStep, ...]
    tasks: tuple[OverviewTask, ...]
    values: tuple[OverviewValue, ...]
    edges: tuple[OverviewEdge, ...] = ()
    file_rules: tuple[OverviewFileRules, ...] = ()


@dataclass(frozen=True)  # without slots: slow results are cached on the instance
class PlannedRun:
    """One W&B run."""

    id: WandbRunId
    name: str
    group: str
    job_type: str
    level: int  # each W&B run whose artifacts this one uses has a lower level
    merged: bool  # whether it stands for several tasks
    tasks: tuple[TaskRow, ...]
    tags: tuple[str, ...]
    config: dict[str, Any]
    summary: dict[str, Any]
    values: tuple[PlannedValue, ...]
    inputs: tuple[InputArtifact, ...]
    outputs: tuple[OutputArtifact, ...]
    cards: tuple[PlannedCard, ...]
    exit_code: int
    origin: dict[str, str]  # where the code ran, by name in wandb.Settings
    started_at: int | None  # epoch ms
    runtime: float | None  # seconds
    passed_on: tuple[str, ...] = ()  # artifacts that a parent wrote
    unchanged: tuple[str, ...] = ()  # these, and values that were assigned with equal content
    by_code: tuple[str, ...] = ()  # pathspecs of values that are known only from the source
    switched_off: tuple[Content, ...] = ()
    losses: tuple[Loss, ...] = ()
    wandb_settings: dict[str, Any] = field(default_factory=dict)
    curves: tuple[PlannedValue, ...] = ()  # too large for the summary, but not for a chart
    unpickle: Unpickle = "safe"  # how far pickles are loaded to make values and files
    externals: tuple[dict[str, str], ...] = ()  # what the code reads from other flow runs
    path_roots: tuple[str, ...] = ()  # folders of this machine that it may send files from
    file_limit: int | None = None  # bytes of an included file, or of what a path points at
    shown: tuple[PlannedValue, ...] = ()  # artifacts that the summary shows as values, too
    artifact_rules: tuple[ArtifactRule, ...] = ()
    overview: Overview | None = None  # of the W&B run of a whole flow run
    redaction: str = ""  # a digest of the rules by which secrets are masked; empty: none are
    masked: tuple[Masked, ...] = ()  # items that will be masked, as far as their names show it
    checkpoints: tuple[PlannedCheckpoint, ...] = ()  # what its references lead to
    no_curves: tuple[str, ...] = ()  # keys of artifacts that a setting excludes from the charts
    named_curves: tuple[str, ...] = ()  # keys of those that a setting names
    iterated: tuple[str, ...] = ()  # keys of lists that a foreach iterates over: no charts
    neighbours: tuple[str, ...] = ()  # keys of what was left out, where only a part is wanted
    notes: str = ""  # Markdown

    @property
    def ended_at(self) -> int | None:
        """The time when its last task ended, in epoch ms; None: not known."""
        if self.started_at is None or self.runtime is None:
            return None
        return self.started_at + round(self.runtime * 1000)

    @property
    def fingerprint(self) -> str:
        """A digest of the content of this W&B run, without what the source of the flow adds to it.

        The source may be edited or gone when the flow run is synced again. Content that was written
        with the source stays valid, and is not written again because of that.

        The digest has two parts, with a point between them: one of the content that can only be
        written by opening the W&B run, and one of its text fields, which can be changed in place.
        """
        return self._digests[0]

    @property
    def part_digests(self) -> dict[str, str]:
        """Short digests of the parts that the fingerprint is made of, without empty ones.

        A later plan compares them to say what changed. An artifact is a part of its own.
        """
        return self._digests[1]

    @cached_property
    def _digests(self) -> tuple[str, dict[str, str]]:
        """The fingerprint, and the digests of the parts: the document of both is made once."""
        document = self._decisive_document()
        parts = {f"artifact {output['name']}": output for output in document["outputs"]}
        parts |= {name: value for name, value in document.items() if value and name != "outputs"}
        of_parts = {name: _digest(value)[:_PART_DIGEST_LENGTH] for name, value in parts.items()}
        return _fingerprint(document), of_parts

    def _decisive_document(self) -> dict[str, Any]:
        """Return the content of this W&B run as JSON, without what its source adds to it."""
        document: dict[str, Any] = _adapter(PlannedRun).dump_python(
            self, mode="json", exclude=_FIELDS_FROM_SOURCE
        )
        document["passed_on"] = document.pop("unchanged")
        for name in ("values", "curves", "shown"):
            document[name] = list(self._by_content(document[name]))
        if self.overview is not None:
            values = document["overview"]["values"]
            document["overview"]["values"] = list(self._by_content(values))
        # Optional fields count only if not empty; runs without them keep their digest.
        _drop_empty(document, _OPTIONAL_FIELDS)
        for output in document["outputs"]:
            _drop_empty(output, _OPTIONAL_FIELDS_OF_OUTPUTS)
        return document

    def checkpoint(self, content: Content) -> PlannedCheckpoint | None:
        """Return what an artifact refers to; None if it is no such reference."""
        return self._checkpoints.get(content)

    @cached_property
    def _checkpoints(self) -> dict[Content, PlannedCheckpoint]:
        return {checkpoint.content: checkpoint for checkpoint in self.checkpoints}

    def use_item(self, used: InputArtifact) -> str:
        """Return the name of a lost use of an artifact by this W&B run."""
        alike = self._input_names[used.name]
        what = used.name if alike == 1 else f"{used.name} of {used.producer_name}"
        return use_item(what, self.name)

    @cached_property
    def _input_names(self) -> Counter[str]:
        """How many of its inputs have each name."""
        return Counter(artifact.name for artifact in self.inputs)

    def _by_content(self, values: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the values that are known without the source, as JSON."""
        by_code = frozenset(self.by_code)
        for value in values:
            contents = [
                content
                for content in value["contents"]
                if f"{content['task']}/{content['name']}" not in by_code
            ]
            if contents:
                yield {"key": value["key"], "contents": contents, **_choice(value)}


_DIGEST_LENGTH = 40  # letters; more than enough to distinguish plans
_PART_DIGEST_LENGTH = 8  # letters; the ledger keeps some twenty of them for each W&B run
_TEXT_FIELDS = ("name", "group", "job_type", "tags", "config")
_OPTIONAL_FIELDS = (
    *("path_roots", "file_limit", "shown", "overview", "redaction", "checkpoints"),
    *("no_curves", "named_curves", "artifact_rules"),
)
_OPTIONAL_FIELDS_OF_OUTPUTS = ("picked", "is_candidate")
_FIELDS_FROM_SOURCE: dict[str, Any] = {
    **dict.fromkeys(("inputs", "level", "losses", "externals", "passed_on", "by_code"), True),
    **dict.fromkeys(("iterated", "neighbours", "masked"), True),  # the same for the same flow run
    "tasks": {"__all__": {"foreach"}},  # new columns are no reason to write a W&B run again
    "overview": {"edges": True, "steps": {"__all__": {"inputs"}}},
}


def _choice(value: dict[str, Any]) -> dict[str, Any]:
    return {"chosen": value["chosen"]} if value.get("chosen") else {}


@dataclass(frozen=True, slots=True)
class Plan:
    """All W&B runs of one flow run, in the order of the graph."""

    flow_run: str
    source: FlowRunId
    entity: str | None
    project: str
    group: str
    runs: tuple[PlannedRun, ...]
    losses: tuple[Loss, ...] = ()  # of the flow run as a whole
    masked: tuple[Masked, ...] = ()  # items of the flow run as a whole in which secrets are masked

    @property
    def digest(self) -> str:
        """A digest that is equal for equal plans, on every process and machine.

        As in the fingerprint of a W&B run, what the source of the flow adds does not count.
        """
        decisive = {item.name: getattr(self, item.name) for item in fields(self)}
        for name in ("runs", "masked"):
            del decisive[name]
        own = to_jsonable_python(decisive)  # an adapter for all of a plan takes longer to build
        return _digest([own, sorted(run.fingerprint for run in self.runs)])

    def levels(self) -> Iterator[list[PlannedRun]]:
        """Yield the W&B runs level by level; runs of one level do not use each other."""
        for _, runs in groupby(sorted(self.runs, key=_level), key=_level):
            yield list(runs)

    def to_json(self) -> str:
        """Return the whole plan as one JSON document."""
        return _adapter(Plan).dump_json(self).decode()


def _fingerprint(document: dict[str, Any]) -> str:
    texts = {name: document.pop(name) for name in _TEXT_FIELDS}
    texts["notes"] = document.pop("notes") or None
    if "artifact_rules" in document:  # W&B lets versions change in place
        texts["artifact_rules"] = document.pop("artifact_rules")
    return f"{_digest(document)[:_DIGEST_LENGTH]}.{_digest(texts)[:_DIGEST_LENGTH]}"


def _drop_empty(document: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if not document[name]:
            del document[name]


def _level(run: PlannedRun) -> int:
    return run.level


@cache
def _adapter(of: type) -> TypeAdapter[Any]:
    return TypeAdapter(of)  # built at first use: building it is slow


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode
"""`json.dumps` would make an encoder for each document."""


def _digest(document: Any) -> str:
    return hashlib.sha256(_encode(document).encode()).hexdigest()
