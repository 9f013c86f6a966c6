"""Projects and runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tests.support.wandb_server.console import ConsoleLine, console_lines
from tests.support.wandb_server.filters import run_value, select, unwrap
from tests.support.wandb_server.records import Project, Run, Version, node_id

from .artifacts import (
    ArtifactNode,
    CollectionNode,
    MembershipNode,
    TypeNode,
    collections_page,
)
from .connection import Connection, connect
from .files import RunFile
from .people import EntityNode, UserNode
from .site import Site, moment

_TAIL = 1


@dataclass(frozen=True, slots=True)
class ProjectNode:
    """A project."""

    site: Site
    project: Project
    access: str = "PRIVATE"
    views: str = "{}"
    is_benchmark: bool = False

    @property
    def read_only(self) -> bool:
        """Say whether the user may only read it."""
        return f"{self.project.entity}/{self.project.name}" in self.site.store.read_only

    @property
    def id(self) -> str:
        """Return the project id."""
        return self.project.id

    @property
    def internal_id(self) -> str:
        """Return the id that does not change with the name."""
        return node_id("ProjectInternalId", str(self.project.serial))

    @property
    def name(self) -> str:
        """Return the name."""
        return self.project.name

    @property
    def description(self) -> str | None:
        """Return the description."""
        return self.project.description

    @property
    def entity_name(self) -> str:
        """Return the name of the owner."""
        return self.project.entity

    @property
    def entity(self) -> EntityNode:
        """Return the owner."""
        return EntityNode(self.site, self.project.entity)

    @property
    def created_at(self) -> str:
        """Return when the first run came."""
        return moment(self.project.created_at)

    @property
    def user(self) -> UserNode:
        """Return who made it."""
        return UserNode(self.site)

    def run(self, *, name: str) -> RunNode | None:
        """Return the run of that id, or None if it is not there."""
        run = self.project.runs.get(name)
        return RunNode(self.site, run) if run else None

    def bucket(self, *, name: str, **_missing_ok: bool | None) -> RunNode | None:
        """Return the run of that id, by the old word for runs."""
        return self.run(name=name)

    def run_count(self, *, filters: str | None = None) -> int:
        """Return how many runs match."""
        return len(select(self.project.runs.values(), filters, None, run_value))

    def runs(
        self,
        *,
        first: int | None = None,
        after: str | None = None,
        filters: str | None = None,
        order: str | None = None,
    ) -> Connection[RunNode]:
        """Return the runs that match."""
        runs = select(self.project.runs.values(), filters, order, run_value)
        return connect([RunNode(self.site, run) for run in runs], first, after)

    def artifact(self, *, name: str) -> ArtifactNode | None:
        """Return the version that name:alias means."""
        version = self._version(name)
        return ArtifactNode(self.site, version) if version else None

    def artifact_collection_membership(self, *, name: str) -> MembershipNode | None:
        """Return the version that name:alias means, as a member of its collection."""
        version = self._version(name)
        if version is None:
            return None
        collection = self.project.collections[name.partition(":")[0]]
        return MembershipNode(self.site, version, collection)

    def _version(self, name: str) -> Version | None:
        name, _, alias = name.partition(":")
        collection = self.project.collections.get(name)
        return collection.find(alias or "latest") if collection else None

    def artifact_type(self, *, name: str) -> TypeNode | None:
        """Return an artifact type that is in use."""
        return TypeNode(self.site, self.project, name) if name in self.project.types else None

    def artifact_types(
        self, *, first: int | None = None, after: str | None = None
    ) -> Connection[TypeNode]:
        """Return the artifact types that are in use."""
        names = list(self.project.types)
        return connect([TypeNode(self.site, self.project, n) for n in names], first, after)

    def artifact_collection(self, *, name: str) -> CollectionNode | None:
        """Return the artifact collection of that name."""
        collection = self.project.collections.get(name)
        return CollectionNode(self.site, collection) if collection else None

    def artifact_collections(
        self,
        *,
        first: int | None = None,
        after: str | None = None,
        filters: str | None = None,
        order: str | None = None,
    ) -> Connection[CollectionNode]:
        """Return the artifact collections."""
        mine = list(self.project.collections.values())
        return collections_page(
            self.site, mine, first=first, after=after, filters=filters, order=order
        )


@dataclass(frozen=True, slots=True)
class ParquetHistory:
    """The history as exported files, of which there are none, and what is not exported."""

    live_data: list[dict[str, Any]]

    @property
    def parquet_urls(self) -> list[str]:
        """Return no files."""
        return []


@dataclass(frozen=True, slots=True)
class RunNode:
    """A run."""

    site: Site
    _run: Run
    typename: str = "Run"
    told_rows: int | None = None
    sweep_name: str | None = None
    read_only: bool = False
    system_metrics: str = "{}"

    @classmethod
    def at(cls, site: Site, path: str) -> RunNode:
        """Return the run at entity/project/id."""
        return cls(site, site.store.run(*path.split("/")))

    @property
    def id(self) -> str:
        """Return the storage id."""
        return self._run.id

    @property
    def name(self) -> str:
        """Return the id that users choose."""
        return self._run.name

    @property
    def display_name(self) -> str:
        """Return the name that users see."""
        return self._run.display_name

    @property
    def description(self) -> str | None:
        """Return the description."""
        return self._run.description

    @property
    def notes(self) -> str | None:
        """Return the notes."""
        return self._run.notes

    @property
    def project_id(self) -> int:
        """Return the number of the project."""
        return self._project.serial

    @property
    def project(self) -> ProjectNode:
        """Return the project."""
        return ProjectNode(self.site, self._project)

    @property
    def _project(self) -> Project:
        return self.site.store.project(self._run.entity, self._run.project)

    @property
    def state(self) -> str:
        """Return running, pending, finished or failed."""
        return self._run.state

    @property
    def group(self) -> str | None:
        """Return the group."""
        return self._run.group

    @property
    def job_type(self) -> str | None:
        """Return the job type."""
        return self._run.job_type

    @property
    def tags(self) -> list[str]:
        """Return the tags."""
        return self._run.tags

    @property
    def commit(self) -> str | None:
        """Return the git commit."""
        return self._run.commit

    @property
    def host(self) -> str | None:
        """Return the host."""
        return self._run.host

    @property
    def program(self) -> str | None:
        """Return the program."""
        return self._run.program

    @property
    def created_at(self) -> str:
        """Return when the server first heard of the run."""
        return moment(self._run.created_at)

    @property
    def heartbeat_at(self) -> str:
        """Return when the server last heard of the run."""
        return moment(self._run.heartbeat_at)

    @property
    def user(self) -> UserNode:
        """Return whose key it was."""
        return UserNode(self.site)

    @property
    def config(self) -> str:
        """Return the config as JSON."""
        return json.dumps(self._run.config)

    def wandb_config(self, *, keys: list[str] | None = None) -> str:
        """Return what the SDK noted of itself in the config."""
        notes = unwrap(self._run.config.get("_wandb", {}))
        return json.dumps({key: notes[key] for key in keys or notes if key in notes})

    @property
    def summary_metrics(self) -> str:
        """Return the summary as JSON."""
        return json.dumps(self._run.summary)

    @property
    def history_keys(self) -> dict[str, Any]:
        """Return the names in the history and its last step."""
        rows = [json.loads(row) for row in self._run.history]
        if not rows:
            return {}
        counts = Counter(key for row in rows for key in row)
        keys = {
            key: {"typeCounts": [{"type": _kind(rows, key), "count": n}]}
            for key, n in counts.items()
        }
        return {"lastStep": max(_steps(rows)), "sets": [], "keys": keys}

    @property
    def history_line_count(self) -> int:
        """Return how many rows there are, or as many as the client shall believe."""
        return len(self._run.history) if self.told_rows is None else self.told_rows

    @property
    def history_tail(self) -> str:
        """Return the last rows."""
        return json.dumps(self._run.history[-_TAIL:])

    @property
    def events_line_count(self) -> int:
        """Return how many rows of system metrics there are."""
        return len(self._run.events)

    @property
    def events_tail(self) -> str:
        """Return the last rows of system metrics."""
        return json.dumps(self._run.events[-_TAIL:])

    def history(
        self,
        *,
        min_step: int | None = None,
        max_step: int | None = None,
        samples: int | None = None,
    ) -> list[str]:
        """Return rows as JSON: those between two steps, and not more than `samples`."""
        rows = self._run.history
        if min_step is not None or max_step is not None:
            rows = [row for row in rows if _between(json.loads(row), min_step, max_step)]
        return list(_sample(rows, samples))

    def events(self, *, samples: int | None = None) -> list[str]:
        """Return rows of system metrics as JSON."""
        return list(_sample(self._run.events, samples))

    def sampled_history(self, *, specs: list[str]) -> list[list[dict[str, Any]]]:
        """Return, for each spec, the rows that have all its keys."""
        return [self._rows(json.loads(spec)) for spec in specs]

    def _rows(self, spec: dict[str, Any]) -> list[dict[str, Any]]:
        rows = (json.loads(row) for row in self._run.history)
        wanted = [
            {key: _finite(row[key]) for key in spec["keys"]}
            for row in rows
            if all(key in row for key in spec["keys"])
            and _between(row, spec.get("minStep"), _after(spec.get("maxStep")))
        ]
        return list(_sample(wanted, spec.get("samples")))

    def parquet_history(self, *, live_keys: list[str]) -> ParquetHistory:
        """Return the keys asked for, of all rows."""
        rows = (json.loads(row) for row in self._run.history)
        return ParquetHistory([{key: row[key] for key in live_keys if key in row} for row in rows])

    @property
    def log_line_count(self) -> int:
        """Return the number of console lines."""
        return len(self._run.console)

    def log_lines(
        self,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        **_pagination: bool | None,
    ) -> Connection[ConsoleLine]:
        """Return console lines from the start, or the last ones."""
        lines = console_lines(self._run.console)
        if last is not None:
            lines = lines[max(0, len(lines) - last) :]
        return connect(lines, first, after)

    @property
    def file_count(self) -> int:
        """Return the number of files."""
        return len(self._run.files)

    def files(
        self,
        *,
        names: list[str] | None = None,
        first: int | None = None,
        after: str | None = None,
        pattern: str | None = None,
    ) -> Connection[RunFile]:
        """Return the files: all, those named, or those like an SQL pattern."""
        like = pattern.replace("%", "*").replace("_", "?") if pattern else "*"
        files = [
            RunFile(self.site, self._run, name, blob)
            for name, blob in sorted(self._run.files.items())
            if (not names or name in names) and fnmatchcase(name, like)
        ]
        return connect(files, first, after)

    def input_artifacts(
        self, *, first: int | None = None, after: str | None = None
    ) -> Connection[ArtifactNode]:
        """Return the versions that the run used."""
        return self._artifacts(self._run.inputs, first, after)

    def output_artifacts(
        self, *, first: int | None = None, after: str | None = None
    ) -> Connection[ArtifactNode]:
        """Return the versions that the run logged."""
        return self._artifacts(self._run.outputs, first, after)

    def _artifacts(
        self, ids: Iterable[str], first: int | None, after: str | None
    ) -> Connection[ArtifactNode]:
        versions = [self.site.store.version(artifact_id) for artifact_id in ids]
        seen = [ArtifactNode(self.site, v) for v in versions if v.state == "COMMITTED"]
        return connect(seen, first, after)


def _steps(rows: Iterable[dict[str, Any]]) -> Iterable[int]:
    return (row.get("_step", -1) for row in rows)


def _kind(rows: Iterable[dict[str, Any]], key: str) -> str:
    value = next(row[key] for row in rows if key in row)
    if isinstance(value, (int, float)):
        return "number"
    return "string" if isinstance(value, str) else "map"


def _between(row: dict[str, Any], low: int | None, high: int | None) -> bool:
    step = row.get("_step", -1)
    return (low is None or step >= low) and (high is None or step < high)


def _after(step: int | None) -> int | None:
    # A spec names the last step it wants, while `history` names the first it does not want.
    return None if step is None else step + 1


def _sample(rows: Sequence[Any], samples: int | None) -> Sequence[Any]:
    if samples is None or samples >= len(rows):
        return rows
    return [rows[i * len(rows) // samples] for i in range(samples)]


def _finite(value: Any) -> Any:
    # JSON has no word for these; assumed that the real server sends them as text, too.
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - only NaN differs from itself
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value
