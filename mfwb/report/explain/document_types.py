"""The types of the document of `mfwb explain`; its schema is made from them."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

__all__ = [
    "ArtifactDocument",
    "ExplainDocument",
    "FileDocument",
    "LossDocument",
    "ParameterDocument",
    "PreviewDocument",
    "RefDocument",
    "RulesDocument",
    "TaskDocument",
    "WandbRunDocument",
]


class RefDocument(TypedDict):
    """What Metaflow stored.

    Attributes:
        type: the Python type that Metaflow recorded.
        size: bytes, as Metaflow recorded them.
        sha1: of the content; the key in Metaflow's datastore.
        encoding: as Metaflow names it, such as gzip+pickle-v4.
    """

    type: str
    size: int
    sha1: str
    encoding: str


class ParameterDocument(RefDocument):
    """A parameter of the flow run.

    Attributes:
        kind: parameter, config, include or constant.
        value: its value as JSON.
        config_key: where the config of each W&B run has it; null: nowhere.
        wandb_runs: how many W&B runs have it.
    """

    kind: str
    value: Any
    config_key: str | None
    wandb_runs: int


class TaskDocument(RefDocument):
    """The artifact as one task has it.

    Attributes:
        task: pathspec of the task.
        attempt: the attempt that it is of, from 0; null: not known.
        producer: pathspec of the task that wrote it; another one if it was passed on.
        shown_in: name of the W&B run that has it; null: none.
        kind: value, dataset, model or other.
        form: how it is written to W&B, such as parquet or pickle.
        why: why it has that kind, in a sentence.
        ground: what shows the type that decided.
        decided_by: the type that decided.
        pattern: the pattern of the table of types that it matches; null: none.
        converter: the conversion that is tried; null: none.
        not_done: conversions that were not done, each with the reason.
        switched_off: the setting that excludes it; null: none.
    """

    task: str
    attempt: int | None
    producer: str
    shown_in: str | None
    kind: str
    form: str
    why: str
    ground: str
    decided_by: str
    pattern: str | None
    converter: str | None
    not_done: dict[str, str]
    switched_off: str | None


class FileDocument(TypedDict):
    """A file of a W&B artifact.

    Attributes:
        path: its path in the W&B artifact.
        size: bytes.
        form: its form, such as parquet or pickle.
        task: pathspec of the task that it is of.
        reference: the URI that W&B links to instead of bytes; null: W&B gets the bytes.
    """

    path: str
    size: int | None
    form: str
    task: str | None
    reference: str | None


class RulesDocument(TypedDict):
    """What the rules of the settings give to a W&B artifact.

    Attributes:
        aliases: aliases.
        link: path of the collection that it is linked to; null: none.
        metadata: keys and values of metadata.
        notes: what they do not give, and why.
    """

    aliases: list[str]
    link: str | None
    metadata: dict[str, Any]
    notes: list[str]


class ArtifactDocument(TypedDict):
    """A W&B artifact.

    Attributes:
        name: its name in W&B.
        type: its type in W&B: dataset, model, other, ...
        aliases: aliases that it gets.
        files: its files.
        modules: Python modules that its pickles need; null: not known.
        description: its description in W&B; null: none.
        metadata: its metadata in W&B.
        rules: what the settings' rules give to it; null: there is none for it.
    """

    name: str
    type: str
    aliases: list[str]
    files: list[FileDocument]
    modules: Any
    description: str | None
    metadata: dict[str, Any]
    rules: RulesDocument | None


class PreviewDocument(TypedDict):
    """A panel that shows the artifact in W&B.

    Attributes:
        key: its key in the W&B run.
        kind: table, image, html, ...
        rows: rows of a table; null: it is none.
        columns: columns of a table; null: it is none.
    """

    key: str
    kind: str
    rows: int | None
    columns: list[str] | None


class WandbRunDocument(TypedDict):
    """What a W&B run gets of the artifact.

    Attributes:
        id: id of the W&B run.
        name: name of the W&B run.
        summary: keys and values of its summary.
        charts: names of line charts.
        table_columns: columns of its table of tasks.
        artifacts: W&B artifacts that it logs.
        previews: panels.
    """

    id: str
    name: str
    summary: dict[str, Any]
    charts: list[str]
    table_columns: list[str]
    artifacts: list[ArtifactDocument]
    previews: list[PreviewDocument]


class LossDocument(TypedDict):
    """Something that does not reach W&B.

    Attributes:
        item: its name.
        reason: the reason, one line.
    """

    item: str
    reason: str


class ExplainDocument(TypedDict):
    """What `mfwb explain` prints with `--json`: one artifact, what W&B gets of it, and why.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        artifact: pathspec of the artifact.
        name: its name.
        flow_run: pathspec of its flow run.
        state: of the flow run in Metaflow: completed, failed or running.
        entity: the entity in W&B; null: your default one.
        project: the project in W&B.
        parameter: facts of it as a parameter; null: it is none.
        among_tasks: number of tasks of the step.
        tasks: the artifact as each task has it.
        wandb_runs: what W&B runs get of it.
        losses: what of it does not reach W&B.
    """

    version: Literal[1]
    artifact: str
    name: str
    flow_run: str
    state: str
    entity: str | None
    project: str
    parameter: ParameterDocument | None
    among_tasks: int
    tasks: list[TaskDocument]
    wandb_runs: list[WandbRunDocument]
    losses: list[LossDocument]
