"""What W&B should have of a flow run: frozen values.

An item is REQUIRED (it must exist, and be equal) or ALLOWED (if it exists, it must be equal). If
W&B has an item under one of mfwb's names, and these values do not have it, it is unexpected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from mfwb.snapshot import Datastore
from mfwb.verification.expected.facts import CardFacts, HeldArtifact

__all__ = [
    "OVERVIEW_JOB_TYPE",
    "ExpectedArtifact",
    "ExpectedCard",
    "ExpectedFile",
    "ExpectedFlowRun",
    "ExpectedFolder",
    "ExpectedLine",
    "ExpectedPanel",
    "ExpectedRule",
    "ExpectedRun",
    "ExpectedSeries",
    "ExpectedTable",
    "ExpectedUse",
    "ExpectedValue",
    "Need",
    "Overview",
    "Statistics",
]


OVERVIEW_JOB_TYPE = "flow"
"""The job type of the W&B run of a whole flow run."""


class Need(Enum):
    """Whether an item has to exist in W&B."""

    REQUIRED = "required"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class Statistics:
    """Minimum, maximum and mean over tasks: the first two as JSON with marks.

    Attributes:
        chosen: the value of the task that a join chose, as JSON with marks; empty: there is none.
    """

    minimum: Any
    maximum: Any
    mean: int | float
    chosen: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectedValue:
    """A value of config or summary.

    Attributes:
        options: JSON with the marks of `wording`, or Statistics; any of them is right.
        reason: why the value is not known, if it is not; then only its existence is compared.
    """

    options: tuple[Any, ...]
    need: Need = Need.REQUIRED
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """A file of an artifact; size and md5 are None where they can't be predicted."""

    size: int | None = None
    md5: str | None = None
    reference: bool = False


@dataclass(frozen=True, slots=True)
class ExpectedFolder:
    """The files that stand for what one task stored.

    Attributes:
        prefix: `3/`, or empty.
        task: the task that stored it.
        held: the stored artifact, whose content the files have.
        picked_from: the tasks that may have written it, if this one picked it.
        options: by path behind the prefix; any of them is right. A path that ends in `*` stands for
            one or more files.
    """

    prefix: str
    task: str
    held: HeldArtifact
    shape: str
    options: tuple[Mapping[str, ExpectedFile], ...]
    picked_from: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ExpectedArtifact:
    """An artifact that a W&B run logs.

    Attributes:
        artifact: Metaflow's name.
        names: W&B's name, one of these.
        kinds: W&B's type, one of these.
        candidate_alias: the alias that it has since a later step picked among such artifacts.
    """

    artifact: str
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    folders: tuple[ExpectedFolder, ...]
    need: Need = Need.REQUIRED
    candidate_alias: str | None = None
    rule: ExpectedRule | None = None


@dataclass(frozen=True, slots=True)
class ExpectedRule:
    """What the rules of the settings give to an artifact.

    Attributes:
        aliases: of the version that has the alias of the flow run.
        link: the collection that this version is linked to; None: none.
        metadata: values by key.
        reason: why it is not known what they give; None: it is known.
    """

    aliases: frozenset[str] = frozenset()
    link: str | None = None
    metadata: Mapping[str, ExpectedValue] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ExpectedSeries:
    """Versions of one artifact that a W&B run logs.

    Attributes:
        names: W&B's name, one of these.
        versions: the possible files of each version, in order; empty where they are not known.
    """

    names: tuple[str, ...]
    versions: tuple[Sequence[Mapping[str, ExpectedFile]], ...]


@dataclass(frozen=True, slots=True)
class ExpectedUse:
    """What a W&B run uses of one artifact.

    Attributes:
        artifact: Metaflow's name.
        required: sets of W&B runs by name; of each set, it uses what at least one has logged.
        allowed: all W&B runs from which it may have it.
    """

    artifact: str
    required: tuple[frozenset[str], ...]
    allowed: frozenset[str]


@dataclass(frozen=True, slots=True)
class ExpectedCard:
    """A card, under its key of the summary; `task` is the one that made it."""

    key: str
    task: str
    card: CardFacts
    need: Need = Need.REQUIRED


@dataclass(frozen=True, slots=True)
class ExpectedLine:
    """A line of the log: `clock` is empty if its time was not recorded."""

    clock: str
    text: str


@dataclass(frozen=True, slots=True)
class ExpectedTable:
    """The table of tasks.

    Attributes:
        own: columns that are not of artifacts.
        rows: own cells by task.
        columns: the tasks' values by column, each by task, as JSON with marks.
    """

    own: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    columns: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Overview:
    """What only the W&B run of a whole flow run has.

    Attributes:
        final: for each artifact that the flow run ends with, the W&B runs that may have logged it.
        panels: what else its summary shows, by key, with W&B's type.
    """

    final: Mapping[str, frozenset[str]]
    panels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ExpectedPanel:
    """A panel of the summary.

    Attributes:
        types: W&B's types of what it may show.
        may_be_text: whether a text may be there, which says why there is no panel.
        is_required: whether it has to be there.
    """

    key: str
    types: frozenset[str]
    may_be_text: bool
    is_required: bool


@dataclass(frozen=True, slots=True)
class ExpectedRun:
    """A W&B run.

    Attributes:
        facts: what config["metaflow"] has to have.
        outcome: what summary["metaflow"] has to have.
        untrue_facts: keys that config["metaflow"] must not have.
        untrue_outcome: keys that summary["metaflow"] must not have.
        history: numbers by row and key.
        axes: the x axis of each chart.
        has_open_charts: whether there may be charts that are not worked out, of tables.
        other_names: the names of charts if a table has a column of the same name.
        open_keys: keys of summary and history that are not settled here.
        log: None if it is not settled: there is more of it than W&B gets.
        is_log_sorted: whether its lines have the order of their times.
        started_at: epoch ms.
        runtime: seconds.
        may_use_others: whether its code may read artifacts of other flow runs.
        unknown: what could not be worked out, by item.
        series: the checkpoints that its tasks saved beside their artifacts.
        notes: texts that its notes have to contain.
    """

    name: str
    group: str
    job_type: str
    tags: frozenset[str]
    state: str
    config: Mapping[str, ExpectedValue]
    facts: Mapping[str, ExpectedValue]
    summary: Mapping[str, ExpectedValue]
    outcome: Mapping[str, ExpectedValue]
    history: Mapping[tuple[int, str], int | float]
    table: ExpectedTable | None
    cards: Sequence[ExpectedCard]
    log: Sequence[ExpectedLine] | None
    artifacts: Sequence[ExpectedArtifact]
    uses: Sequence[ExpectedUse]
    open_keys: frozenset[str] = frozenset()
    previews: Mapping[str, str] = field(default_factory=dict)  # by key, the artifact
    panels: Sequence[ExpectedPanel] = ()
    is_log_sorted: bool = True
    started_at: int | None = None
    runtime: float | None = None
    may_use_others: bool = True
    unknown: tuple[tuple[str, str], ...] = ()
    series: tuple[ExpectedSeries, ...] = ()
    untrue_facts: frozenset[str] = frozenset()
    untrue_outcome: frozenset[str] = frozenset()
    overview: Overview | None = None  # if it is the W&B run of a whole flow run
    axes: Mapping[str, str] = field(default_factory=dict)
    has_open_charts: bool = False
    other_names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectedFlowRun:
    """All W&B runs of a flow run.

    Attributes:
        alias: `run-123`.
        final: for each artifact that the flow run ends with, the W&B runs that may have logged it:
            `Run("Flow/123").data.NAME`.
        names: keys of the summary for all artifacts of the flow run.
        datastores: the datastore of each task, by its path.
        rule_aliases: all aliases that rules of the settings may set.
    """

    pathspec: str
    state: str
    started_at: int
    alias: str
    runs: Sequence[ExpectedRun]
    final: Mapping[str, frozenset[str]]
    names: frozenset[str]
    datastores: Mapping[str, Datastore]
    origins: Mapping[str, str] = field(default_factory=dict)
    rule_aliases: frozenset[str] = frozenset()
    unknown: tuple[tuple[str, str], ...] = ()
