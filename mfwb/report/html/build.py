"""The page of a flow run, from its facts, its contents and the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mfwb.pipeline.report_material import LogEnd, ReportMaterial
from mfwb.planning.run_metadata import seconds_between, span_of_flow_run
from mfwb.planning.run_scopes import task_label
from mfwb.ports import Entry, LogLine
from mfwb.report.format import count, human_size
from mfwb.report.html.artifacts import ARTIFACTS_LIMIT, build_artifacts
from mfwb.report.html.drawings import CHARTS_LIMIT, attempts_of, draw_charts, draw_timeline
from mfwb.report.html.graph import STATE_ORDER, build_graph
from mfwb.report.html.model import (
    Card,
    Fact,
    FailedAttempt,
    FlowRunPage,
    LogLineShown,
    StepLog,
    TaskRow,
)
from mfwb.report.html.synced import build_destinations
from mfwb.report.html.texts import duration, moment, name_text, text_block, value_text
from mfwb.snapshot import Failure, FlowRun, FlowRunState, Task, TaskState
from mfwb.snapshot.pathspec import below_flow_run, flow_run_of, step_of

__all__ = ["build_page"]

_TASKS = 2_000
_FAILURES = 50
_TRACEBACK = 20_000  # letters
_MESSAGE = 2_000
_PARAMETER = 1_500
_LINE = 2_000
_LOSSES = 300
_TAGS = 100


def build_page(
    material: ReportMaterial, entries: Iterable[Entry], cards: Sequence[Card], prefix: str
) -> FlowRunPage:
    """Return all that a page shows of a flow run.

    Args:
        material: facts, lineage, values, logs.
        entries: of the ledger, for this flow run.
        cards: of its tasks, ready to be shown.
        prefix: of all ids of this flow run in the page.
    """
    traced = material.traced
    flow_run = traced.flow_run
    artifacts = build_artifacts(material, prefix)
    anchors = {(artifact.step, artifact.name): artifact.anchor for artifact in artifacts}
    charts = [
        chart
        for run in material.runs
        for chart in draw_charts(
            run.planned,
            run.values,
            step_of(run.planned.tasks[0].pathspec) if run.planned.tasks else run.planned.name,
        )
    ]
    tasks = sorted(flow_run.tasks, key=_urgency) if _has_many(flow_run) else list(flow_run.tasks)
    failures = list(_failures(flow_run))
    return FlowRunPage(
        anchor=prefix.removesuffix("-"),
        pathspec=name_text(flow_run.pathspec),
        flow=name_text(flow_run.flow),
        run_id=name_text(flow_run.id),
        state=flow_run.state.value,
        doc=text_block(flow_run.doc, 600),
        facts=tuple(fact for fact in _facts(flow_run) if fact.text),
        tags=tuple(map(name_text, flow_run.tags[:_TAGS])),
        system_tags=tuple(map(name_text, flow_run.system_tags[:_TAGS])),
        parameters=tuple(
            Fact(name_text(parameter.name), _parameter_text(parameter.value, parameter.no_value))
            for parameter in flow_run.parameters
        ),
        graph=build_graph(traced, anchors, prefix),
        timeline=draw_timeline(
            [attempt for task in flow_run.tasks for attempt in attempts_of(task)],
            [step.name for step in flow_run.steps],
        ),
        failures=tuple(failures[:_FAILURES]),
        charts=tuple(charts[:CHARTS_LIMIT]),
        tasks=tuple(
            _task_row(task, f"{prefix}task-{number}") for number, task in enumerate(tasks[:_TASKS])
        ),
        artifacts=artifacts[:ARTIFACTS_LIMIT],
        cards=tuple(cards),
        logs=tuple(_log(task, material.logs[task.pathspec]) for task in _with_logs(material)),
        losses=tuple(
            Fact(name_text(loss.item), name_text(loss.reason, 400))
            for loss in material.losses[:_LOSSES]
        ),
        destinations=build_destinations(entries),
        doubts=tuple(
            Fact(name_text(step), name_text("; ".join(doubts), 400))
            for step, doubts in sorted(traced.lineage.doubts.items())
        ),
        notes=tuple(
            _notes(
                material,
                tasks=len(tasks),
                charts=len(charts),
                artifacts=len(artifacts),
                failures=len(failures),
            )
        ),
        counts=tuple(_counts(flow_run, len(artifacts))),
    )


def _facts(flow_run: FlowRun) -> Iterator[Fact]:
    began, ended = span_of_flow_run(flow_run)
    yield Fact("started", _utc(began))
    yield Fact("ended", _utc(ended))
    yield Fact("took", duration(seconds_between(began, ended)))
    yield Fact("user", name_text(flow_run.user or ""))
    yield Fact("metadata", name_text(flow_run.provider))
    runs = sorted({flow_run_of(task.origin) for task in flow_run.tasks if task.origin})
    yield Fact("resumed from", ", ".join(map(name_text, runs)))
    yield Fact("source", name_text(flow_run.code_missing and f"not read: {flow_run.code_missing}"))


def _utc(epoch_ms: int | None) -> str:
    text = moment(epoch_ms)
    return text and f"{text} UTC"


def _counts(flow_run: FlowRun, artifacts: int) -> Iterator[Fact]:
    tasks = list(flow_run.tasks)
    yield Fact("steps", f"{sum(bool(step.tasks) for step in flow_run.steps):,}")
    yield Fact("tasks", f"{len(tasks):,}")
    attempts = sum(len(task.attempts) for task in tasks)
    if attempts > len(tasks):
        yield Fact("attempts", f"{attempts:,}")
    for state in STATE_ORDER[:-1]:
        number = sum(task.state is state for task in tasks)
        if number:
            yield Fact(state.value, f"{number:,}")
    yield Fact("artifacts", f"{artifacts:,}")
    written = {ref.sha1: ref.size for task in tasks for ref in task.artifacts}
    yield Fact("content", human_size(sum(written.values())))


def _parameter_text(value: object, no_value: str) -> str:
    return name_text(f"not known: {no_value}") if no_value else value_text(value, _PARAMETER)


def _has_many(flow_run: FlowRun) -> bool:
    return sum(len(step.tasks) for step in flow_run.steps) > _TASKS


def _urgency(task: Task) -> int:
    return STATE_ORDER.index(task.state)


def _task_row(task: Task, anchor: str) -> TaskRow:
    seconds = seconds_between(task.started_at, task.finished_at)
    failure = task.failure
    return TaskRow(
        anchor=anchor,
        step=name_text(task.step),
        task=name_text(below_flow_run(task.pathspec)),
        label=name_text(task_label(task)) if task.foreach else "",
        state=task.state.value,
        attempts=len(task.attempts),
        started=moment(task.started_at),
        started_at=task.started_at or 0,
        seconds=seconds,
        duration=duration(seconds),
        exception=""
        if failure is None
        else name_text(f"{_type(failure.type)}: {failure.message}", 240),
    )


def _type(name: str) -> str:
    return name.removeprefix("builtins.")


def _failures(flow_run: FlowRun) -> Iterator[FailedAttempt]:
    """Yield what failed: the last attempts first, and of these the failed ones first."""
    tasks = sorted(flow_run.tasks, key=_urgency)
    bad = {TaskState.FAILED, TaskState.UNFINISHED}
    if flow_run.state is FlowRunState.RUNNING:  # its tasks may be running, too
        bad.remove(TaskState.UNFINISHED)
    for task in tasks:
        if task.failure is not None:
            yield _failure(task, len(task.attempts) - 1, task.failure, task.state.value)
        elif task.state in bad:
            name = name_text(below_flow_run(task.pathspec))
            what = "it has no end" if task.state is TaskState.UNFINISHED else "it failed"
            yield FailedAttempt(name, "", task.state.value, what, "no exception was recorded", "")
    for task in tasks:
        for number, attempt in enumerate(task.attempts[:-1]):
            if attempt.failure is not None:
                yield _failure(task, number, attempt.failure, "retried")


def _failure(task: Task, number: int, failure: Failure, state: str) -> FailedAttempt:
    has_several = len(task.attempts) > 1
    return FailedAttempt(
        task=name_text(below_flow_run(task.pathspec)),
        attempt=f"attempt {task.attempts[number].number}" if has_several else "",
        state=state,
        type=name_text(_type(failure.type)),
        message=text_block(failure.message, _MESSAGE),
        traceback=text_block(failure.stacktrace or "", _TRACEBACK),
        note="" if failure.is_whole else "only the beginning was read",
    )


def _with_logs(material: ReportMaterial) -> list[Task]:
    tasks = [
        task
        for task in material.traced.flow_run.tasks
        if (log := material.logs.get(task.pathspec)) and (log.lines or log.lost)
    ]
    return sorted(tasks, key=_urgency)


def _log(task: Task, log: LogEnd) -> StepLog:
    notes = []
    if log.lost:
        notes.append(f"it can't be read: {log.lost}")
    if log.hidden:
        notes.append(f"the last {count(len(log.lines), 'line')} of {len(log.lines) + log.hidden:,}")
    if log.left_out:
        notes.append(f"{human_size(log.left_out)} in its middle are left out")
    return StepLog(
        task=name_text(below_flow_run(task.pathspec)),
        state=task.state.value,
        note=name_text("; ".join(notes), 400),
        lines=tuple(map(_log_line, log.lines)),
    )


def _log_line(line: LogLine) -> LogLineShown:
    text = line.text.rsplit("\r", 1)[-1] if "\r" in line.text.rstrip("\r") else line.text
    return LogLineShown(moment(line.time)[11:], line.stream, text_block(text, _LINE))


def _notes(
    material: ReportMaterial, *, tasks: int, charts: int, artifacts: int, failures: int
) -> Iterator[str]:
    yield from material.not_read
    for noun, number, limit in (
        ("task", tasks, _TASKS),
        ("chart", charts, CHARTS_LIMIT),
        ("artifact", artifacts, ARTIFACTS_LIMIT),
        ("failure", failures, _FAILURES),
        ("loss", len(material.losses), _LOSSES),
    ):
        if number > limit:
            yield f"{limit:,} of {count(number, noun)} are here"
