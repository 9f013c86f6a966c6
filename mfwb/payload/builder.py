"""Payload builder: turns the artifacts of a planned W&B run into values, files and a log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from mfwb.conversion.convert import Conversion
from mfwb.conversion.converter import MAX_MEMORY
from mfwb.conversion.inspector import Inspector
from mfwb.conversion.inspector_child import Inspection
from mfwb.conversion.json_safe import json_size, to_json
from mfwb.errors import ItemLost
from mfwb.files.content_store import Store
from mfwb.isolation.forkserver import Forkserver
from mfwb.payload.artifact_rules import apply_rules
from mfwb.payload.change_inspection import add_content_digests
from mfwb.payload.checkpoints import checkpoint_values
from mfwb.payload.conversion_cache import ConversionCache
from mfwb.payload.curves import Curves, Frames, draw_curves
from mfwb.payload.expected import Expectations
from mfwb.payload.file_names import make_names_safe
from mfwb.payload.files import CONVERSIONS, FileBuilder
from mfwb.payload.foreach_items import add_foreach_items
from mfwb.payload.frame_curves import find_frame_curves
from mfwb.payload.history import build_axes, build_history
from mfwb.payload.inspections import Inspections
from mfwb.payload.logs import find_log_losses, read_log
from mfwb.payload.masking import mask_losses, mask_values
from mfwb.payload.metadata import BuiltArtifact, build_description, build_metadata
from mfwb.payload.overview import RenderOverview, build_overview, with_file_rules
from mfwb.payload.parameters import add_parameter_values, decode_artifacts
from mfwb.payload.previews import build_previews, preview_conversion
from mfwb.payload.read_ahead import ReadAhead
from mfwb.payload.refcount import RefCount
from mfwb.payload.spooled_log import SpooledLog
from mfwb.payload.summary import limit_summary, summarize, table_reference
from mfwb.payload.task_table import build_task_table
from mfwb.payload.type_inspection import inspect_types
from mfwb.payload.values import (
    Values,
    add_elsewhere_texts,
    decode_readable,
    decode_values,
    merge_readable,
)
from mfwb.pickles.packages import WHOLE_LIMIT, list_packages, read_names_in_file
from mfwb.planning import (
    Content,
    OutputArtifact,
    Plan,
    PlannedCard,
    PlannedFile,
    PlannedRun,
    WandbRunId,
)
from mfwb.planning.size_limits import SUMMARY_LIMIT
from mfwb.ports import AppliedRule, Contents, ExpectedRun, ReadyArtifact, ReadyCard, ReadyRun
from mfwb.redaction import Masked, Masker, mask_card_file
from mfwb.snapshot import FlowRun, Loss
from mfwb.snapshot.masking import with_masked_facts

__all__ = ["PayloadBuilder"]


@dataclass(frozen=True, slots=True)
class _Summarized:
    """The values of a W&B run, and the summary made of them.

    Attributes:
        values: those that the plan has as values.
        curves: those that are too large for the summary, but not for a chart.
        every: values, and readable forms of other artifacts.
        drawn: the charts.
    """

    values: Values
    curves: Values
    every: Values
    drawn: Curves
    summary: dict[str, Any]
    losses: list[Loss]
    masked: list[Masked]


class PayloadBuilder:
    """Builds the payloads of W&B runs; implements `mfwb.ports.Payloads`."""

    def __init__(  # noqa: PLR0913 - settings of a call, each by its name
        self,
        folder: Path,
        *,
        keep: bool,
        max_memory: int = MAX_MEMORY,
        forkservers: Mapping[bool, Forkserver] | None = None,
        inspector: Inspector | None = None,
        renew: bool = False,
        masker: Masker | None = None,
        render_overview: RenderOverview | None = None,
    ) -> None:
        """Prepare to build payloads in a folder.

        Args:
            folder: destination of the files.
            keep: whether files stay there for ever, as an offline bundle needs them.
            max_memory: bytes of memory that the conversion of one artifact may take.
            forkservers: start the processes of conversions, as `ConversionCache` takes them.
            inspector: inspects pickles, and is closed with this; None: one is made.
            renew: whether files that exist in the folder already are made once more.
            masker: knows what a secret is; None: the default rules.
            render_overview: makes the page about a flow run, for the W&B run of the whole flow
                run; None: it gets no page.
        """
        self._masker = masker or Masker()
        self._render_overview = render_overview
        self._store = Store(folder, renew=renew)
        self._conversions = ConversionCache(self._store, max_memory, forkservers, self._masker)
        self._inspector = inspector or Inspector()
        self._inspect = self._inspector.inspect
        self._file_builder = FileBuilder(self._store, self._conversions, self._masker)
        self._read_ahead = ReadAhead(self._inspect, self._file_builder)
        self._keep = keep
        self._refcount = RefCount()
        self._cleanup_lock = Lock()
        self._logs: list[tuple[WandbRunId, SpooledLog]] = []  # logs that are not sent yet

    def inspect(self, flow_run: FlowRun, contents: Contents) -> FlowRun:
        """Return the flow run with names of unclear types, content digests and parameter values.

        Secrets in its facts are masked.
        """
        self._inspector.start()  # while the first bytes are loaded
        looked = inspect_types(flow_run, contents, self._inspect)
        looked = add_content_digests(looked, contents, self._inspect)
        looked = add_foreach_items(looked, contents, self._inspect)
        known = add_parameter_values(looked, contents, self._inspect)
        return with_masked_facts(known, self._masker)

    def decode(self, wanted: Sequence[Content], contents: Contents) -> Mapping[str, Any]:
        """Return the values of small artifacts as JSON types, by sha1, if they can be read."""
        return decode_artifacts(wanted, contents, self._inspect)

    def prestart(self, plan: Plan) -> None:
        """Start what is slow for the W&B runs of a plan, which will be requested later."""
        for run in plan.runs:
            self._acquire(run, (file.content.sha1 for file in _files_of(run)))
        self._read_ahead.add(plan)
        for run in plan.runs:
            for file in _files_of(run):
                conversion = _conversion(file)
                if conversion is not None:
                    self._conversions.prestart(file.content, conversion, run.unpickle, file.plugin)

    def prepare(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return values, files and log of one W&B run; unreadable artifacts are in the losses."""
        files = self.files(run, contents)  # first: previews reuse these conversions
        values = self.values(run, contents)
        log = self.log(run, contents)
        return replace(
            values,
            artifacts=files.artifacts,
            cards=files.cards,
            log=log.log,
            log_lines=log.log_lines,
            log_bytes_left_out=log.log_bytes_left_out,
            losses=(*values.losses, *files.losses, *log.losses),
            masked=(*values.masked, *files.masked, *log.masked),
        )

    def values(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return only the values of a W&B run: summary, history, table, previews."""
        if run.overview is not None:
            write = partial(self._write_figure, run)
            return build_overview(
                run,
                run.overview,
                contents,
                self._inspect,
                write,
                self._masker,
                self._render_overview,
            )
        inspections = self._read_ahead.prepare(run, contents)
        parts = self._summarize(
            run, inspections, find_frame_curves(run, self._conversions, contents)
        )
        values, drawn, masked = parts.values, parts.drawn, parts.masked
        previews = tuple(build_previews(run, values, self._conversions, contents, masked))
        numbers = _joined(values, parts.curves)
        history = build_history(run, numbers, drawn)
        return ReadyRun(
            summary=parts.summary,
            history=history,
            axes=build_axes(history, drawn),
            table=build_task_table(run, parts.every),
            previews=previews,
            losses=mask_losses(parts.losses, self._masker),
            masked=tuple(masked),
        )

    def _summarize(self, run: PlannedRun, inspections: Inspections, frames: Frames) -> _Summarized:
        """Return the values of a W&B run and its summary.

        Args:
            run: the planned W&B run.
            inspections: decode values.
            frames: the curves in its tables.
        """
        values, losses = decode_values(run.values, inspections, run.unpickle)
        values, masked = mask_values(values, run.values, self._masker)
        curves, _ = decode_values(
            run.curves, inspections, run.unpickle
        )  # their losses are reported with the files
        shown = merge_readable(decode_readable(run.shown, inspections), checkpoint_values(run))
        shown, masked_beside = mask_values(shown, run.shown, self._masker)
        masked += [replace(beside, item=f"value of {beside.item}") for beside in masked_beside]
        every = merge_readable(add_elsewhere_texts(run.values, values), shown)
        drawn = draw_curves(
            run,
            _joined(values, curves, {key: shown[key] for key in run.named_curves if key in shown}),
            frames,
        )
        inside = {key: value for key, value in every.items() if key not in drawn.replaced}
        summary, dropped = limit_summary(
            {
                **summarize(run, {key: inside[key] for key in values if key in inside}),
                **{key: to_json(number) for key, number in drawn.last_points().items()},
            },
            beside=json_size(run.summary),
            limit=SUMMARY_LIMIT,
        )
        if run.merged:  # the table contains the dropped values
            summary |= {key: table_reference(len(values[key])) for key in dropped}
        else:
            losses += _dropped(run, dropped)
        readable, _ = limit_summary(
            summarize(
                run,
                {
                    key: value
                    for key, value in shown.items()
                    if key not in values and key not in drawn.replaced
                },
            ),
            beside=json_size(run.summary) + json_size(summary),
            limit=SUMMARY_LIMIT,
        )  # values that do not fit are in their artifacts
        summary |= readable
        return _Summarized(values, curves, every, drawn, summary, losses, masked)

    def expect(self, run: PlannedRun, contents: Contents) -> ExpectedRun:
        """Return what `prepare` would find, as far as it is known without converting anything."""
        losses: list[Loss] = []
        masked: list[Masked] = []
        if run.overview is not None:
            losses += build_overview(
                run, run.overview, contents, self._inspect, lambda _, __: Path(), self._masker
            ).losses
        else:
            parts = self._summarize(run, Inspections(contents, self._inspect), {})
            losses += parts.losses
            masked += parts.masked
        expectations = Expectations(contents, self._store, self._masker)
        files = expectations.of_run(run, losses)
        card_bytes = 0
        for planned in run.cards:
            try:
                with self._store.scratch() as html:
                    contents.copy_card(planned.task, planned.card, html)
                    card_bytes += html.stat().st_size
            except ItemLost as error:  # noqa: PERF203 - the others are looked at, too
                losses.append(Loss(planned.item, str(error)))
        log_bytes, log_losses = find_log_losses(run, contents, self._masker)
        return ExpectedRun(
            tuple(dict.fromkeys([*mask_losses(losses, self._masker), *log_losses])),
            files,
            card_bytes,
            log_bytes,
            (*masked, *expectations.masked),
        )

    def files(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return only the files of a W&B run: artifacts and cards."""
        losses: list[Loss] = []
        masked: list[Masked] = []
        artifacts = tuple(self._artifacts(run, contents, losses, masked))
        cards = tuple(self._cards(run, contents, losses, masked))
        return ReadyRun(
            artifacts=artifacts,
            cards=cards,
            losses=mask_losses(losses, self._masker),
            masked=tuple(masked),
        )

    def log(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return only the log of a W&B run."""
        losses: list[Loss] = []
        masked: list[Masked] = []
        log = read_log(run, contents, losses, self._masker, masked)
        if not log:
            log.close()
            return ReadyRun(losses=tuple(losses))
        with self._cleanup_lock:
            self._logs.append((run.id, log))
        return ReadyRun(
            log=log,
            log_lines=log.lines,
            log_bytes_left_out=log.bytes_left_out,
            losses=tuple(losses),
            masked=tuple(masked),
        )

    def apply_rules(self, run: PlannedRun, contents: Contents) -> Mapping[str, AppliedRule]:
        """Return what the settings' rules give to the artifacts of a W&B run, by planned name."""
        return apply_rules(run, contents, self._inspect, self._masker)

    def release(self, run: PlannedRun) -> None:
        """Delete the files of a written W&B run, except those that other runs of the plan need."""
        self._read_ahead.release(run)
        with self._cleanup_lock:
            self._discard(self._refcount.release(run.id))
            for written, log in self._logs:
                if written == run.id:
                    log.close()
            self._logs = [entry for entry in self._logs if entry[0] != run.id]

    def discard(self, plan: Plan) -> None:
        """Release everything that is held for a plan, whether it is complete or not."""
        for run in plan.runs:
            self.release(run)
        self._conversions.stop_processes(plan.flow_run)
        self._inspector.stop_process(plan.flow_run)
        if self._refcount.is_empty:
            self._conversions.forget_failures()  # a later attempt may succeed

    def close(self) -> None:
        """Stop all processes, and remove the files that only the upload needed."""
        self._conversions.close()
        for _, log in self._logs:
            log.close()
        self._logs.clear()
        self._inspector.close()
        if self._keep:
            self._store.remove_unfinished()
        else:
            self._store.remove()

    def _artifacts(
        self, run: PlannedRun, contents: Contents, losses: list[Loss], masked: list[Masked]
    ) -> Iterator[ReadyArtifact]:
        applied = self.apply_rules(run, contents)
        inspections = self._read_ahead.prepare(run, contents)
        for planned in run.outputs:
            rules = with_file_rules(run, planned.name)
            built = list(self._build(planned, replace(run, **rules), contents, losses))
            files = tuple(file for artifact in built for file in artifact.result.files)
            masked += [
                Masked(item.planned.content.pathspec, item.result.marks)
                for item in built
                if item.result.marks
            ]
            if not files:
                continue
            modules = _modules_of(built, inspections)
            yield ReadyArtifact(
                planned,
                files,
                metadata=build_metadata(built, modules),
                description=build_description(built, modules, planned),
                rule=applied.get(planned.name),
            )

    def _build(
        self, artifact: OutputArtifact, run: PlannedRun, contents: Contents, losses: list[Loss]
    ) -> Iterator[BuiltArtifact]:
        for planned in artifact.files:
            item = planned.content.pathspec
            self._acquire(run, [planned.content.sha1])
            try:
                result = make_names_safe(
                    self._file_builder.files_of(
                        planned, contents, run, encoding=_encoding(artifact)
                    )
                )
            except ItemLost as error:
                losses.append(Loss(item, str(error)))
            else:
                losses += [Loss(f"{item}/{name}", why) for name, why in result.missing.items()]
                if result.files:
                    yield BuiltArtifact(planned, result)

    def _cards(
        self, run: PlannedRun, contents: Contents, losses: list[Loss], masked: list[Masked]
    ) -> Iterator[ReadyCard]:
        for planned in run.cards:
            try:
                path, marks = self._card(planned, run, contents)
            except ItemLost as error:  # noqa: PERF203 - a lost card must not lose the others
                losses.append(Loss(planned.item, str(error)))
            else:
                masked += [Masked(planned.item, marks)] * bool(marks)
                yield ReadyCard(planned.key, path)

    def _card(self, planned: PlannedCard, run: PlannedRun, contents: Contents) -> tuple[Path, int]:
        """Return the page of a card, and how many of its texts are masked."""
        with self._store.scratch() as html:
            contents.copy_card(planned.task, planned.card, html)
            marks = mask_card_file(html, self._masker)
            with html.open("rb") as file:
                digest = _sha1_of(file)
            self._acquire(run, [digest])
            self._store.add(f"{digest}.html", html)
            return self._store.path(f"{digest}.html"), marks

    def _write_figure(self, run: PlannedRun, text: str, suffix: str) -> Path:
        """Write a figure or a page of a W&B run, and return its file."""
        name = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._acquire(run, [name])
        with self._store.scratch() as path:
            path.write_text(text, encoding="utf-8")
            self._store.add(f"{name}.{suffix}", path)
        return self._store.path(f"{name}.{suffix}")

    def _acquire(self, run: PlannedRun, keys: Iterable[str]) -> None:
        with self._cleanup_lock:  # else another thread may be deleting these files just now
            self._refcount.acquire(run.id, keys)

    def _discard(self, keys: Iterable[str]) -> None:
        if not self._keep:
            for key in keys:
                self._store.discard(key)
                self._file_builder.forget(key)


def _modules_of(
    made: Iterable[BuiltArtifact], inspections: Inspections
) -> dict[str, tuple[str, ...] | None]:
    """Return the packages that each pickle needs; equal contents, as in a foreach, once."""
    pickles = [
        (planned.content, file.path, file.local)
        for planned, artifact_files in made
        for file in artifact_files.pickles
    ]
    paths = {content.sha1: (content, local) for content, _, local in pickles if local is not None}
    known = dict(_packages_in(paths.values(), inspections))
    return {name: known.get(content.sha1) for content, name, _ in pickles}


def _packages_in(
    paths: Iterable[tuple[Content, Path]], inspections: Inspections
) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    """Yield the packages that pickles refer to, by sha1; None if the names can't be read."""
    small = []
    for content, path in paths:
        if path.stat().st_size <= WHOLE_LIMIT:
            small.append((content, path))
        else:
            yield content.sha1, _packages(read_names_in_file(path))
    for content, (names, _) in inspections.of_files(Inspection.NAMES, small):
        yield content.sha1, _packages(names)


def _packages(names: Iterable[Any] | None) -> tuple[str, ...] | None:
    return None if names is None else list_packages([str(name) for name in names])


def _joined(*parts: Values) -> Values:
    """Return all merged; under one name, some tasks may have a small list and others a large."""
    joined: Values = {}
    for part in parts:
        for key, of_tasks in part.items():
            joined[key] = {**joined.get(key, {}), **of_tasks}
    return joined


def _files_of(run: PlannedRun) -> Iterator[PlannedFile]:
    for artifact in run.outputs:
        yield from artifact.files


def _conversion(file: PlannedFile) -> Conversion | None:
    """Return the conversion of a file, or that of its preview; None if it has neither."""
    if file.preview is not None and file.form not in CONVERSIONS:
        return preview_conversion(file)
    return CONVERSIONS.get(file.form)


def _encoding(artifact: OutputArtifact) -> str:
    """Return the encoding in which Metaflow stored an artifact; empty if its tasks differ."""
    facts = artifact.metadata.get("metaflow")
    encoding = facts.get("encoding") if isinstance(facts, dict) else None
    return encoding if isinstance(encoding, str) else ""


def _dropped(run: PlannedRun, sizes: dict[str, int]) -> Iterator[Loss]:
    for value in run.values:
        if value.key in sizes:
            reason = f"{sizes[value.key]:,} characters, too many for the summary of the W&B run"
            yield Loss(value.contents[0].pathspec, reason)


def _sha1_of(file: BinaryIO) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
