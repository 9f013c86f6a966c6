"""A W&B project on a server, read back: a page of W&B runs with all their parts a request."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from mfwb.errors import ItemLost, SinkError
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.responses import require
from mfwb.snapshot.pathspec import owner_and_name
from mfwb.verification.recorded import (
    Receiver,
    RecordedArtifact,
    RecordedFile,
    RecordedFlowRun,
    RecordedRun,
)
from mfwb.verification.recorded_online import queries
from mfwb.verification.recorded_online.cache import ProjectCache
from mfwb.verification.recorded_online.parse import (
    files_of_manifest,
    parse_axes,
    parse_config,
    parse_file,
    parse_json,
    parse_runtime,
    parse_started_at,
    parse_version,
)
from mfwb.verification.recorded_online.requests import Requests, pages
from mfwb.verification.rows import merge_rows

__all__ = ["OnlineProject"]

_RUNS_PER_PAGE = 50
_ROWS_PER_STEP = 4  # at most; W&B leaves rows out if there are more
_STEPS_PER_REQUEST = 5_000  # of one W&B run, in a further request
_NAMES_AT_ONCE = 40
_VERSIONS_AT_ONCE = 20  # of which the files are listed; addresses are valid for minutes
_TABLE = "run_table"
_NO_FIELD = "Cannot query field"


@dataclass(slots=True)
class _Parts:
    """A W&B run's node, and all pages of its parts."""

    node: Mapping[str, Any]
    files: list[Mapping[str, Any]] = field(default_factory=list)
    logged: list[Mapping[str, Any]] = field(default_factory=list)
    used: list[Mapping[str, Any]] = field(default_factory=list)
    lines: list[Mapping[str, Any]] | None = None
    rows: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The id of the W&B run."""
        return str(require(self.node, "name"))


class OnlineProject:
    """A W&B project on a server."""

    def __init__(
        self,
        client: ApiClient,
        entity: str,
        project: str,
        *,
        workers: int,
        cache: ProjectCache | None = None,
    ) -> None:
        """Read a project; nothing is requested yet.

        Args:
            client: W&B's Api, with retries.
            entity: the owner of the project.
            project: its name.
            workers: how many files are downloaded at the same time.
            cache: what others know of this project; None: nothing.
        """
        self._requests = Requests(client, entity, project)
        self._workers = workers
        self._manifests: dict[str, Mapping[str, RecordedFile]] = {}
        self._run_files: dict[tuple[str, str], str] = {}
        self._artifact_files: dict[str, dict[str, str]] = {}  # URLs of those read now and next
        self._announced: dict[str, RecordedArtifact] = {}
        self._cache = cache or ProjectCache()
        self._has_project = True  # until a request shows that there is none

    @property
    def requests(self) -> int:
        """The number of requests that were sent so far."""
        return self._requests.sent

    def flow_run(
        self, group: str, aliases: Collection[str] = (), *, with_links: bool = False
    ) -> RecordedFlowRun:
        """Return what W&B says of the W&B runs of a group; none is no error; SinkError."""
        parts = list(self._runs(group))
        versions = [version for part in parts for version in (*part.logged, *part.used)]
        self._load_manifests(versions)
        runs = [self._parse_run(part) for part in parts]
        aliased = self._aliased(group, runs, aliases, with_links=with_links)
        return RecordedFlowRun(group, runs, aliased, has_project=self._has_project)

    def announce(self, artifacts: Sequence[RecordedArtifact]) -> None:
        """Take notice of the artifacts whose files are read next."""
        self._announced = {artifact.key: artifact for artifact in artifacts}

    def read_artifact_file(self, artifact: RecordedArtifact, path: str, receiver: Receiver) -> None:
        """Send a file of an artifact to a receiver; ItemLost if W&B has none; SinkError."""
        url = self._artifact_url(artifact, path)
        if not self._requests.download_to(receiver, url, f"download {artifact.name}/{path}"):
            raise ItemLost(f"W&B lists {path} of {artifact.name}, and has no bytes of it")

    def read_run_file(self, run: RecordedRun, path: str, receiver: Receiver) -> None:
        """Send a file of a W&B run to a receiver; ItemLost if W&B has none; SinkError."""
        url = self._run_files.get((run.id, path))
        if url is None:
            raise ItemLost(f"W&B has no file {path} of {run.name}")
        if not self._requests.download_to(receiver, url, f"download {path} of {run.name}"):
            raise ItemLost(f"W&B lists {path} of {run.name}, and has no bytes of it")

    # --- W&B runs ---------------------------------------------------------------------------

    def _runs(self, group: str) -> Iterator[_Parts]:
        first = self._page(group, None)
        if first is not None:
            for node in pages(first, partial(self._next_page, group)):
                yield self._whole(node)

    def _next_page(self, group: str, after: str) -> Any:
        page = self._page(group, after)
        if page is None:
            raise SinkError(f"W&B answered null for the project {self._requests.project}")
        return page

    def _page(self, group: str, after: str | None) -> Any:
        """Return a page of W&B runs; None if there is no such project."""
        try:
            answer = self._ask_page(group, after)
        except SinkError as error:
            if not (self._cache.has_log_lines and _NO_FIELD in str(error)):
                raise
            self._cache.has_log_lines = False  # a server that is older than W&B's log pages
            answer = self._ask_page(group, after)
        project = answer.get("project")
        self._has_project = project is not None
        if project is None:
            self._confirm_no_project()
            return None
        return require(project, "runs")

    def _ask_page(self, group: str, after: str | None) -> dict[str, Any]:
        return self._requests.query(
            queries.runs_query(with_log=self._cache.has_log_lines),
            f"read the runs of {group}",
            filters=json.dumps({"group": group}),
            first=_RUNS_PER_PAGE,
            after=after,
            end=queries.STEPS_AT_ONCE,
            rows=queries.STEPS_AT_ONCE * _ROWS_PER_STEP,
        )

    def _confirm_no_project(self) -> None:
        """Raise SinkError unless W&B lists the entity's projects, and this is none of them.

        A server in trouble answers null for a project that it has.
        """

        def fetch(after: str | None) -> Any:
            answer = self._requests.query(queries.PROJECTS, "list the projects", after=after)
            return require(answer, "models")

        if any(project["name"] == self._requests.project for project in pages(fetch(None), fetch)):
            raise SinkError(f"W&B answered null for the project {self._requests.project}")

    def _whole(self, node: Mapping[str, Any]) -> _Parts:
        """Return a W&B run with all pages of its parts."""
        parts = _Parts(node)
        parts.files = list(self._all(parts.id, node, "files"))
        parts.logged = list(self._all(parts.id, node, "outputArtifacts"))
        parts.used = list(self._all(parts.id, node, "inputArtifacts"))
        if self._cache.has_log_lines:
            parts.lines = list(self._all(parts.id, node, "logLines"))
        parts.rows = self._rows(parts.id, node)
        return parts

    def _all(self, run_id: str, node: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
        def fetch(cursor: str) -> Any:
            answer = self._requests.query(
                queries.more_query(name), f"read {name} of {run_id}", run=run_id, after=cursor
            )
            return require(answer, "project", "run", name)

        return pages(require(node, name), fetch)

    def _rows(self, run_id: str, node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        rows = [_row(text) for text in require(node, "history")]
        last = (node.get("historyKeys") or {}).get("lastStep", -1)
        last = max([last, *(row.get("_step", -1) for row in rows)])
        start = queries.STEPS_AT_ONCE
        while start <= last:
            end = start + _STEPS_PER_REQUEST
            answer = self._requests.query(
                queries.HISTORY,
                f"read the history of {run_id}",
                run=run_id,
                start=start,
                end=end,
                rows=_STEPS_PER_REQUEST * _ROWS_PER_STEP,
            )
            rows += [_row(text) for text in require(answer, "project", "run", "history")]
            start = end
        return rows

    def _parse_run(self, parts: _Parts) -> RecordedRun:
        node = parts.node
        config = parse_json(node.get("config"), "config")
        summary = parse_json(node.get("summaryMetrics"), "summary")
        axes = parse_axes(config)
        history, repeated = merge_rows(parts.rows, axes.values())
        for file in parts.files:
            if file.get("directUrl"):
                self._run_files[parts.id, str(require(file, "name"))] = str(file["directUrl"])
        return RecordedRun(
            id=parts.id,
            name=node.get("displayName") or "",
            group=node.get("group") or "",
            job_type=node.get("jobType") or "",
            state=str(require(node, "state")),
            tags=frozenset(node.get("tags") or ()),
            notes=node.get("notes") or "",
            config=parse_config(config),
            summary=summary,
            history=history,
            log=self._log(parts),
            files={file.path: file for file in map(parse_file, parts.files)},
            logged=[
                version for version in map(self._version, parts.logged) if version.type != _TABLE
            ],
            used=[self._version(version) for version in parts.used],
            started_at=parse_started_at(config),
            axes=axes,
            runtime=parse_runtime(summary),
            repeated_steps=repeated,
        )

    def _log(self, parts: _Parts) -> list[str] | None:
        if parts.lines is None:
            return None
        in_order = sorted(parts.lines, key=lambda line: int(require(line, "number")))
        return [str(line.get("line") or "") for line in in_order]

    # --- artifacts --------------------------------------------------------------------------

    def _version(self, node: Mapping[str, Any]) -> RecordedArtifact:
        files = self._manifests.get(str(require(node, "id")), {})
        return parse_version(node, files, (self._requests.entity, self._requests.project))

    def _load_manifests(self, versions: Iterable[Mapping[str, Any]]) -> None:
        """Load the manifest of each version once, several at the same time."""
        by_key = {
            str(require(version, "id")): version
            for version in versions
            if require(version, "artifactType", "name") != _TABLE
        }
        self._manifests = {
            key: files for key in by_key if (files := self._cache.manifest(key)) is not None
        }
        missing = {key: by_key[key] for key in by_key if key not in self._manifests}
        if not missing:
            return
        with ThreadPoolExecutor(self._workers, thread_name_prefix="mfwb-verify") as pool:
            loaded = dict(zip(missing, pool.map(self._manifest, missing.values()), strict=True))
        self._manifests.update(loaded)
        self._cache.keep(loaded)

    def _manifest(self, node: Mapping[str, Any]) -> Mapping[str, RecordedFile]:
        """Return the files of a version; none if W&B has no manifest of it."""
        name = require(node, "artifactSequence", "name")
        if node.get("currentManifest") is None:
            return {}
        url = str(require(node, "currentManifest", "file", "directUrl"))
        data = self._requests.download(url, f"download the manifest of {name}")
        return {} if data is None else files_of_manifest(data)

    def _aliased(
        self,
        group: str,
        runs: Sequence[RecordedRun],
        aliases: Collection[str],
        *,
        with_links: bool,
    ) -> dict[tuple[str, str], Sequence[RecordedArtifact]]:
        """Return the versions with the aliases of the names that the runs log.

        W&B answers for an alias that is asked for: `latest`, that of the flow run, and those that
        the versions have, or that rules of the settings set.
        """
        wanted: dict[str, dict[str, None]] = {}
        of_flow_run = f"run-{owner_and_name(group)[1]}"
        for artifact in (artifact for run in runs for artifact in run.logged):
            names = wanted.setdefault(artifact.name, dict.fromkeys(("latest", of_flow_run)))
            names.update(dict.fromkeys(sorted({*artifact.aliases, *aliases})))
        result: dict[tuple[str, str], Sequence[RecordedArtifact]] = {}
        in_order = sorted(wanted.items())
        for start in range(0, len(in_order), _NAMES_AT_ONCE):
            names_now = in_order[start : start + _NAMES_AT_ONCE]
            result.update(self._ask_aliases(names_now, with_links=with_links))
        return result

    def _ask_aliases(
        self, wanted: Sequence[tuple[str, Iterable[str]]], *, with_links: bool
    ) -> Iterator[tuple[tuple[str, str], Sequence[RecordedArtifact]]]:
        aliases = {name: list(names) for name, names in wanted}
        variables = {f"n{number}": name for number, name in enumerate(aliases)}
        for number, names in enumerate(aliases.values()):
            variables |= {f"a{number}_{index}": alias for index, alias in enumerate(names)}
        counts = [len(names) for names in aliases.values()]
        text = queries.aliases_query(len(aliases), counts, with_links=with_links)
        answer = self._requests.query(text, "read the aliases of artifacts", **variables)
        project = require(answer, "project")
        for number, (name, names) in enumerate(aliases.items()):
            collection = require(project, f"n{number}")  # a run has just listed a version of it
            for index, alias in enumerate(names):
                member = collection.get(f"a{number}_{index}")
                if member is not None:
                    yield (name, alias), [self._version(require(member, "artifact"))]

    def _artifact_url(self, artifact: RecordedArtifact, path: str) -> str:
        """Return the address of a file of an artifact; ItemLost if W&B lists none."""
        if artifact.key not in self._artifact_files:
            self._announced.pop(artifact.key, None)
            following = [*islice(self._announced, _VERSIONS_AT_ONCE - 1)]
            wanted = [artifact, *(self._announced.pop(key) for key in following)]
            self._artifact_files = self._urls(wanted)
        url = self._artifact_files[artifact.key].get(path)
        if url is None:
            raise ItemLost(f"W&B has no file {path} of {artifact.name}")
        return url

    def _urls(self, artifacts: Sequence[RecordedArtifact]) -> dict[str, dict[str, str]]:
        """Return the addresses of all files of several versions, by key and path."""
        variables: dict[str, Any] = {}
        for number, artifact in enumerate(artifacts):
            variables |= {f"n{number}": artifact.name, f"v{number}": artifact.version}
        answer = self._requests.query(
            queries.first_files_query(len(artifacts)), "list the files of artifacts", **variables
        )
        project = require(answer, "project")
        urls: dict[str, dict[str, str]] = {}
        for number, artifact in enumerate(artifacts):
            first = require(project, f"n{number}", "artifactMembership", "files")
            urls[artifact.key] = {
                str(require(node, "name")): str(require(node, "directUrl"))
                for node in pages(first, partial(self._files_page, artifact))
            }
        return urls

    def _files_page(self, artifact: RecordedArtifact, after: str) -> Any:
        answer = self._requests.query(
            queries.artifact_files_query(),
            f"list the files of {artifact.name}",
            name=artifact.name,
            version=artifact.version,
            after=after,
        )
        collection = require(answer, "project", "artifactCollection")
        return require(collection, "artifactMembership", "files")


def _row(text: Any) -> Mapping[str, Any]:
    return parse_json(text, "history")
