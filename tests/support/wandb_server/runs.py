"""What clients do to runs: create and change, stream rows and lines, upload files, delete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast, get_args

from .blobs import Blob
from .records import Project, Run, RunState
from .refusal import Refusal
from .store import Store, now

_ENDED = ("finished", "failed")
_HISTORY = "wandb-history.jsonl"
# Limits that the real server is known to keep and the client does not check.
_MAX_JOB_TYPE = 64
_MAX_NAME = 128
_MAX_TAG = 64
_TEXTS = {
    "display_name": "display_name",
    "description": "description",
    "notes": "notes",
    "group_name": "group",
    "job_type": "job_type",
    "host": "host",
    "job_program": "program",
    "job_repo": "repo",
    "commit": "commit",
}


def upsert_run(store: Store, fields: Mapping[str, Any]) -> tuple[Run, bool]:
    """Create or change a run and say whether it was created."""
    _check_limits(fields)
    if storage_id := fields.get("id"):
        run, inserted = store.run_by_id(storage_id), False
    else:
        run, inserted = _open_run(store, fields)
    _change(run, fields)
    return run, inserted


def _check_limits(fields: Mapping[str, Any]) -> None:
    if len(fields.get("job_type") or "") > _MAX_JOB_TYPE:
        raise Refusal(400, f"jobType must be at most {_MAX_JOB_TYPE} characters")
    if len(fields.get("display_name") or "") > _MAX_NAME:
        raise Refusal(400, f"displayName must be at most {_MAX_NAME} characters")
    if any(not 1 <= len(tag) <= _MAX_TAG for tag in fields.get("tags") or []):
        raise Refusal(400, f"tags must have 1 to {_MAX_TAG} characters")


def _open_run(store: Store, fields: Mapping[str, Any]) -> tuple[Run, bool]:
    project = store.make_project(fields.get("entity_name"), fields.get("model_name"))
    name = fields.get("name") or f"run{store.serial():08d}"
    if name in project.deleted_runs:
        path = f"{project.entity}/{project.name}/{name}"
        message = f"run {path} was previously created and deleted; try a new run name"
        raise Refusal(409, message)
    if name in project.runs:
        _reopen(project.runs[name], fields)
        return project.runs[name], False
    return _new_run(store, project, name), True


def _new_run(store: Store, project: Project, name: str) -> Run:
    serial, moment = store.serial(), now()
    # The real server makes up a name; this one can be foreseen.
    display_name = f"run-{name}"
    run = Run(project.entity, project.name, name, serial, moment, moment, display_name)
    project.runs[name] = run
    store.runs[run.id] = run
    return run


def _reopen(run: Run, fields: Mapping[str, Any]) -> None:
    # Only the first request of wandb.init names host or program; later ones bring changes.
    if fields.get("host") or fields.get("job_program"):
        run.state, run.exit_code = "running", None
        run.history_shift = None


def _change(run: Run, fields: Mapping[str, Any]) -> None:
    for source, target in _TEXTS.items():
        if fields.get(source) is not None:
            setattr(run, target, fields[source])
    if fields.get("tags") is not None:
        run.tags = list(fields["tags"])
    if fields.get("config") is not None:
        run.config = json.loads(fields["config"])
    if fields.get("summary_metrics") is not None:
        run.summary = json.loads(fields["summary_metrics"])
    if fields.get("state") is not None:
        run.state = as_state(fields["state"])
    run.heartbeat_at = now()


def as_state(text: str) -> RunState:
    """Return a run state that clients may set."""
    if text not in get_args(RunState):
        raise Refusal(400, f"state {text} is not known")
    return cast("RunState", text)


def delete_run(store: Store, storage_id: str) -> None:
    """Remove a run; its id cannot be used again."""
    run = store.run_by_id(storage_id)
    project = store.project(run.entity, run.project)
    del project.runs[run.name], store.runs[run.id]
    project.deleted_runs.add(run.name)
    for version in store.versions.values():
        version.used_by.pop(run.path, None)
        if version.created_by == run.path:
            version.created_by = None


def parts_of(body: Mapping[str, Any], rows: int | None) -> list[Mapping[str, Any]]:
    """Return a file stream request as several with so many rows of history each.

    As with the real client, the summary is in the first one, and the end of the run in the last.
    """
    files = dict(body.get("files", {}))
    history = files.pop(_HISTORY, None)
    if history is None or rows is None or len(history["content"]) <= rows:
        return [body]
    first, content = history["offset"], history["content"]
    cut = [
        {"offset": first + start, "content": content[start : start + rows]}
        for start in range(0, len(content), rows)
    ]
    parts: list[Mapping[str, Any]] = [{"files": {_HISTORY: item}} for item in cut[1:-1]]
    last = {**body, "files": {_HISTORY: cut[-1]}}
    return [{"files": {**files, _HISTORY: cut[0]}}, *parts, last]


def stream(store: Store, run: Run, body: Mapping[str, Any]) -> None:
    """Take one file stream request: rows, lines, the summary, and the end of the run."""
    for name, chunk in body.get("files", {}).items():
        _take_chunk(store, run, name, chunk["offset"], chunk["content"])
    run.heartbeat_at = now()
    if body.get("complete"):
        run.exit_code = body.get("exitcode") or 0
        run.state = "failed" if run.exit_code else "finished"
    elif run.state in _ENDED:
        run.state, run.exit_code = "running", None


def _take_chunk(store: Store, run: Run, name: str, offset: int, lines: list[str]) -> None:
    if name == _HISTORY:
        _write_at(run.history, offset + _history_shift(store, run, offset), lines)
    elif name == "wandb-events.jsonl":
        _write_at(run.events, offset, lines)
    elif name == "wandb-summary.json":
        run.summary = json.loads(lines[-1])
    elif name == "output.log":
        run.console.update(enumerate(lines, start=offset))
    else:
        raise Refusal(400, f"file stream of {name} is not known")


def _history_shift(store: Store, run: Run, offset: int) -> int:
    """Return how far the client's row numbers are from ours since it opened the run."""
    if run.history_shift is None:
        uncounted = store.assumptions.history_on_reinit == "uncounted"
        run.history_shift = len(run.history) - offset if uncounted else 0
    return run.history_shift


def _write_at(rows: list[str], offset: int, lines: list[str]) -> None:
    # The offset makes a request that is sent twice harmless.
    rows[offset : offset + len(lines)] = lines


def put_file(run: Run, name: str, blob: Blob) -> None:
    """Keep an uploaded file of a run."""
    run.files[name] = blob
