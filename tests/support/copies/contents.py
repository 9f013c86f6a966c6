"""Giving artifacts of a flow run other contents, which lie in its datastore."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

__all__ = ["contents_of", "give", "tasks_of"]


def tasks_of(root: Path, pathspec: str) -> list[str]:
    """Return the pathspecs of a flow run's tasks, but for its parameters."""
    folder = root / ".metaflow" / pathspec
    result = (path.parent for path in folder.glob("*/*/0.data.json"))
    return sorted(
        str(path.relative_to(root / ".metaflow")) for path in result if path.parent.name[0] != "_"
    )


def contents_of(root: Path, task: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the sha1 of each artifact of a task, and what is recorded of it."""
    stored = json.loads(_facts(root, task).read_text(encoding="utf-8"))
    return {name: (sha, stored["info"][name]) for name, sha in stored["objects"].items()}


def give(
    root: Path,
    task: str,
    contents: Mapping[str, tuple[str, Mapping[str, Any]]],
    *,
    without: Collection[str] = (),
) -> None:
    """Let artifacts of a task have other contents.

    Args:
        root: the folder that holds `.metaflow`.
        task: its pathspec.
        contents: sha1 and facts of each, as `contents_of` says them.
        without: artifacts that it loses.
    """
    path = _facts(root, task)
    stored = json.loads(path.read_text(encoding="utf-8"))
    for name in without:
        stored["objects"].pop(name, None)
        stored["info"].pop(name, None)
        _record(root, task, name).unlink(missing_ok=True)
    for name, (sha, facts) in contents.items():
        stored["objects"][name], stored["info"][name] = sha, dict(facts)
        record = _record(root, task, name)
        reported = json.loads(record.read_text(encoding="utf-8"))
        record.write_text(json.dumps({**reported, "sha": sha}), encoding="utf-8")
    path.write_text(json.dumps(stored), encoding="utf-8")


def _facts(root: Path, task: str) -> Path:
    return root / ".metaflow" / task / "0.data.json"


def _record(root: Path, task: str, name: str) -> Path:
    return root / ".metaflow" / task / "_meta" / f"0_artifact_{name}.json"
