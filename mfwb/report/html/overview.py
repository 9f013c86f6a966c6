"""The page of a whole flow run as a panel in W&B, made of what its W&B run gets: no contents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mfwb.planning import Overview, OverviewStep, OverviewTask, PlannedRun
from mfwb.report.format import count
from mfwb.report.html.drawings import AttemptBar, draw_timeline
from mfwb.report.html.graph import LineDraft, NodeDraft, NodeKey, draw_drafts
from mfwb.report.html.model import (
    Artifact,
    ArtifactUse,
    Fact,
    FailedAttempt,
    FlowRunPage,
    Graph,
    Page,
    Preview,
    TaskRow,
)
from mfwb.report.html.render import render_page
from mfwb.report.html.texts import duration, moment, name_text, text_block, value_text
from mfwb.report.lineage.phrases import TIMES
from mfwb.snapshot.pathspec import below_flow_run, step_of
from mfwb.version import __version__

__all__ = ["render_overview"]

_PREFIX = "run1-"
_TASKS, _FAILURES, _ARTIFACTS, _TAGS = 2_000, 50, 500, 100
_NODES = 400  # artifacts in the graph
_VALUE = 600  # letters


def render_overview(run: PlannedRun, summary: Mapping[str, Any]) -> str:
    """Return the page of a flow run for its own W&B run; equal for equal plans and values.

    Args:
        run: the planned W&B run of the flow run; secrets in it are masked.
        summary: the values of its steps, by `step/name`.
    """
    overview = run.overview
    if overview is None:
        raise ValueError(f"{run.name} is not the W&B run of a whole flow run")
    return render_page(
        Page(name_text(run.name), (_page(run, overview, summary),), None, __version__)
    )


def _page(run: PlannedRun, overview: Overview, summary: Mapping[str, Any]) -> FlowRunPage:
    facts = run.config.get("metaflow", {})
    outcome = run.summary.get("metaflow", {})
    artifacts = [*_artifacts(overview), *_values(overview, summary)]
    failed = [task for task in overview.tasks if task.failure is not None]
    return FlowRunPage(
        anchor=_PREFIX.removesuffix("-"),
        pathspec=name_text(run.name),
        flow=name_text(str(facts.get("flow", ""))),
        run_id=name_text(str(facts.get("run_id", ""))),
        state=name_text(str(outcome.get("state") or facts.get("state", ""))),
        doc=text_block(str(facts.get("doc") or ""), _VALUE),
        facts=tuple(
            Fact(label, text)
            for label, text in (
                ("started", _utc(run.started_at)),
                ("ended", _utc(run.ended_at)),
                ("took", duration(run.runtime)),
                ("user", name_text(str(facts.get("user") or ""))),
            )
            if text
        ),
        tags=tuple(map(name_text, run.tags[:_TAGS])),
        system_tags=(),
        parameters=tuple(
            Fact(name_text(name), value_text(value, _VALUE))
            for name, value in run.config.items()
            if name != "metaflow"
        ),
        graph=_graph(overview),
        timeline=draw_timeline(
            [bar for task in overview.tasks for bar in _bars(task)],
            [step.name for step in overview.steps],
        ),
        failures=tuple(map(_failure, failed[:_FAILURES])),
        tasks=tuple(
            _row(task, f"{_PREFIX}task-{number}")
            for number, task in enumerate(overview.tasks[:_TASKS])
        ),
        artifacts=tuple(artifacts[:_ARTIFACTS]),
        notes=tuple(_notes(overview, len(artifacts), len(failed))),
        counts=(
            Fact("steps", f"{len(overview.steps):,}"),
            Fact("tasks", f"{len(overview.tasks):,}"),
        ),
    )


def _utc(epoch_ms: int | None) -> str:
    text = moment(epoch_ms)
    return text and f"{text} UTC"


def _notes(overview: Overview, artifacts: int, failures: int) -> Iterator[str]:
    for noun, number, limit in (
        ("task", len(overview.tasks), _TASKS),
        ("artifact", artifacts, _ARTIFACTS),
        ("failure", failures, _FAILURES),
    ):
        if number > limit:
            yield f"{limit:,} of {count(number, noun)} are here"


# --- the graph -------------------------------------------------------------------------------


def _graph(overview: Overview) -> Graph:
    columns: dict[str, int] = {}
    drafts: dict[NodeKey, NodeDraft] = {}
    lines: list[LineDraft] = []
    readers = _readers(overview)
    own = {step.name for step in overview.steps}
    first = 1 if any(producer not in own for producer, _ in readers) else 0
    for step in overview.steps:
        before = [columns[parent] for parent in step.parents if parent in columns]
        columns[step.name] = max(before) + 2 if before else first
        drafts["step", step.name] = _step_draft(step, columns[step.name])
        lines += ((("step", parent), ("step", step.name), "next", "") for parent in step.parents)
    for step in overview.steps:
        for name in step.outputs[: max(1, _NODES // len(overview.steps))]:
            users = readers.get((step.name, name), [])
            drafts[step.name, name] = _artifact_draft(
                step.name, name, users, columns[step.name] + 1
            )
            title = f"{name_text(step.name)} logged {name_text(name)}"
            lines.append((("step", step.name), (step.name, name), "made", title))
    for (producer, name), users in readers.items():
        if producer not in own:
            key = ("flow-run", producer)
            drafts.setdefault(key, NodeDraft("flow-run", name_text(producer)))
        else:
            key = (producer, name)
        for user in users:
            title = f"{name_text(user)} used {name_text(name)}"
            lines.append((key, ("step", user), "used", title))
    return draw_drafts(drafts, lines)


def _readers(overview: Overview) -> dict[tuple[str, str], list[str]]:
    readers: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for edge in overview.edges:
        readers[edge.producer, edge.artifact].append(edge.consumer)
    return dict(readers)


def _step_draft(step: OverviewStep, column: int) -> NodeDraft:
    name = name_text(step.name)
    took = duration(step.seconds)
    facts = (
        Fact("type", name_text(step.type or "")),
        Fact("tasks", f"{step.tasks:,}"),
        Fact("began", moment(step.started_at)),
        Fact("took", took),
        Fact("after", ", ".join(map(name_text, step.parents))),
        Fact("used", ", ".join(map(name_text, step.inputs[:30]))),
        Fact("logged", ", ".join(map(name_text, step.outputs[:30]))),
    )
    return NodeDraft(
        "step",
        f"{name} {TIMES} {step.tasks:,}" if step.tasks > 1 else name,
        took if step.state == "ok" else ", ".join(filter(None, (step.state, took))),
        step.state,
        column,
        [fact for fact in facts if fact.text],
        f"{_PREFIX}tasks",
    )


def _artifact_draft(step: str, name: str, users: Iterable[str], column: int) -> NodeDraft:
    readers = ", ".join(map(name_text, users))
    facts = [Fact("logged by", name_text(step)), Fact("used by", readers or "no step")]
    return NodeDraft(
        "artifact", name_text(name), "", "used" if readers else "unused", column, facts
    )


# --- lists -----------------------------------------------------------------------------------


def _artifacts(overview: Overview) -> Iterator[Artifact]:
    readers = _readers(overview)
    number = 0
    for step in overview.steps:
        for name in step.outputs:
            number += 1
            yield Artifact(
                anchor=f"{_PREFIX}artifact-{number}",
                step=name_text(step.name),
                name=name_text(name),
                type="W&B artifact",
                size="",
                tasks="",
                uses=tuple(
                    ArtifactUse(name_text(user), "") for user in readers.get((step.name, name), ())
                ),
                previews=(Preview(note="The W&B run of the step has it."),),
            )


def _values(overview: Overview, summary: Mapping[str, Any]) -> Iterator[Artifact]:
    for number, value in enumerate(overview.values):
        if value.key in summary:
            step = step_of(value.contents[0].task)
            yield Artifact(
                anchor=f"{_PREFIX}value-{number}",
                step=name_text(step),
                name=name_text(value.key.removeprefix(f"{step}/")),
                type="value",
                size="",
                tasks="",
                uses=None,
                previews=(Preview(text=value_text(summary[value.key], _VALUE)),),
            )


def _bars(task: OverviewTask) -> Iterator[AttemptBar]:
    for attempt in task.attempts:
        if attempt.started_at is not None:
            length = max(0.0, (attempt.seconds or 0.0) * 1000)
            yield AttemptBar(
                task.step,
                name_text(below_flow_run(task.pathspec)),
                attempt.number,
                attempt.state,
                attempt.started_at,
                length,
                attempt.seconds is not None,
            )


def _row(task: OverviewTask, anchor: str) -> TaskRow:
    last = task.attempts[-1] if task.attempts else None
    seconds = None if last is None else last.seconds
    started_at = None if last is None else last.started_at
    return TaskRow(
        anchor=anchor,
        step=name_text(task.step),
        task=name_text(below_flow_run(task.pathspec)),
        label=name_text(task.label) if task.foreach else "",
        state=task.state,
        attempts=len(task.attempts),
        started=moment(started_at),
        started_at=started_at or 0,
        seconds=seconds,
        duration=duration(seconds),
        exception=name_text(task.failure or "", 240),
    )


def _failure(task: OverviewTask) -> FailedAttempt:
    name = name_text(below_flow_run(task.pathspec))
    kind, _, message = (task.failure or "").removeprefix("builtins.").partition(": ")
    return FailedAttempt(name, "", task.state, name_text(kind), text_block(message, 2_000), "")
