"""Metadata of the flow run for config and summary: facts, never secrets.

Attributes of decorators are left out: Metaflow records `@environment(vars=...)` in clear text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic_core import from_json

from mfwb.lineage import read_triggering_runs
from mfwb.planning.size_limits import config_value, shorten_text
from mfwb.safe_text import one_line
from mfwb.snapshot import Failure, FlowRun, FlowRunState, Step, Task
from mfwb.units.whole_numbers import with_exact_numbers

__all__ = [
    "describe_failure",
    "describe_flow_run",
    "describe_flow_run_outcome",
    "describe_links",
    "describe_origin",
    "describe_outcome",
    "describe_tasks",
    "seconds_between",
    "span_of",
    "span_of_flow_run",
]


def describe_flow_run(flow_run: FlowRun, as_files: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the part of `config["metaflow"]` that all W&B runs of a flow run share.

    Args:
        flow_run: the flow run.
        as_files: the names of constants that do not fit into config.
    """
    return _drop_empty(
        {
            "flow": flow_run.flow,
            "run_id": flow_run.id,
            "flow_run": flow_run.pathspec,
            "doc": flow_run.doc,
            "state": flow_run.state.value,
            "user": flow_run.user,
            "provider": flow_run.provider,
            "created_at": timestamp(flow_run.started_at),
            "finished_at": timestamp(flow_run.finished_at),
            "tags": list(dict.fromkeys(flow_run.tags)),  # several may be masked
            "system_tags": list(dict.fromkeys(flow_run.system_tags)),
            "triggered_by": list(read_triggering_runs(flow_run)),
            "constants": {
                parameter.name: config_value(parameter, as_files)
                for parameter in flow_run.parameters
                if parameter.kind == "constant"
            },
        }
    )


def describe_tasks(step: Step, tasks: Sequence[Task]) -> dict[str, Any]:
    """Return the part of `config["metaflow"]` about one step and its tasks."""
    shared = _shared([_published(task.metadata) for task in tasks])
    roots = {f"{task.datastore.type}@{task.datastore.root}" for task in tasks if task.datastore}
    started, finished = span_of(tasks)
    return _drop_empty(
        {
            "step": step.name,
            "step_type": step.type,
            "step_doc": step.doc,
            "tasks": [task.pathspec for task in tasks],
            "datastore": sorted(roots),
            "started_at": timestamp(started),
            "ended_at": timestamp(finished),
            "cloned_from": [task.origin for task in tasks if task.origin],
            "failures": [
                {"task": task.pathspec, "type": task.failure.type, "message": task.failure.message}
                for task in tasks
                if task.failure
            ],
            "earlier_attempts": [
                _drop_empty(
                    {
                        "task": task.pathspec,
                        "attempt": attempt.number,
                        "started_at": timestamp(attempt.started_at),
                        "ended_at": timestamp(attempt.finished_at),
                        "exception": attempt.failure and attempt.failure.message,
                    }
                )
                for task in tasks
                for attempt in task.attempts[:-1]
            ],
            **shared,
        }
    )


def describe_links(links: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the part of `config["metaflow"]` with links: a list if tasks have links of their own.

    It is empty if there are no links.
    """
    described = {name: urls[0] if len(urls) == 1 else list(urls) for name, urls in links.items()}
    return {"links": described} if described else {}


def describe_origin(task: Task) -> dict[str, str]:
    """Return W&B's own fields about where the code ran, by their names in `wandb.Settings`.

    A local flow run does not record its host. The field is left empty, since W&B would otherwise
    set the host of this machine.
    """
    git = _published(task.metadata).get("git")
    facts = git if isinstance(git, dict) else {}
    known = {
        "program": task.metadata.get("script-name"),
        "git_commit": facts.get("commit_sha"),
        "git_remote_url": facts.get("repo_url"),
    }
    host = task.metadata.get("kubernetes-pod-name", "")
    facts_by_field = {"host": host, **{name: value for name, value in known.items() if value}}
    return {name: one_line(str(value)) for name, value in facts_by_field.items()}


def describe_outcome(tasks: Sequence[Task], runtime: float | None) -> dict[str, Any]:
    """Return `summary["metaflow"]`: times that W&B can sort by, and how the tasks ended."""
    started, finished = span_of(tasks)
    failure = next((task.failure for task in tasks if task.failure), None)
    return _drop_empty(
        {
            "started_at": timestamp(started),
            "ended_at": timestamp(finished),
            "duration_seconds": runtime,
            "tasks": _count_states(tasks),
            "exception": failure and f"{failure.type}: {failure.message}",
            "stacktrace": failure and failure.stacktrace,
        }
    )


def describe_flow_run_outcome(
    flow_run: FlowRun, started: int | None, finished: int | None
) -> dict[str, Any]:
    """Return `summary["metaflow"]` of the W&B run of a whole flow run."""
    tasks = tuple(flow_run.tasks)
    outcome = describe_outcome(tasks, seconds_between(started, finished))
    times = {"started_at": timestamp(started), "ended_at": timestamp(finished)}
    return {"state": flow_run.state.value, **outcome, **_drop_empty(times)}


_FAILURE_LIMIT = 10_000  # characters in a cell of a table; config has the whole text


def describe_failure(failure: Failure) -> str:
    """Return an exception as text for the cell of a table."""
    return shorten_text(f"{failure.type}: {failure.message}", _FAILURE_LIMIT)


def seconds_between(started: int | None, finished: int | None) -> float | None:
    """Return the seconds between two times in epoch ms; None if one of them is not known."""
    return None if started is None or finished is None else (finished - started) / 1000


def _count_states(tasks: Sequence[Task]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for task in tasks:
        counts[task.state.value] = counts.get(task.state.value, 0) + 1
    return counts


def span_of(tasks: Sequence[Task]) -> tuple[int | None, int | None]:
    """Return when the first task began and the last task ended, in epoch ms; None: not known."""
    started = [task.started_at for task in tasks if task.started_at is not None]
    finished = [task.finished_at for task in tasks if task.finished_at is not None]
    return min(started, default=None), max(finished, default=None)


def span_of_flow_run(flow_run: FlowRun) -> tuple[int | None, int | None]:
    """Return start and end in epoch ms; None: not known, or not yet.

    A flow run that was killed ended with its last task.
    """
    started, finished = span_of(tuple(flow_run.tasks))
    if flow_run.state is FlowRunState.RUNNING:
        finished = None
    return flow_run.started_at or started, flow_run.finished_at or finished


def timestamp(epoch_ms: int | None) -> str | None:
    """Return the time in ISO 8601 in UTC, to the millisecond; these texts sort by time."""
    if epoch_ms is None:
        return None
    try:
        moment = datetime.fromtimestamp(epoch_ms / 1000, tz=timezone.utc)
    except (ValueError, OverflowError, OSError):  # the year is out of range
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_DOCUMENTS = {"git-info": "git", "code-package": "code_package", "execution-triggers": "trigger"}
"""Metadata whose value is JSON, and its key in config."""


def _published(metadata: dict[str, str]) -> dict[str, Any]:
    """Return a task's metadata as config shows it."""
    facts: dict[str, Any] = {}
    for name, value in metadata.items():
        if name in _DOCUMENTS:
            facts[_DOCUMENTS[name]] = _without_password(_parsed(value))
        else:
            facts[name.replace("-", "_")] = value
    return facts


def _parsed(text: str) -> Any:
    try:
        return with_exact_numbers(from_json(text))
    except ValueError:  # no JSON, or nested 200 deep, which no JSON writer accepts
        return text


def _without_password(document: Any) -> Any:
    """Return a document without user and password in its repository URL.

    CI systems put tokens there.
    """
    if not isinstance(document, dict) or not isinstance(document.get("repo_url"), str):
        return document
    try:
        parts = urlsplit(document["repo_url"])
    except ValueError:  # no URL: it is left out, since it may contain a secret
        return {name: value for name, value in document.items() if name != "repo_url"}
    host = parts.netloc.rpartition("@")[2]
    return {**document, "repo_url": urlunsplit(parts._replace(netloc=host))}


def _shared(metadata: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return each fact of the tasks: once if all tasks agree, else a list of distinct values."""
    result: dict[str, Any] = {}
    for name in sorted({name for facts in metadata for name in facts}):
        distinct: dict[str, Any] = {}  # by text: a job's name may differ in each task
        for facts in metadata:
            if name in facts:
                value = facts[name]
                key = value if isinstance(value, str) else f"\0{json.dumps(value, sort_keys=True)}"
                distinct.setdefault(key, value)
        values = list(distinct.values())
        result[name] = values[0] if len(values) == 1 else values
    return result


def _drop_empty(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts without those that are not known or empty."""
    return {name: value for name, value in facts.items() if value not in (None, "", [], {}, ())}
