"""Payloads: values and files for W&B runs, made from the bytes of artifacts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mfwb.outcome import RuleOutcome
from mfwb.planning import Content, OutputArtifact, Plan, PlannedRun, Preview
from mfwb.ports.source import Contents, LogLine
from mfwb.redaction import Masked
from mfwb.snapshot import FlowRun, Loss

__all__ = [
    "AppliedRule",
    "ChartAxis",
    "ExpectedFiles",
    "ExpectedRun",
    "Payloads",
    "ReadyArtifact",
    "ReadyCard",
    "ReadyFile",
    "ReadyMedia",
    "ReadyPreview",
    "ReadyRun",
    "ReadyTable",
]


@dataclass(frozen=True, slots=True)
class ReadyFile:
    """One file of a W&B artifact: on disk, or a reference to it.

    Attributes:
        path: in the W&B artifact.
        size: in bytes; for a reference to a gzipped object, that of the object.
        local: the file on disk.
        md5: of that file, in base64, if it is known.
        uri: of the reference, if there is no file.
        etag: of the object at the URI, so that W&B notices when the object is replaced.
        version: of that object, if its store keeps versions.
        gzipped: whether the URI leads to a gzipped pickle; the description then explains it.
    """

    path: str
    size: int
    local: Path | None = None
    md5: str | None = None
    uri: str | None = None
    etag: str | None = None
    version: str | None = None
    gzipped: bool = False


@dataclass(frozen=True, slots=True)
class AppliedRule:
    """What the rules of the settings give to a W&B artifact.

    Attributes:
        outcome: aliases, link, keys of metadata, and what they do not give.
        metadata: the values of these keys.
    """

    outcome: RuleOutcome
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadyArtifact:
    """A W&B artifact with its files.

    Attributes:
        planned: name, type, aliases and metadata.
        files: of the artifact.
        metadata: facts from the bytes, which W&B gets beside the planned metadata.
        description: for people, with the two lines of code that load it.
        rule: what the rules of the settings give to it; None: there are none.
    """

    planned: OutputArtifact
    files: tuple[ReadyFile, ...]
    metadata: dict[str, Any] = field(default_factory=dict)
    description: str = ""
    rule: AppliedRule | None = None

    @property
    def referenced(self) -> int:
        """How many of Metaflow's artifacts in it are links to bytes that W&B does not have.

        Picked ones do not count: they are artifacts of the tasks that wrote them.
        """
        links = [file.path for file in self.files if file.uri is not None]
        written = len(self.planned.written_files)
        if not self.planned.picked:
            return min(len(links), written)  # a checkpoint may have many
        stems = tuple(file.stem for file in self.planned.written_files)
        return min(sum(path.startswith(stems) for path in links), written)


@dataclass(frozen=True, slots=True)
class ReadyTable:
    """The table of tasks."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class ReadyCard:
    """A card, as an HTML file."""

    key: str
    path: Path


@dataclass(frozen=True, slots=True)
class ReadyMedia:
    """A file that a W&B run shows in a panel.

    Attributes:
        path: of the file.
        type: W&B's name of the panel, as in "image-file".
        format: the suffix of such files, as in "png".
        width: of an image, in pixels.
        height: of an image, in pixels.
        caption: the text below it.
    """

    path: Path
    type: str
    format: str
    width: int | None = None
    height: int | None = None
    caption: str | None = None


@dataclass(frozen=True, slots=True)
class ReadyPreview:
    """The preview of an artifact in a W&B run: a table, files, or a value of the summary.

    Attributes:
        key: in the summary.
        kind: the kind of preview.
        table: of the kind TABLE.
        media: a file; several images are a gallery.
        value: a histogram, or the reason why there is no panel.
    """

    key: str
    kind: Preview
    table: ReadyTable | None = None
    media: tuple[ReadyMedia, ...] = ()
    value: Any = None


@dataclass(frozen=True, slots=True)
class ChartAxis:
    """The x axis of a chart.

    Attributes:
        chart: the name of the chart in the history.
        axis: the name of its x axis there.
        keeps_value: whether the summary has another value of the chart's name than its last point.
    """

    chart: str
    axis: str
    keeps_value: bool = False


@dataclass(frozen=True, slots=True)
class ReadyRun:
    """The values and files of one W&B run, which it needs beside its plan."""

    summary: dict[str, Any] = field(default_factory=dict)
    history: tuple[tuple[int, dict[str, float | int | str]], ...] = ()  # (step, row), ascending
    axes: tuple[ChartAxis, ...] = ()  # of the charts in the history
    table: ReadyTable | None = None
    artifacts: tuple[ReadyArtifact, ...] = ()
    log: Collection[LogLine] = ()
    log_lines: int = 0  # without those that only say how much is left out
    log_bytes_left_out: int = 0
    cards: tuple[ReadyCard, ...] = ()
    previews: tuple[ReadyPreview, ...] = ()
    losses: tuple[Loss, ...] = ()
    masked: tuple[Masked, ...] = ()  # items in which secrets were masked

    @property
    def axis_of(self) -> dict[str, str]:
        """The x axis of each chart that has one."""
        return {axis.chart: axis.axis for axis in self.axes}


@dataclass(frozen=True, slots=True)
class ExpectedFiles:
    """The files that a W&B artifact will have, as far as they are known before a conversion.

    Attributes:
        size: in bytes, together; of files that are to be converted, that of their pickles.
        is_estimate: whether some files are to be converted, or their size is not recorded.
        number: of files; a conversion makes at least one.
        linked: bytes of `size` that stay where they are, as those of references.
    """

    size: int = 0
    is_estimate: bool = False
    number: int = 1
    linked: int = 0


@dataclass(frozen=True, slots=True)
class ExpectedRun:
    """What a sync will find of a W&B run, as far as it is known before a conversion.

    Attributes:
        losses: of artifacts, values, cards and logs.
        files: of each artifact that will be logged, by its planned name.
        card_bytes: of all cards.
        log_bytes: of all logs, as they are stored.
        masked: values and code in which secrets will be masked.
    """

    losses: tuple[Loss, ...] = ()
    files: Mapping[str, ExpectedFiles] = field(default_factory=dict)
    card_bytes: int = 0
    log_bytes: int = 0
    masked: tuple[Masked, ...] = ()


class Payloads(Protocol):
    """Makes values and files from the bytes of artifacts."""

    def inspect(self, flow_run: FlowRun, contents: Contents) -> FlowRun:
        """Return the flow run with the facts that need its bytes.

        These are the `names` of artifacts whose recorded type is not enough, and the values of
        parameters. Secrets in its facts are masked.
        """
        ...

    def decode(self, wanted: Sequence[Content], contents: Contents) -> Mapping[str, Any]:
        """Return small artifacts as JSON values, by sha1, without those that can't be read."""
        ...

    def prestart(self, plan: Plan) -> None:
        """Start slow work for the W&B runs of a plan, which will be requested."""
        ...

    def prepare(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return values, files and log of one W&B run; what can't be read is among the losses."""
        ...

    def values(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return only the values of a W&B run: summary, history, table, previews.

        The log, artifacts and cards are not read.
        """
        ...

    def files(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return only the files of a W&B run: artifacts and cards."""
        ...

    def log(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return only the log of a W&B run."""
        ...

    def expect(self, run: PlannedRun, contents: Contents) -> ExpectedRun:
        """Return what `prepare` would find, as far as it is known without converting anything.

        Nothing is kept. Only small artifacts are read to their end.
        """
        ...

    def apply_rules(self, run: PlannedRun, contents: Contents) -> Mapping[str, AppliedRule]:
        """Return what the settings' rules give to the artifacts of a W&B run, by planned name."""
        ...

    def release(self, run: PlannedRun) -> None:
        """Remove the files of a W&B run that is written, but for those that another one needs."""
        ...

    def discard(self, plan: Plan) -> None:
        """Stop all work for a plan: nothing more of it will be requested."""
        ...

    def close(self) -> None:
        """Remove the files that only the upload needed, and end all work."""
        ...
