"""What a report shows of a flow run beside its facts: values, previews, charts, logs and cards.

All of it is made as for a sync: by the confined processes, with secrets masked. Nothing is written
to W&B, and what is not in a report because of a limit is said in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from mfwb.config import Settings
from mfwb.errors import ItemLost, NotFound, UsageError
from mfwb.pipeline.reading import TracedFlowRun, trace
from mfwb.pipeline.selection import Selection, select_flow_runs
from mfwb.planning import (
    OtherFlowRun,
    OutputArtifact,
    Plan,
    PlannedRun,
    PlannedValue,
    Preview,
    draft_plan,
)
from mfwb.ports import (
    Contents,
    LogLine,
    Payloads,
    Progress,
    ReadyPreview,
    ReadyRun,
    ReadyTable,
    Source,
)
from mfwb.redaction import LogMasker, Masker
from mfwb.snapshot import FlowRunState, Loss, Task, TaskState

__all__ = [
    "ArtifactPreview",
    "LogEnd",
    "MaterialRun",
    "PreviewImage",
    "ReportLimits",
    "ReportMaterial",
    "ShownCard",
    "gather_material",
    "gather_materials",
    "value_names",
]

_MAX_FLOW_RUNS = 20
"""Flow runs of a comparison: a page with more columns can't be read."""


@dataclass(frozen=True, slots=True)
class ReportLimits:
    """How much a report reads of a flow run. Sizes are in bytes.

    Attributes:
        logs: tasks whose logs are read, failed ones first.
        log_bytes: of one log; half of it is its end.
        log_lines: the last lines of a log that are shown.
        log_text: of all logs together.
        previews: artifacts whose contents are read for a preview.
        images: of all images together.
        image: of one image.
        cards: that are read.
        card: of one card.
    """

    logs: int = 60
    log_bytes: int = 200_000
    log_lines: int = 60
    log_text: int = 400_000
    previews: int = 150
    images: int = 1_200_000
    image: int = 400_000
    cards: int = 20
    card: int = 8_000_000


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The last lines of a task's log.

    Attributes:
        lines: without secrets.
        hidden: the number of lines before them that were read; more may have been left out.
        left_out: bytes that were not even read.
        lost: why there is no log; empty if there is one.
    """

    lines: tuple[LogLine, ...] = ()
    hidden: int = 0
    left_out: int = 0
    lost: str = ""


@dataclass(frozen=True, slots=True)
class PreviewImage:
    """An image of an artifact.

    Attributes:
        data: its bytes; None: too large for a report.
        format: png, jpg, gif or webp.
        caption: the task that it is of, where there are several.
    """

    data: bytes | None
    format: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class ArtifactPreview:
    """The preview of a W&B artifact that a step would log.

    Attributes:
        kind: of the preview.
        table: the first rows of a table.
        images: of an image or a gallery.
        histogram: numbers per bin, and the edges of the bins.
        text: what is shown in place of a preview.
    """

    kind: Preview
    table: ReadyTable | None = None
    images: tuple[PreviewImage, ...] = ()
    histogram: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A card of a task.

    Attributes:
        task: pathspec.
        key: its type and id.
        html: the page, without secrets; None: it is not shown.
        reason: why it is not shown.
    """

    task: str
    key: str
    html: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MaterialRun:
    """One step: what is planned for it, and its values.

    Attributes:
        planned: the W&B run of the step.
        values: its summary, history and table of tasks; no previews.
        previews: by the name of the artifact.
    """

    planned: PlannedRun
    values: ReadyRun
    previews: Mapping[str, tuple[ArtifactPreview, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReportMaterial:
    """A flow run and all that a report shows of it.

    Attributes:
        traced: facts and lineage.
        runs: one for each step that ran.
        logs: by task.
        cards: of all tasks.
        losses: what can't be read, with the reason.
        not_read: what was left out, because there is too much, as one line each.
    """

    traced: TracedFlowRun
    runs: tuple[MaterialRun, ...] = ()
    logs: Mapping[str, LogEnd] = field(default_factory=dict)
    cards: tuple[ShownCard, ...] = ()
    losses: tuple[Loss, ...] = ()
    not_read: tuple[str, ...] = ()


def gather_materials(
    selection: Selection,
    settings: Settings,
    source: Source,
    payloads: Payloads,
    progress: Progress,
) -> list[ReportMaterial]:
    """Return what a report shows of the selected flow runs; of several only what is compared.

    Args:
        selection: the flow runs.
        settings: of this call.
        source: where they are read from.
        payloads: makes values and previews.
        progress: is notified of the flow runs.

    Raises:
        UsageError: if there are too many.
        NotFound: if there is none.
        SourceError: if one can't be read.
        LineageError: if what was recorded of one contradicts itself.
        Unreachable: if Metaflow's metadata can't be reached.
    """
    selected = select_flow_runs(selection, source, lambda _flow, _listed: ())
    if len(selected) > _MAX_FLOW_RUNS:
        raise UsageError(
            f"a comparison has at most {_MAX_FLOW_RUNS} flow runs, and {len(selected):,} are "
            "selected; choose with --last, --since or --tag"
        )
    traced = []
    for number, flow_run in enumerate(selected):
        if flow_run.error is not None:
            raise flow_run.error
        progress.flow_run(str(flow_run.pathspec), number, len(selected))
        traced.append(trace(flow_run.pathspec, source, payloads))
    if selection.failed is not None:
        traced = [
            every for every in traced if (every.flow_run.state in _FAILED) is selection.failed
        ]
    if not traced:
        raise NotFound(f"no flow run is selected in {source.provider}")
    return [
        gather_material(
            every, settings, source, payloads, limits=ReportLimits(), is_brief=len(traced) > 1
        )
        for every in traced
    ]


_FAILED = (FlowRunState.FAILED, FlowRunState.ABANDONED)


def gather_material(  # noqa: PLR0913 - each is a part of its own
    traced: TracedFlowRun,
    settings: Settings,
    source: Source,
    payloads: Payloads,
    *,
    limits: ReportLimits,
    is_brief: bool = False,
) -> ReportMaterial:
    """Return what a report shows of a flow run.

    Args:
        traced: the flow run, as `trace` returns it.
        settings: of this call. Pickles are loaded safely or not at all, whatever they say.
        source: where it was read from.
        payloads: makes the values and previews.
        limits: how much is read.
        is_brief: whether only values are needed: no previews, logs and cards.
    """
    flow_run = traced.flow_run
    if not any(step.tasks for step in flow_run.steps):
        return ReportMaterial(traced, losses=flow_run.losses)
    contents = source.contents(flow_run)
    plan = _draft(traced, settings, source)
    reader = _Reader(payloads, contents, settings.redact.make_masker(), limits)
    try:
        runs = tuple(reader.read_run(run, is_brief=is_brief) for run in plan.runs)
        if is_brief:
            return ReportMaterial(traced, runs, losses=_losses(plan, runs, flow_run.losses))
        logs = reader.read_logs(tuple(flow_run.tasks))
        cards = tuple(reader.read_cards(plan.runs))
    finally:
        payloads.discard(plan)
    return ReportMaterial(
        traced,
        runs,
        logs,
        cards,
        _losses(plan, runs, flow_run.losses),
        tuple(reader.not_read),
    )


def _draft(traced: TracedFlowRun, settings: Settings, source: Source) -> Plan:
    """Return a plan with one W&B run for each step, whatever the settings say of that."""
    flows = {
        name: table.model_copy(update={"granularity": None, "overview": None, "artifact": {}})
        for name, table in settings.flow.items()
    }
    own = settings.model_copy(
        update={
            "granularity": "step",
            "overview": False,
            "code": False,
            "unpickle": "never" if settings.unpickle == "never" else "safe",
            "flow": flows,
        }
    )
    return draft_plan(
        traced.flow_run,
        traced.lineage,
        own,
        entity=None,
        project="report",
        others=[
            OtherFlowRun(other.flow_run, other.lineage, None, "report") for other in traced.others
        ],
        consoles=source.consoles,
    )


def _losses(plan: Plan, runs: Iterable[MaterialRun], of_facts: Sequence[Loss]) -> tuple[Loss, ...]:
    every = [*of_facts, *plan.losses]
    for run in runs:
        every += (*run.planned.losses, *run.values.losses)
    return tuple(dict.fromkeys(every))


class _Reader:
    """Reads what a report shows, within its limits."""

    def __init__(
        self, payloads: Payloads, contents: Contents, masker: Masker, limits: ReportLimits
    ) -> None:
        self._payloads = payloads
        self._contents = contents
        self._masker = masker
        self._limits = limits
        self._previews_left = limits.previews
        self._images_left = limits.images
        self._skipped_previews = 0
        self.not_read: list[str] = []

    def read_run(self, run: PlannedRun, *, is_brief: bool) -> MaterialRun:
        """Return the values and previews of a step."""
        alone = replace(run, outputs=(), checkpoints=(), cards=())
        values = self._payloads.values(alone, self._contents)
        if is_brief:
            return MaterialRun(run, values)
        previews: dict[str, tuple[ArtifactPreview, ...]] = {}
        for output in run.outputs:
            name = _artifact_of(output)
            if name and any(file.preview is not None for file in output.files):
                previews[name] = (*previews.get(name, ()), *self._previews(output, run))
        return MaterialRun(run, values, previews)

    def _previews(self, output: OutputArtifact, run: PlannedRun) -> Iterator[ArtifactPreview]:
        if self._previews_left <= 0:
            self._skipped_previews += 1
            text = "too many artifacts have a preview; this one is not read"
            yield ArtifactPreview(Preview.TABLE, text=text)
            return
        self._previews_left -= 1
        alone = replace(
            run, values=(), curves=(), shown=(), checkpoints=(), cards=(), outputs=(output,)
        )
        for preview in self._payloads.values(alone, self._contents).previews:
            yield self._preview(preview)

    def _preview(self, preview: ReadyPreview) -> ArtifactPreview:
        if preview.table is not None:
            return ArtifactPreview(preview.kind, table=preview.table)
        images = tuple(
            PreviewImage(self._image(media.path.read_bytes()), media.format, media.caption or "")
            for media in preview.media
            if media.format in _IMAGES and media.path.stat().st_size <= self._limits.image
        )
        if images:
            return ArtifactPreview(preview.kind, images=images)
        if isinstance(preview.value, dict) and "bins" in preview.value:
            histogram = tuple(preview.value["values"]), tuple(preview.value["bins"])
            return ArtifactPreview(preview.kind, histogram=histogram)
        if isinstance(preview.value, str):
            return ArtifactPreview(preview.kind, text=preview.value)
        formats = sorted({media.format for media in preview.media})
        what = " and ".join(formats) or preview.kind.value
        return ArtifactPreview(preview.kind, text=f"{what}: W&B shows it, this page does not")

    def _image(self, data: bytes) -> bytes | None:
        if len(data) > self._images_left:
            return None
        self._images_left -= len(data)
        return data

    def read_logs(self, tasks: Sequence[Task]) -> dict[str, LogEnd]:
        """Return the ends of logs: of failed tasks first, then of the first tasks of each step."""
        wanted = sorted(tasks, key=partial(_urgency, _positions(tasks)))
        left = self._limits.log_text
        logs: dict[str, LogEnd] = {}
        for task in wanted[: self._limits.logs]:
            if left <= 0:
                break
            logs[task.pathspec] = self._log(task.pathspec)
            left -= sum(len(line.text) + 40 for line in logs[task.pathspec].lines)
        if len(logs) < len(tasks):
            self.not_read.append(
                f"logs of {len(logs):,} of {len(tasks):,} tasks are here: those of failed ones "
                "first, then of the first tasks of each step"
            )
        return logs

    def _log(self, task: str) -> LogEnd:
        masker = LogMasker(self._masker)
        lines: list[LogLine] = []
        left_out = 0
        try:
            for line in self._contents.log(task, max_bytes=self._limits.log_bytes):
                left_out += line.left_out
                text = masker.mask(line.stream, line.text)
                lines.append(line if text is line.text else replace(line, text=text))
        except ItemLost as error:
            return LogEnd(lost=self._masker.mask_text(str(error)))
        end = tuple(lines[-self._limits.log_lines :])
        return LogEnd(end, len(lines) - len(end), left_out)

    def read_cards(self, runs: Iterable[PlannedRun]) -> Iterator[ShownCard]:
        """Yield the cards of steps; only the first ones are read."""
        read = 0
        for run in runs:
            for planned in run.cards:
                if read >= self._limits.cards:
                    reason = f"only the first {self._limits.cards} cards are in this page"
                    yield ShownCard(planned.task, planned.key, None, reason)
                    continue
                read += 1
                alone = replace(
                    run, outputs=(), values=(), curves=(), shown=(), cards=(planned,), losses=()
                )
                ready = self._payloads.files(alone, self._contents)
                if not ready.cards:
                    reason = ready.losses[0].reason if ready.losses else "it can't be read"
                    yield ShownCard(planned.task, planned.key, None, reason)
                    continue
                path = ready.cards[0].path
                if path.stat().st_size > self._limits.card:
                    yield ShownCard(planned.task, planned.key, None, "it is too large for a page")
                    continue
                html = path.read_bytes().decode("utf-8", "replace")
                yield ShownCard(planned.task, planned.key, html)


_IMAGES = frozenset({"png", "jpg", "gif", "webp"})
_URGENT = {TaskState.FAILED: 0, TaskState.CAUGHT: 1, TaskState.UNFINISHED: 2}


def _positions(tasks: Sequence[Task]) -> dict[str, int]:
    """Return the place of each task among those of its step."""
    counts: defaultdict[str, int] = defaultdict(int)
    positions = {}
    for task in tasks:
        positions[task.pathspec] = counts[task.step]
        counts[task.step] += 1
    return positions


def _urgency(positions: Mapping[str, int], task: Task) -> tuple[int, int]:
    return _URGENT.get(task.state, 3), positions[task.pathspec]


def _artifact_of(output: OutputArtifact) -> str:
    """Return the name of Metaflow's artifact that a W&B artifact is made from."""
    names = {file.content.name for file in output.files}
    return names.pop() if len(names) == 1 and not output.is_extra else ""


def value_names(run: PlannedRun) -> dict[str, PlannedValue]:
    """Return the planned values of a step by the name of Metaflow's artifact."""
    return {
        value.contents[0].name: value
        for values in (run.curves, run.shown, run.values)
        for value in values
        if value.contents
    }
