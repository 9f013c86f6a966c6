"""A bundle of offline syncs, read as W&B would read it; nothing is sent.

A version exists only once W&B has committed it. Equal content under one name becomes one version
then, so name and digest identify it here. Checksums of files are those of their bytes on the disk.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from mfwb.errors import ItemLost, SinkError
from mfwb.files.rooted_files import open_below, resolve_below
from mfwb.snapshot.pathspec import flow_of, flow_run_of
from mfwb.verification.recorded import (
    Receiver,
    RecordedArtifact,
    RecordedFile,
    RecordedFlowRun,
    RecordedRun,
)
from mfwb.verification.recorded_offline.run_file import RunFile, read_run
from mfwb.verification.recorded_offline.wandb_file import read_wandb_file

__all__ = ["BundleProject", "flow_runs_in_bundle"]

_LEVEL = re.compile(r"level-[0-9]{2,4}")
_ROOTS = re.compile(r"payloads|level-[0-9]{2,4}")
_CHUNK = 1024**2
_TABLE = "run_table"


@dataclass(frozen=True, slots=True)
class _Placed:
    """A W&B run of a bundle, and its folder in the bundle."""

    folder: str
    run: RunFile


def flow_runs_in_bundle(bundle: Path) -> list[str]:
    """Return the pathspecs of the flow runs whose W&B runs a bundle has.

    They come from the names of the W&B runs, as in `Flow/7/train`, the oldest first. SinkError if a
    file can't be read, unless others of its flow run can.
    """
    read = {path: _try_to_read(bundle, path) for path in _wandb_files(bundle)}
    runs = [run for run in read.values() if isinstance(run, RunFile)]
    runs.sort(key=lambda run: run.started_at or 0.0)
    names = list(dict.fromkeys(name for run in runs if (name := _flow_run_of(run))))
    folders = [f"{name.replace('/', '-')}-" for name in names]
    for path, run in read.items():
        if isinstance(run, SinkError) and not any(folder in path for folder in folders):
            raise run  # its flow run can't be known
    return names


def _flow_run_of(run: RunFile) -> str | None:
    facts = run.config.get("metaflow")
    pathspec = facts.get("pathspec") if isinstance(facts, dict) else None
    flow_run = flow_run_of(str(pathspec or run.name))
    return flow_run if flow_of(flow_run) != flow_run else None


class BundleProject:
    """The W&B runs of a bundle that go to one project."""

    def __init__(self, bundle: Path, entity: str | None, project: str) -> None:
        """Read a bundle; nothing is read yet.

        Args:
            bundle: its folder.
            entity: only W&B runs that go to this entity; None: whichever.
            project: only W&B runs that go to this project.
        """
        self._bundle = bundle
        self._entity = entity
        self._project = project
        self._checksums: dict[str, RecordedFile] = {}
        self._local_paths: dict[tuple[str, str], str] = {}
        self._folders: dict[str, str] = {}
        self._by_group: dict[str, list[str]] | None = None  # the `.wandb` files
        self._damaged: list[str] = []

    @property
    def requests(self) -> int:
        """0: nothing is sent."""
        return 0

    def flow_run(
        self,
        group: str,
        aliases: Collection[str] = (),  # noqa: ARG002 - a bundle has those of its own W&B runs
        *,
        with_links: bool = False,  # noqa: ARG002 - a push makes them
    ) -> RecordedFlowRun:
        """Return what the bundle says of the W&B runs of a group; SinkError if it can't be listed.

        A W&B run whose file is damaged is missing; `damaged` says so.
        """
        placed = list(self._runs(group))
        self._folders.update((placed_run.run.id, placed_run.folder) for placed_run in placed)
        by_content: defaultdict[str, set[str]] = defaultdict(set)
        producers: dict[str, str] = {}
        for placed_run in placed:
            for record in placed_run.run.logged:
                by_content[_key(record)].update(record.aliases)
                producers.setdefault(_key(record), placed_run.run.id)
        runs = [self._recorded(placed_run, by_content, producers) for placed_run in placed]
        aliased: defaultdict[tuple[str, str], dict[str, RecordedArtifact]] = defaultdict(dict)
        for artifact in (artifact for run in runs for artifact in run.logged):
            for alias in artifact.aliases:
                aliased[artifact.name, alias][artifact.key] = artifact
        return RecordedFlowRun(
            group,
            runs,
            {key: list(versions.values()) for key, versions in aliased.items()},
            tuple(self._damaged),
        )

    def announce(self, artifacts: Sequence[RecordedArtifact]) -> None:
        """Do nothing: there are no requests."""

    def read_artifact_file(self, artifact: RecordedArtifact, path: str, receiver: Receiver) -> None:
        """Send a file of an artifact to a receiver; ItemLost if the bundle has none."""
        name = self._local_paths.get((artifact.key, path))
        if name is None:
            raise ItemLost(f"the bundle has no file {path} of {artifact.name}")
        self._send(name, receiver)

    def read_run_file(self, run: RecordedRun, path: str, receiver: Receiver) -> None:
        """Send a file of a W&B run to a receiver; ItemLost if the bundle has none."""
        if run.id not in self._folders or path not in run.files:
            raise ItemLost(f"the bundle has no file {path} of {run.name}")
        self._send(f"{self._folders[run.id]}/files/{path}", receiver)

    def _runs(self, group: str) -> Iterator[_Placed]:
        if self._by_group is None:
            by_group: defaultdict[str, list[str]] = defaultdict(list)
            for name in _wandb_files(self._bundle):
                run = _try_to_read(self._bundle, name)
                if isinstance(run, SinkError):
                    self._damaged.append(str(run))
                elif self._is_of_project(run):
                    by_group[run.group].append(name)
            self._by_group = dict(by_group)
        for name in self._by_group.get(group, ()):
            yield _Placed(str(PurePosixPath(name).parent), _read(self._bundle, name))

    def _is_of_project(self, run: RunFile) -> bool:
        return run.project == self._project and self._entity in (None, run.entity)

    def _recorded(
        self, placed: _Placed, aliases: defaultdict[str, set[str]], producers: dict[str, str]
    ) -> RecordedRun:
        run = placed.run
        history, repeated = run.history
        internal = run.summary.get("_wandb")
        runtime = internal.get("runtime") if isinstance(internal, dict) else None

        def artifact(record: Any) -> RecordedArtifact:
            key = _key(record)
            return self._artifact(record, frozenset(aliases[key]), producers.get(key))

        return RecordedRun(
            id=run.id,
            name=run.name,
            group=run.group,
            job_type=run.job_type,
            state=run.state,
            tags=run.tags,
            notes=run.notes,
            config={key: value for key, value in run.config.items() if key != "_wandb"},
            summary=run.summary,
            history=history,
            log=run.log,
            files={
                path: file
                for path in run.files
                if (file := self._file(f"{placed.folder}/files/{path}", path)).size is not None
            },
            logged=[artifact(record) for record in run.logged if record.type != _TABLE],
            used=[artifact(record) for record in run.used],
            started_at=run.started_at,
            runtime=None if runtime is None else float(runtime),
            repeated_steps=repeated,
            axes=run.axes,
        )

    def _artifact(
        self, record: Any, aliases: frozenset[str], producer: str | None
    ) -> RecordedArtifact:
        key = _key(record)
        return RecordedArtifact(
            key=key,
            name=record.name,
            type=record.type,
            version=None,
            digest=record.digest,
            aliases=aliases,
            files={entry.path: self._entry(key, entry) for entry in record.manifest.contents},
            metadata=_metadata(record),
            description=record.description or None,
            producer=producer,
        )

    def _entry(self, key: str, entry: Any) -> RecordedFile:
        if entry.ref:
            return RecordedFile(entry.path, entry.size or None, None, entry.ref)
        name = self._name_in_bundle(entry.local_path)
        if name is None:
            return RecordedFile(entry.path, None, None)
        self._local_paths[key, entry.path] = name
        return self._file(name, entry.path)

    def _name_in_bundle(self, local_path: str) -> str | None:
        """Return the path in the bundle for one as it was when the bundle was written.

        The bundle may have been moved since.
        """
        parts = PurePosixPath(local_path).parts
        for index in reversed(range(len(parts))):
            if _ROOTS.fullmatch(parts[index]):
                name = "/".join(parts[index:])
                if (self._bundle / name).is_file():
                    return name
        return None

    def _file(self, name: str, path: str) -> RecordedFile:
        """Return size and checksum of a file of the bundle, None both if it can't be read."""
        if name not in self._checksums:
            md5, size = hashlib.md5(usedforsecurity=False), 0
            try:
                with _open(self._bundle, name) as file:
                    while chunk := file.read(_CHUNK):
                        md5.update(chunk)
                        size += len(chunk)
            except OSError:
                return RecordedFile(path, None, None)
            self._checksums[name] = RecordedFile(
                name, size, base64.b64encode(md5.digest()).decode()
            )
        known = self._checksums[name]
        return RecordedFile(path, known.size, known.md5)

    def _send(self, name: str, receiver: Receiver) -> None:
        receiver.begin()
        for chunk in self._chunks(name):
            receiver.write(chunk)

    def _chunks(self, name: str) -> Iterator[bytes]:
        try:
            with _open(self._bundle, name) as file:
                while chunk := file.read(_CHUNK):
                    yield chunk
        except OSError as error:
            raise ItemLost(f"{name} of the bundle can't be read: {error}") from None


def _key(record: Any) -> str:
    return f"{record.name}@{record.digest}"


def _metadata(record: Any) -> dict[str, Any]:
    try:
        metadata = json.loads(record.metadata or "{}")
    except ValueError:
        metadata = None
    if not isinstance(metadata, dict):
        raise SinkError(f"the metadata of {record.name} in the bundle is no JSON object")
    return metadata


def _open(bundle: Path, name: str) -> BinaryIO:
    """Open a file of a bundle; OSError, also for a link: mfwb never makes one."""
    if resolve_below(bundle, name) != bundle.resolve() / name:
        raise OSError(f"{name} is a link, or behind one")
    return open_below(bundle, name)


def _read(bundle: Path, name: str) -> RunFile:
    """Return the W&B run of a `.wandb` file; SinkError if it is damaged."""
    try:
        with _open(bundle, name) as file:
            return read_run(read_wandb_file(file))
    except (OSError, ValueError) as error:
        raise SinkError(f"{name} of the bundle can't be read: {error}") from error


def _try_to_read(bundle: Path, name: str) -> RunFile | SinkError:
    try:
        return _read(bundle, name)
    except SinkError as error:
        return error


def _wandb_files(bundle: Path) -> list[str]:
    """Return the paths of all `.wandb` files, in the order of levels."""
    return [
        f"{folder}/{path.name}"
        for folder in _run_folders(bundle)
        for path in sorted((bundle / folder).glob("run-*.wandb"))
    ]


def _run_folders(bundle: Path) -> Sequence[str]:
    try:
        levels = sorted(level for level in bundle.iterdir() if _LEVEL.fullmatch(level.name))
        return [
            folder.relative_to(bundle).as_posix()
            for level in levels
            if (level / "wandb").is_dir()
            for folder in sorted((level / "wandb").iterdir())
            if folder.is_dir()
        ]
    except OSError as error:
        raise SinkError(f"the bundle {bundle} can't be read: {error}") from error
