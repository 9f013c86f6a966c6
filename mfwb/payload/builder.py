"""Where the payload of a W&B run is made ready."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from mfwb.conversion.convert import Conversion
from mfwb.conversion.converter import MAX_MEMORY
from mfwb.conversion.inspector import Inspector
from mfwb.conversion.inspector_child import Inspection
from mfwb.conversion.json_safe import json_size
from mfwb.errors import ItemLost
from mfwb.files.content_store import Store
from mfwb.payload.change_inspection import add_content_digests
from mfwb.payload.conversion_cache import ConversionCache
from mfwb.payload.file_names import make_names_safe
from mfwb.payload.files import CONVERSIONS, FileBuilder
from mfwb.payload.history import build_history
from mfwb.payload.logs import read_log
from mfwb.payload.metadata import BuiltArtifact, build_description, build_metadata
from mfwb.payload.parameters import add_parameter_values, decode_artifacts
from mfwb.payload.previews import CONVERSIONS as PREVIEWS
from mfwb.payload.previews import build_previews
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
from mfwb.ports import Contents, ReadyArtifact, ReadyCard, ReadyRun
from mfwb.snapshot import FlowRun, Loss

__all__ = ["PayloadBuilder"]


class PayloadBuilder:
    """Bytes of artifacts -> values and files: `mfwb.ports.Payloads`."""

    def __init__(self, folder: Path, *, keep: bool, max_memory: int = MAX_MEMORY) -> None:
        """Work in a folder.

        Args:
            folder: where files go.
            keep: whether they stay there for ever, as an offline bundle needs them.
            max_memory: bytes that converting one artifact may take.
        """
        self._store = Store(folder)
        self._converted = ConversionCache(self._store, max_memory)
        self._inspector = Inspector()
        self._inspect = self._inspector.inspect
        self._forms = FileBuilder(self._store, self._converted)
        self._keep = keep
        self._holding = RefCount()
        self._tidying = Lock()
        self._logs: list[tuple[WandbRunId, SpooledLog]] = []  # that are still to be sent

    def look_inside(self, flow_run: FlowRun, contents: Contents) -> FlowRun:
        """Return the flow run with names filled in where the type says too little, and values."""
        self._inspector.start()  # while the first bytes are loaded
        looked = inspect_types(flow_run, contents, self._inspect)
        looked = add_content_digests(looked, contents, self._inspect)
        return add_parameter_values(looked, contents, self._inspect)

    def decoded(self, wanted: Sequence[Content], contents: Contents) -> Mapping[str, Any]:
        """Return what small artifacts are, by sha1, as JSON; what can't be had is missing."""
        return decode_artifacts(wanted, contents, self._inspect)

    def expect(self, plan: Plan) -> None:
        """Hear that W&B runs of a plan will be asked for, to begin with what takes a while."""
        for run in plan.runs:
            self._hold(run, (file.content.sha1 for file in _files_of(run)))
        for run in plan.runs:
            for file in _files_of(run):
                conversion = _conversion(file)
                if conversion is not None:
                    self._converted.expect(file.content, conversion, run.unpickle, file.plugin)

    def prepare(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return values, files and log of one W&B run; what can't be had is among the losses."""
        files = self.files(run, contents)  # first: previews are made of what is made for these
        values = self.values(run, contents)
        log = self.log(run, contents)
        return replace(
            values,
            artifacts=files.artifacts,
            cards=files.cards,
            log=log.log,
            losses=(*values.losses, *files.losses, *log.losses),
        )

    def values(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return its values alone: summary, history, table, previews."""
        values, losses = decode_values(run.values, contents, run.unpickle, self._inspect)
        curves, _ = decode_values(
            run.curves, contents, run.unpickle, self._inspect
        )  # files have their losses
        shown = decode_readable(run.shown, contents, self._inspect)
        every = merge_readable(add_elsewhere_texts(run.values, values), shown)
        summary, dropped = limit_summary(
            summarize(run, {key: every[key] for key in values}),
            beside=json_size(run.summary),
            limit=SUMMARY_LIMIT,
        )
        if run.merged:  # the table has them
            summary |= {key: table_reference(len(values[key])) for key in dropped}
        else:
            losses += _dropped(run, dropped)
        readable, _ = limit_summary(
            summarize(run, {key: one for key, one in shown.items() if key not in values}),
            beside=json_size(run.summary) + json_size(summary),
            limit=SUMMARY_LIMIT,
        )  # what has no room is in its artifact
        summary |= readable
        return ReadyRun(
            summary=summary,
            history=build_history(run, _joined(values, curves)),
            table=build_task_table(run, every),
            previews=tuple(build_previews(run, values, self._converted, contents)),
            losses=tuple(losses),
        )

    def files(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return its files alone: artifacts and cards."""
        losses: list[Loss] = []
        artifacts = tuple(self._artifacts(run, contents, losses))
        cards = tuple(self._cards(run, contents, losses))
        return ReadyRun(artifacts=artifacts, cards=cards, losses=tuple(losses))

    def log(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return its log alone."""
        losses: list[Loss] = []
        log = read_log(run, contents, losses)
        if not log:
            log.close()
            return ReadyRun(losses=tuple(losses))
        with self._tidying:
            self._logs.append((run.id, log))
        return ReadyRun(log=log, losses=tuple(losses))

    def release(self, run: PlannedRun) -> None:
        """Hear that a W&B run is written: what no other one of the plan needs may go."""
        with self._tidying:
            self._discard(self._holding.let_go(run.id))
            for written, log in self._logs:
                if written == run.id:
                    log.close()
            self._logs = [one for one in self._logs if one[0] != run.id]

    def dismiss(self, plan: Plan) -> None:
        """Hear that no more will be asked for of a plan, however far it came."""
        for run in plan.runs:
            self.release(run)
        self._converted.let_go(plan.flow_run)
        self._inspector.let_go(plan.flow_run)
        if self._holding.is_empty:
            self._converted.forget()  # another time it may be done

    def close(self) -> None:
        """Remove the files that only the upload needed, and end what was begun."""
        self._converted.close()
        for _, log in self._logs:
            log.close()
        self._logs.clear()
        self._inspector.close()
        if self._keep:
            self._store.tidy()
        else:
            self._store.remove()

    def _artifacts(
        self, run: PlannedRun, contents: Contents, losses: list[Loss]
    ) -> Iterator[ReadyArtifact]:
        for planned in run.outputs:
            made = list(self._made(planned, run, contents, losses))
            files = tuple(file for one in made for file in one.found.files)
            if not files:
                continue
            modules = self._modules_of(made)
            yield ReadyArtifact(
                planned,
                files,
                metadata=build_metadata(made, modules),
                description=build_description(made, modules),
            )

    def _made(
        self, artifact: OutputArtifact, run: PlannedRun, contents: Contents, losses: list[Loss]
    ) -> Iterator[BuiltArtifact]:
        for planned in artifact.files:
            item = planned.content.pathspec
            self._hold(run, [planned.content.sha1])
            try:
                found = make_names_safe(
                    self._forms.files_of(planned, contents, run, encoding=_encoding(artifact))
                )
            except ItemLost as error:
                losses.append(Loss(item, str(error)))
            else:
                losses += [Loss(f"{item}/{name}", why) for name, why in found.missing.items()]
                if found.files:
                    yield BuiltArtifact(planned, found)

    def _cards(
        self, run: PlannedRun, contents: Contents, losses: list[Loss]
    ) -> Iterator[ReadyCard]:
        for planned in run.cards:
            try:
                path = self._card(planned, run, contents)
            except ItemLost as error:  # noqa: PERF203 - each card stands for itself
                losses.append(Loss(f"{planned.task}/{planned.key}", str(error)))
            else:
                yield ReadyCard(planned.key, path)

    def _card(self, planned: PlannedCard, run: PlannedRun, contents: Contents) -> Path:
        with self._store.scratch() as html:
            contents.copy_card(planned.task, planned.card, html)
            with html.open("rb") as file:
                digest = _sha1_of(file)
            self._hold(run, [digest])
            self._store.take(f"{digest}.html", html)
            return self._store.path(f"{digest}.html")

    def _modules_of(self, made: Iterable[BuiltArtifact]) -> dict[str, tuple[str, ...] | None]:
        """Return what each pickle needs; those of equal content, as in a foreach, are read once."""
        known: dict[str, tuple[str, ...] | None] = {}
        modules = {}
        for planned, found in made:
            for file in found.pickles:
                if file.local is not None and planned.content.sha1 not in known:
                    names = self._names_in(file.local, planned.content.flow_run)
                    known[planned.content.sha1] = None if names is None else list_packages(names)
                modules[file.path] = known.get(planned.content.sha1)
        return modules

    def _names_in(self, path: Path, flow_run: str) -> Sequence[str] | None:
        """Return the names that a pickle refers to; None if they are not known."""
        if path.stat().st_size > WHOLE_LIMIT:
            return read_names_in_file(path)
        ((names, _),) = self._inspect(flow_run, Inspection.NAMES, [path.read_bytes()])
        return None if names is None else [str(name) for name in names]

    def _hold(self, run: PlannedRun, keys: Iterable[str]) -> None:
        with self._tidying:  # else what is held now may be on its way out
            self._holding.hold(run.id, keys)

    def _discard(self, keys: Iterable[str]) -> None:
        if not self._keep:
            for key in keys:
                self._store.discard(key)


def _joined(values: Values, curves: Values) -> Values:
    """Return both; of one name, some tasks may have a small list and others a large one."""
    keys = dict.fromkeys([*values, *curves])
    return {key: {**values.get(key, {}), **curves.get(key, {})} for key in keys}


def _files_of(run: PlannedRun) -> Iterator[PlannedFile]:
    for artifact in run.outputs:
        yield from artifact.files


def _conversion(file: PlannedFile) -> Conversion | None:
    """Return what a file is converted to, if it is, or what is shown of it."""
    if file.preview is not None and file.form not in CONVERSIONS:
        return PREVIEWS[file.preview]
    return CONVERSIONS.get(file.form)


def _encoding(artifact: OutputArtifact) -> str:
    """Return how Metaflow wrote an artifact down; empty if its tasks don't agree."""
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
