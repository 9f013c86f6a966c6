"""What the tasks of flow runs recorded about themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Record", "read_records"]


@dataclass(frozen=True)
class Record:
    """One task, by its latest attempt. Tasks are named by pathspec.

    Attributes:
        pathspec: the task.
        parents: those whose data Metaflow gave it, as a set.
        is_join: whether its step is a join.
        given: names of the parameters, configs, files and constants.
        reads: read off `self`, unless it had written them itself.
        input_reads: read off an input: the input's task and the name.
        foreach_reads: read by `self.input` or `self.foreach_stack()`.
        assigned: written, and not deleted again.
        mutated: changed in place.
        handed_on: assigned, but it is the content that these inputs had under that name.
        merged: taken over by `merge_artifacts`, and the inputs that had these very bytes.
        persisted: whether it came as far as storing its artifacts.
    """

    pathspec: str
    parents: frozenset[str]
    is_join: bool
    given: frozenset[str]
    reads: frozenset[str]
    input_reads: frozenset[tuple[str, str]]
    foreach_reads: frozenset[str]
    assigned: frozenset[str]
    mutated: frozenset[str]
    handed_on: Mapping[str, tuple[str, ...]]
    merged: Mapping[str, tuple[str, ...]]
    persisted: bool


def read_records(folder: Path, flow_run: str) -> dict[str, Record]:
    """Return the records of a flow run's tasks.

    The clone of a task did nothing itself: what it stands for is what its origin did, with the
    clones of its origin's parents.
    """
    facts = _latest_facts(folder, flow_run.split("/", 1)[0])
    clones = {path: item["clone_of"] for path, item in facts.items() if "clone_of" in item}
    here = [path for path in facts if path.startswith(f"{flow_run}/")]
    names = {path: path for path in here}  # of its own tasks, and of their origins
    did_it = {}
    for path in here:
        origin = path
        while origin in clones:  # a resumed flow run may have been resumed again
            origin = clones[origin]
            names[origin] = path
        did_it[path] = origin
    return {path: _record(facts[origin], names) for path, origin in did_it.items()}


def _latest_facts(folder: Path, flow: str) -> dict[str, dict[str, Any]]:
    result: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.glob(f"{flow}.*.json"), key=_attempt):
        facts = json.loads(file.read_text(encoding="utf-8"))
        result[facts["pathspec"]] = facts
    return result


def _attempt(file: Path) -> int:
    word = file.stem.rsplit(".", 1)[1]
    return int(word) if word.isdecimal() else 0


def _record(facts: Mapping[str, Any], here: Mapping[str, str]) -> Record:
    return Record(
        pathspec=here[facts["pathspec"]],
        parents=frozenset(here[parent] for parent in facts["parents"]),
        is_join=facts["is_join"],
        given=frozenset(facts["given"]),
        reads=frozenset(facts["reads"]),
        input_reads=frozenset((here[path], name) for _, path, name in facts["input_reads"]),
        foreach_reads=frozenset(facts["foreach_reads"]),
        assigned=frozenset(facts["assigned"]),
        mutated=frozenset(facts["mutated"]),
        handed_on={
            name: tuple(here[path] for path in paths) for name, paths in facts["handed_on"].items()
        },
        merged={
            name: tuple(here[path] for path in paths) for name, paths in facts["merged"].items()
        },
        persisted=facts["persisted"],
    )
