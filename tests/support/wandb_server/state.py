"""What tests look at: frozen copies of runs and artifact versions, and a dump of everything."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .blobs import Files
from .console import ConsoleLine, console_lines
from .filters import unwrap
from .records import Run, RunState, Version, VersionState
from .store import Store

# Files whose bytes hold times or facts of the client's machine.
_VOLATILE_FILES = frozenset(
    {
        "config.yaml",
        "diff.patch",
        "output.log",
        "requirements.txt",
        "wandb-metadata.json",
        "wandb-summary.json",
    }
)
_VOLATILE_KEYS = frozenset({"_runtime", "_timestamp", "_wandb"})
# Client ids are random words; server ids are written in hex.
_REFERENCE = re.compile(r"wandb-(?:client-)?artifact://([0-9a-z]+)")


@dataclass(frozen=True, slots=True)
class GitInfo:
    """Where the code of a run lies."""

    commit: str | None
    remote: str | None


@dataclass(frozen=True, slots=True)
class ArtifactVersion:
    """An artifact version as it was when asked for.

    Attributes:
        path: entity/project/name:vN, with `pending` for vN before the commit.
        manifest: the entries by path, as the uploaded manifest holds them.
        files: the uploaded bytes by path.
        references: the addresses by path.
        logged_by: path of the run that logged it first.
        producers: paths of all runs that have it as output.
        used_by: paths of the runs that have it as input.
        links: aliases by path, entity/project/name:vN, of the collections that it is linked to.
    """

    path: str
    name: str
    type: str
    version: str
    state: VersionState
    digest: str
    description: str | None
    metadata: dict[str, Any]
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    ttl_seconds: int | None
    manifest: dict[str, dict[str, Any]]
    files: Files
    references: dict[str, str]
    logged_by: str | None
    producers: tuple[str, ...]
    used_by: tuple[str, ...]
    created_at: datetime
    id: str = field(repr=False)
    links: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """A W&B run as it was when asked for.

    Attributes:
        config: the user's values by key.
        raw_config: the config as it was sent, `_wandb` and descriptions included.
        summary: the summary, `_wandb` and `_runtime` included.
        history: the rows in the order of their arrival.
        events: the rows of system metrics.
        console: the lines of the Logs tab.
        files: the uploaded bytes by name.
        logged: the versions that the run has as outputs, in the order of logging.
        used: the versions that the run has as inputs, in the order of use.
        runtime: the seconds of `_wandb.runtime` in the summary.
    """

    path: str
    id: str
    display_name: str
    state: RunState
    exit_code: int | None
    group: str | None
    job_type: str | None
    tags: tuple[str, ...]
    notes: str | None
    description: str | None
    host: str | None
    program: str | None
    git: GitInfo
    config: dict[str, Any]
    raw_config: dict[str, Any]
    summary: dict[str, Any]
    history: list[dict[str, Any]]
    events: list[dict[str, Any]]
    console: list[ConsoleLine]
    files: Files
    logged: tuple[ArtifactVersion, ...]
    used: tuple[ArtifactVersion, ...]
    created_at: datetime
    heartbeat_at: datetime
    runtime: float | None


class State:
    """The server's state, to read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def run(self, path: str) -> RunSnapshot:
        """Return the run at entity/project/id; KeyError if it is not there."""
        entity, project, name = path.split("/")
        with self._store.lock:
            return self._run(self._store.projects[entity, project].runs[name])

    def runs(self, project: str) -> dict[str, RunSnapshot]:
        """Return all runs of entity/project by id, oldest first."""
        entity, name = project.split("/")
        with self._store.lock:
            result = self._store.projects.get((entity, name))
            return {run.name: self._run(run) for run in result.runs.values()} if result else {}

    def artifact(self, path: str) -> ArtifactVersion:
        """Return the version at entity/project/name:alias; KeyError if it is not there."""
        location, _, alias = path.partition(":")
        entity, project, name = location.split("/")
        with self._store.lock:
            version = self._store.projects[entity, project].collections[name].find(alias)
            if version is None:
                raise KeyError(path)
            return self._version(version)

    def artifacts(self, project: str) -> list[ArtifactVersion]:
        """Return all committed versions of entity/project, by name and number."""
        return [v for v in self.versions(project) if v.state == "COMMITTED"]

    def versions(self, project: str) -> list[ArtifactVersion]:
        """Return all versions of entity/project, pending ones too."""
        entity, name = project.split("/")
        with self._store.lock:
            result = self._store.projects.get((entity, name))
            collections = sorted(result.collections.items()) if result else []
            return [self._version(v) for _, collection in collections for v in collection.versions]

    def projects(self) -> list[str]:
        """Return entity/project of all projects."""
        with self._store.lock:
            return sorted("/".join(key) for key in self._store.projects)

    def snapshot(self, project: str | None = None) -> dict[str, Any]:
        """Return everything that matters, of one project or all, without times and random ids.

        Two servers that were brought to the same state by different ways give equal
        snapshots. Versions that were never committed do not count: nobody can see them.
        """
        projects = [project] if project else self.projects()
        with self._store.lock:
            dump = {
                "runs": {
                    run.path: self._run_dump(run)
                    for name in projects
                    for run in self.runs(name).values()
                },
                "artifacts": {
                    version.path: self._version_dump(version)
                    for name in projects
                    for version in self.artifacts(name)
                },
                "deleted_runs": sorted(
                    f"{p.entity}/{p.name}/{run}"
                    for p in self._store.projects.values()
                    for run in p.deleted_runs
                    if f"{p.entity}/{p.name}" in projects
                ),
            }
            return self._without_ids(dump)

    def _run(self, run: Run) -> RunSnapshot:
        summary: dict[str, Any] = json.loads(json.dumps(run.summary))
        raw_config: dict[str, Any] = json.loads(json.dumps(run.config))
        internal = summary.get("_wandb")
        return RunSnapshot(
            path=run.path,
            id=run.name,
            display_name=run.display_name,
            state=run.state,
            exit_code=run.exit_code,
            group=run.group,
            job_type=run.job_type,
            tags=tuple(run.tags),
            notes=run.notes,
            description=run.description,
            host=run.host,
            program=run.program,
            git=GitInfo(run.commit, run.repo),
            config={key: unwrap(entry) for key, entry in raw_config.items() if key != "_wandb"},
            raw_config=raw_config,
            summary=summary,
            history=[json.loads(row) for row in run.history],
            events=[json.loads(row) for row in run.events],
            console=console_lines(run.console),
            files=Files(run.files),
            logged=self._versions(run.outputs),
            used=self._versions(list(run.inputs)),
            created_at=run.created_at,
            heartbeat_at=run.heartbeat_at,
            runtime=internal.get("runtime") if isinstance(internal, dict) else None,
        )

    def _versions(self, ids: list[str]) -> tuple[ArtifactVersion, ...]:
        return tuple(self._version(self._store.versions[artifact_id]) for artifact_id in ids)

    def _version(self, version: Version) -> ArtifactVersion:
        contents = version.manifest.contents if version.manifest else {}
        collection = version.collection
        return ArtifactVersion(
            path=version.path,
            name=version.path.rpartition("/")[2],
            type=collection.type,
            version=version.path.rpartition(":")[2],
            state=version.state,
            digest=version.digest,
            description=version.description,
            metadata=json.loads(version.metadata or "{}"),
            aliases=tuple(version.aliases),
            tags=tuple(version.tags),
            ttl_seconds=version.ttl,
            manifest=json.loads(json.dumps(contents)),
            files=Files(version.files),
            references={name: entry["ref"] for name, entry in contents.items() if "ref" in entry},
            logged_by=version.created_by,
            producers=tuple(
                sorted(r.path for r in self._store.runs.values() if version.id in r.outputs)
            ),
            used_by=tuple(sorted(version.used_by)),
            created_at=version.created_at,
            id=version.id,
            links={
                f"{place.path}:v{place.index_of(version)}": tuple(place.aliases_of(version))
                for place in version.linked_to
            },
        )

    def _run_dump(self, run: RunSnapshot) -> dict[str, Any]:
        return {
            "display_name": run.display_name,
            "state": run.state,
            "exit_code": run.exit_code,
            "group": run.group,
            "job_type": run.job_type,
            "tags": sorted(run.tags),
            "notes": run.notes,
            "host": run.host,
            "program": run.program,
            "git": [run.git.commit, run.git.remote],
            "config": run.config,
            "summary": _steady(run.summary),
            "history": [_steady(row) for row in run.history],
            "console": [[line.level, line.line] for line in run.console],
            "files": {
                name: None if name in _VOLATILE_FILES else run.files.md5(name) for name in run.files
            },
            "logged": sorted(version.path for version in run.logged),
            "used": sorted(version.path for version in run.used),
        }

    def _version_dump(self, version: ArtifactVersion) -> dict[str, Any]:
        return {
            "type": version.type,
            "digest": version.digest,
            "description": version.description,
            "metadata": version.metadata,
            "aliases": list(version.aliases),
            "tags": sorted(version.tags),
            "manifest": {
                name: {key: entry.get(key) for key in ("digest", "size", "ref")}
                for name, entry in sorted(version.manifest.items())
            },
            "files": {name: version.files.md5(name) for name in version.files},
            "logged_by": version.logged_by,
            "producers": list(version.producers),
            "used_by": list(version.used_by),
            "links": {path: list(aliases) for path, aliases in version.links.items()},
        }

    def _without_ids(self, dump: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(dump, sort_keys=True)
        text = _REFERENCE.sub(self._named, text)
        cleaned: dict[str, Any] = json.loads(text)
        return cleaned

    def _named(self, found: re.Match[str]) -> str:
        by_draft = self._store.client_ids.get(found[1])
        if by_draft is not None:
            return f"wandb-artifact://{by_draft.path}"
        for version in self._store.versions.values():
            if found[1] == b64decode(version.id).hex():
                return f"wandb-artifact://{version.path}"
        return "wandb-artifact://?"


def _steady(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in _VOLATILE_KEYS}


def digest_of(snapshot: dict[str, Any]) -> str:
    """Return a short word for a snapshot, to tell quickly whether two are equal."""
    text = json.dumps(snapshot, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
