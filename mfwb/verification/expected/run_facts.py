"""What config["metaflow"] and summary["metaflow"] of a W&B run should say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from mfwb.verification.expected import names
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.facts import FlowRunFacts, TaskFacts
from mfwb.verification.expected.model import ExpectedValue, Need
from mfwb.verification.expected.wording import put

__all__ = [
    "doc_of",
    "expect_config",
    "expect_facts",
    "expect_flow_run_facts",
    "expect_flow_run_outcome",
    "expect_outcome",
    "span",
    "unexpected_facts",
    "unexpected_outcome",
]

_METADATA = (
    *("user", "runtime", "python_version", "metaflow_version", "script-name"),
    *("aws-batch-job-id", "ec2-region", "kubernetes-pod-name", "kubernetes-pod-namespace"),
    *("argo-workflow-name", "argo-workflow-namespace"),
    *("aws-step-functions-execution", "airflow-dag-run-id"),
)
_SHA1 = 40  # hex digits
_MAX = 100_000  # characters of JSON; longer facts may be cut
_MAX_PARAMETERS = 4_000_000  # characters; beyond it the largest become files
_Expected = dict[str, ExpectedValue]


def expect_config(facts: FlowRunFacts, contents: Contents) -> tuple[_Expected, _Expected]:
    """Return the parameters by their key of config, and the constants by name."""
    config: _Expected = {}
    constants: _Expected = {}
    size = 0
    for name, kind in facts.kinds.items():
        artifact = facts.parameters.get(name)
        if artifact is None:
            continue
        if kind == "IncludeFile" or artifact.type == "metaflow.includefile.IncludedFile":
            config[names.config_key(name)] = _included(name, contents.describe(artifact).json_value)
            continue
        value = contents.describe(artifact)
        size += value.size or 0
        if value.is_known:
            expected = ExpectedValue((value.json_value,))
        else:
            expected = ExpectedValue((), reason=value.reason or "it can't be read safely")
        (constants if kind == "constant" else config)[
            name if kind == "constant" else names.config_key(name)
        ] = expected
    if size > _MAX_PARAMETERS:
        reason = "the parameters may be more than W&B's config has room for"
        config = dict.fromkeys(config, ExpectedValue((), Need.ALLOWED, reason))
        constants = dict.fromkeys(constants, ExpectedValue((), Need.ALLOWED, reason))
    return config, constants


def expect_facts(
    facts: FlowRunFacts, tasks: Sequence[TaskFacts], pathspec: str, constants: Mapping[str, Any]
) -> _Expected:
    """Return what config["metaflow"] says, as far as docs/mapping.md names it."""
    started, ended = span(tasks)
    described: dict[str, Any] = {
        "flow": facts.flow,
        "run_id": facts.id,
        "flow_run": facts.path,
        "doc": _doc(facts.graph),
        "state": facts.state,
        "user": facts.user,
        "created_at": _moment(facts.started_at),
        "finished_at": _moment(_last_end(facts)),
        "tags": sorted(facts.tags),
        "system_tags": sorted(facts.system_tags),
        "step": tasks[0].step,
        "step_type": facts.step_types.get(tasks[0].step),
        "step_doc": _doc(_node(facts, tasks[0].step)),
        "pathspec": pathspec,
        "tasks": [task.path for task in tasks],
        "datastore": sorted(
            {
                f"{datastore.type}@{datastore.root}"
                for task in tasks
                if (datastore := task.datastore)
            }
        ),
        "started_at": _moment(started),
        "ended_at": _moment(ended),
        "cloned_from": [task.origin for task in tasks if task.origin],
        "failures": [
            {"task": task.path, "type": task.exception[0], "message": task.exception[1]}
            for task in tasks
            if task.exception
        ],
        "earlier_attempts": [entry for task in tasks for entry in _earlier(task)],
        **{
            name.replace("-", "_"): shared
            for name in _METADATA
            if (shared := _shared([task.metadata.get(name) for task in tasks])) is not None
        },
    }
    git = [_git(task.metadata.get("git-info")) for task in tasks]
    if git and git[0] and all(entry == git[0] for entry in git):
        described["git"] = git[0]
    result: _Expected = {}
    for name, value in described.items():
        if value in (None, "", [], {}):
            continue
        json_value = put(value)
        if len(json.dumps(json_value)) > _MAX:
            result[name] = ExpectedValue((), Need.REQUIRED, "it is so long that it may be cut")
        else:
            result[name] = ExpectedValue((json_value,))
    if constants:
        result["constants"] = ExpectedValue(
            ({name: _option(value) for name, value in constants.items()},)
        )
    return result


_OF_FLOW_RUN = frozenset(
    {
        *("flow", "run_id", "flow_run", "doc", "state", "user", "created_at", "finished_at"),
        *("tags", "system_tags", "pathspec", "constants"),
    }
)


def expect_flow_run_facts(
    facts: FlowRunFacts, pathspec: str, constants: Mapping[str, Any]
) -> _Expected:
    """Return what config["metaflow"] of the W&B run of a whole flow run says."""
    every = expect_facts(facts, facts.tasks[:1], pathspec, constants)
    return {name: value for name, value in every.items() if name in _OF_FLOW_RUN}


def _node(facts: FlowRunFacts, step: str) -> Any:
    steps = facts.graph.get("steps")
    return steps.get(step) if isinstance(steps, dict) else None


def _doc(holder: Any) -> str | None:
    doc = holder.get("doc") if isinstance(holder, dict) else None
    return doc if isinstance(doc, str) else None


def doc_of(facts: FlowRunFacts, step: str) -> str | None:
    """Return the docstring of a step; None if Metaflow recorded none."""
    return _doc(_node(facts, step))


def _included(name: str, descriptor: Any) -> ExpectedValue:
    """Return an included file as config has it, from Metaflow's descriptor of it."""
    match descriptor:
        case {"_descriptor": {"url": str(url), "size": int(size)}}:
            sha1 = url.rpartition("/")[2]
            is_sha1 = len(sha1) == _SHA1 and all(letter in "0123456789abcdef" for letter in sha1)
            known = {"name": name, "size": size}
            return ExpectedValue(({**known, "sha1": sha1 if is_sha1 else None},))
    return ExpectedValue((), reason="Metaflow's descriptor of the file can't be read")


def _option(value: ExpectedValue) -> Any:
    return value.options[0] if value.options else {"\0any": True}


def expect_outcome(tasks: Sequence[TaskFacts], stopped: str | None) -> _Expected:
    """Return what summary["metaflow"] says: times, and how the tasks ended."""
    started, ended = span(tasks)
    counts: dict[str, int] = {}
    for task in tasks:
        counts[task.outcome] = counts.get(task.outcome, 0) + 1
    described: dict[str, Any] = {
        "started_at": _moment(started),
        "ended_at": _moment(ended),
        "tasks": counts,
        "stopped": stopped,
    }
    if started is not None and ended is not None:
        described["duration_seconds"] = (ended - started) / 1000
    exception = next((task.exception for task in tasks if task.exception), None)
    if exception is not None and len(exception[1]) < _MAX // 10:
        described["exception"] = put(f"{exception[0]}: {exception[1]}")
    return {name: ExpectedValue((value,)) for name, value in described.items() if value is not None}


def expect_flow_run_outcome(facts: FlowRunFacts) -> _Expected:
    """Return what summary["metaflow"] of the W&B run of a whole flow run says."""
    outcome = expect_outcome(facts.tasks, None)
    described: dict[str, Any] = {"state": facts.state, "started_at": _moment(facts.started_at)}
    ended = _last_end(facts)
    if ended is not None:
        described["duration_seconds"] = (ended - facts.started_at) / 1000
    return {**outcome, **{name: ExpectedValue((value,)) for name, value in described.items()}}


def unexpected_facts(tasks: Sequence[TaskFacts]) -> frozenset[str]:
    """Return the keys below config["metaflow"] that would be untrue of these tasks."""
    untrue = set()
    if not any(task.origin for task in tasks):
        untrue.add("cloned_from")
    if all(len(task.attempts) <= 1 for task in tasks):
        untrue.add("earlier_attempts")
    if all(task.outcome == "ok" for task in tasks):
        untrue.add("failures")
    return frozenset(untrue)


def unexpected_outcome(tasks: Sequence[TaskFacts], stopped: str | None) -> frozenset[str]:
    """Return the keys below summary["metaflow"] that would be untrue of these tasks."""
    untrue = set() if stopped else {"stopped"}
    if all(task.outcome == "ok" for task in tasks):
        untrue |= {"exception", "stacktrace"}
    return frozenset(untrue)


def span(tasks: Sequence[TaskFacts]) -> tuple[int | None, int | None]:
    """Return when the first of these tasks began and the last one ended, in epoch ms."""
    started = [task.started_at for task in tasks if task.started_at is not None]
    ended = [task.ended_at for task in tasks if task.ended_at is not None]
    return min(started, default=None), max(ended, default=None)


def _last_end(facts: FlowRunFacts) -> int | None:
    return span(facts.tasks)[1]


def _moment(epoch_ms: int | None) -> str | None:
    if epoch_ms is None:
        return None
    try:
        moment = datetime.fromtimestamp(epoch_ms // 1000, tz=timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{epoch_ms % 1000:03d}Z"


def _shared(values: Sequence[str | None]) -> Any:
    """Return a fact of tasks: once if all have the same, else all different ones."""
    distinct = list(dict.fromkeys(value for value in values if value is not None))
    if not distinct:
        return None
    return distinct[0] if len(distinct) == 1 else distinct


def _git(recorded: str | None) -> Any:
    try:
        facts = json.loads(recorded or "null")
    except ValueError:
        return None
    return facts if isinstance(facts, dict) and "repo_url" not in facts else None


def _earlier(task: TaskFacts) -> list[dict[str, Any]]:
    entries = []
    for attempt in task.attempts[:-1]:
        entry = {
            "task": task.path,
            "attempt": attempt.number,
            "started_at": _moment(attempt.started_at),
            "ended_at": _moment(attempt.ended_at),
            "exception": task.earlier.get(attempt.number),
        }
        entries.append({name: value for name, value in entry.items() if value not in (None, "")})
    return entries
