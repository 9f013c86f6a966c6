"""What two ways to the same W&B run have to agree on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.wandb_server import ArtifactVersion, RunSnapshot


def _without_marker(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config but for the fingerprint, which knows the project."""
    return {name: value for name, value in config.items() if name != "mfwb"}


def _started(run: RunSnapshot) -> set[str]:
    return {item["startedAt"] for item in run.raw_config["_wandb"]["value"].get("e", {}).values()}


def _summary(run: RunSnapshot) -> dict[str, Any]:
    """Return the summary but for what W&B draws by lot: how drafts of artifacts are called."""
    return {
        name: _without_drawn(value) if isinstance(value, dict) else value
        for name, value in run.summary.items()
        if name != "mfwb"
    }


def _without_drawn(value: dict[str, Any]) -> dict[str, Any]:
    drawn = ("artifact_path", "_latest_artifact_path")
    return {name: reported for name, reported in value.items() if name not in drawn}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row but for the seconds since W&B began to write."""
    return {name: value for name, value in row.items() if name != "_runtime"}


def _artifact(one: ArtifactVersion) -> tuple[Any, ...]:
    """Return what a version is; its number and its aliases go by the order within a level."""
    files = tuple(sorted((path, one.files[path]) for path in one.files))
    producer = (one.logged_by or "").rpartition("/")[2]
    return (one.name.partition(":")[0], one.type, one.digest, producer, files)


ASPECTS: dict[str, Callable[[RunSnapshot], Any]] = {
    "identity": lambda run: (
        *(run.id, run.display_name, run.group),
        *(run.job_type, run.tags, run.notes),
    ),
    "end": lambda run: (run.state, run.exit_code, run.runtime),
    "origin": lambda run: (run.host, run.git),
    "config": lambda run: _without_marker(run.config),
    "start": _started,
    "summary": _summary,
    "history": lambda run: [_row(row) for row in run.history],
    "console": lambda run: [line.line for line in run.console],
    "logged": lambda run: sorted(_artifact(item) for item in run.logged),
    "used": lambda run: sorted(_artifact(item) for item in run.used),
    "media": lambda run: {name: run.files[name] for name in run.files if name.startswith("media/")},
}
