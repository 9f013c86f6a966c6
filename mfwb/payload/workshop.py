"""Where the payload of a W&B run is made ready."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from mfwb.errors import ItemLost
from mfwb.payload.changes import with_contents
from mfwb.payload.converter import Converter
from mfwb.payload.decoding import decode_values
from mfwb.payload.forms import Forms
from mfwb.payload.history import history_of
from mfwb.payload.jsonsafe import json_size
from mfwb.payload.looking import look_inside
from mfwb.payload.parameters import with_parameter_values
from mfwb.payload.store import Store
from mfwb.payload.summary import SUMMARY_LIMIT, limited, summarize
from mfwb.payload.table import table_of
from mfwb.planning import OutputArtifact, Plan, PlannedRun, TaskRow
from mfwb.ports import Contents, LogLine, ReadyArtifact, ReadyCard, ReadyFile, ReadyRun
from mfwb.snapshot import FlowRun, Loss

__all__ = ["Workshop"]


class Workshop:
    """Bytes of artifacts -> values and files: `mfwb.ports.Payloads`."""

    def __init__(self, folder: Path, *, keep: bool) -> None:
        """Work in a folder.

        Args:
            folder: where files go.
            keep: whether they stay there for ever, as an offline bundle needs them.
        """
        self._store = Store(folder)
        self._converter = Converter()
        self._forms = Forms(self._store, self._converter)
        self._keep = keep

    def look_inside(self, flow_run: FlowRun, contents: Contents) -> FlowRun:
        """Return the flow run with names filled in where the type says too little, and values."""
        looked = with_contents(look_inside(flow_run, contents), contents)
        return with_parameter_values(looked, contents)

    def expect(self, plan: Plan) -> None:
        """Hear that W&B runs of a plan will be asked for, to begin with what takes a while."""
        self._forms.expect(
            file for run in plan.runs for artifact in run.outputs for file in artifact.files
        )

    def prepare(self, run: PlannedRun, contents: Contents) -> ReadyRun:
        """Return values and files of one W&B run; what can't be had is among the losses."""
        values, losses = decode_values(run, contents)
        summary, dropped = limited(
            summarize(run, values), beside=json_size(run.summary), limit=SUMMARY_LIMIT
        )
        losses += _dropped(run, dropped)
        artifacts = tuple(self._artifacts(run, contents, losses))
        return ReadyRun(
            summary=summary,
            history=history_of(run, values),
            table=table_of(run, values),
            artifacts=artifacts,
            cards=tuple(self._cards(run, contents, losses)),
            log=tuple(line for task in run.tasks for line in _log(run, task, contents, losses)),
            losses=tuple(losses),
        )

    def close(self) -> None:
        """Remove the files that only the upload needed, and end what was begun."""
        self._converter.close()
        if self._keep:
            self._store.tidy()
        else:
            self._store.remove()

    def _artifacts(
        self, run: PlannedRun, contents: Contents, losses: list[Loss]
    ) -> Iterator[ReadyArtifact]:
        for planned in run.outputs:
            files = tuple(self._files(planned, contents, losses))
            if files:
                yield ReadyArtifact(planned, files)

    def _files(
        self, artifact: OutputArtifact, contents: Contents, losses: list[Loss]
    ) -> Iterator[ReadyFile]:
        for planned in artifact.files:
            item = planned.content.pathspec
            try:
                found = self._forms.files_of(planned, contents)
            except ItemLost as error:
                losses.append(Loss(item, str(error)))
            else:
                yield from found.files
                losses += [Loss(f"{item}/{name}", why) for name, why in found.missing.items()]

    def _cards(
        self, run: PlannedRun, contents: Contents, losses: list[Loss]
    ) -> Iterator[ReadyCard]:
        for planned in run.cards:
            try:
                html = contents.card(planned.task, planned.card).encode()
            except ItemLost as error:  # noqa: PERF203 - each card stands for itself
                losses.append(Loss(f"{planned.task}/{planned.key}", str(error)))
            else:
                name = f"{hashlib.sha1(html, usedforsecurity=False).hexdigest()}.html"
                path = self._store.place(name, partial(_write_bytes, html))
                yield ReadyCard(planned.key, path)


def _write_bytes(data: bytes, path: Path) -> None:
    path.write_bytes(data)


def _dropped(run: PlannedRun, sizes: dict[str, int]) -> Iterator[Loss]:
    for value in run.values:
        if value.key in sizes:
            reason = f"{sizes[value.key]:,} characters, too many for the summary of the W&B run"
            yield Loss(value.contents[0].pathspec, reason)


def _log(
    run: PlannedRun, task: TaskRow, contents: Contents, losses: list[Loss]
) -> Iterator[LogLine]:
    try:
        for line in contents.log(task.pathspec):
            yield replace(line, text=f"[{task.label}] {line.text}") if run.merged else line
    except ItemLost as error:
        losses.append(Loss(f"{task.pathspec}/log", str(error)))
