"""A flow run on disk, as Metaflow 2.19 stores it locally, and ways to tamper with it."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hostile import opcodes

__all__ = ["FLOW", "STEPS", "StoredRun", "copy_of"]

FLOW = "SharedFlow"
STEPS = {"_parameters": "0", "start": "1", "middle": "2", "end": "3"}
_RAW = '{"cas_raw": true, "cas_version": 1}'
_GZIPPED = '{"cas_raw": false, "cas_version": 1}'


@dataclass(frozen=True)
class StoredRun:
    """A flow run below `.metaflow`.

    Attributes:
        store: the folder that holds `.metaflow`.
        run_id: of it.
        label: tells it from others in the same folder, in names of files that an attack makes.
    """

    store: Path
    run_id: str
    label: str

    @property
    def pathspec(self) -> str:
        """Flow and run."""
        return f"{FLOW}/{self.run_id}"

    @property
    def datastore(self) -> Path:
        """The folder `.metaflow`."""
        return self.store / ".metaflow"

    @property
    def flow_folder(self) -> Path:
        """Where all flow runs of the flow lie."""
        return self.datastore / FLOW

    @property
    def folder(self) -> Path:
        """Where this flow run lies."""
        return self.flow_folder / self.run_id

    @property
    def cards(self) -> Path:
        """Where its cards lie."""
        return self.datastore / "mf.cards" / FLOW / "runs" / self.run_id

    def task(self, step: str) -> Path:
        """Return the folder of the one task of a step."""
        return self.folder / step / STEPS[step]

    def record(self, step: str, artifact: str) -> Path:
        """Return what the metadata provider has of an artifact."""
        return self.task(step) / "_meta" / f"0_artifact_{artifact}.json"

    def facts(self, step: str) -> Path:
        """Return what the datastore has of a task's artifacts."""
        return self.task(step) / "0.data.json"

    def metadata(self, step: str, name: str) -> list[Path]:
        """Return the metadata records of a task of that name."""
        return sorted((self.task(step) / "_meta").glob(f"sysmeta_{name}_[0-9]*.json"))

    def selves(self) -> Iterator[Path]:
        """Yield what the metadata provider has of the flow run itself, its steps and tasks."""
        yield from sorted(self.folder.rglob("_self.json"))

    def blob(self, sha: str) -> Path:
        """Return where a content lies."""
        return self.flow_folder / "data" / sha[:2] / sha

    # Tampering

    def edit(self, path: Path, change: Callable[[dict[str, Any]], object]) -> None:
        """Change a JSON file; whatever `change` returns that is not None is written instead."""
        document = json.loads(path.read_text(encoding="utf-8"))
        changed = change(document)
        path.write_text(json.dumps(document if changed is None else changed), encoding="utf-8")

    def merge(self, path: Path, values: Mapping[str, Any]) -> None:
        """Set some fields of a JSON file."""
        self.edit(path, lambda document: {**document, **values})

    def put(self, data: bytes, *, sha: str | None = None, raw: bool = False) -> str:
        """Store a content, and return its sha1, or what is to stand for it.

        Args:
            data: the content.
            sha: what it is called, if not by its sha1.
            raw: whether it is stored as it is, and not compressed.
        """
        name = sha or hashlib.sha1(data, usedforsecurity=False).hexdigest()
        self.put_stored(data if raw else gzip.compress(data, 3), name, raw=raw)
        return name

    def put_stored(self, stored: bytes, sha: str, *, raw: bool = False) -> None:
        """Store what is compressed already, if it is."""
        path = self.blob(sha)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(stored)
        path.with_name(f"{path.name}_meta").write_text(_RAW if raw else _GZIPPED, encoding="utf-8")

    def point(
        self, name: str, sha: Any, *, steps: tuple[str, ...] = (), facts: bool = True
    ) -> None:
        """Let an artifact's records name another content.

        Args:
            name: of the artifact.
            sha: whatever is to stand there.
            steps: in which; all that have it if none is named.
            facts: whether in the datastore's records, too, or in the metadata provider's alone.
        """
        for step in steps or STEPS:
            if facts:
                self.edit(self.facts(step), lambda document: _set_sha(document, name, sha))
            if self.record(step, name).exists():
                self.edit(self.record(step, name), lambda document: _set(document, sha=sha))

    def replace(
        self,
        name: str,
        pickled: bytes,
        kind: str | None = None,
        *,
        size: Any = None,
        steps: tuple[str, ...] = (),
    ) -> str:
        """Give an artifact another pickle, and return its sha1.

        Args:
            name: of the artifact.
            pickled: the pickle.
            kind: what is recorded as its type; as before if None.
            size: what is recorded as its size; the true one if None.
            steps: in which; all that have it if none is named.
        """
        sha = self.put(pickled)
        about = {"size": len(pickled) if size is None else size}
        if kind is not None:
            about["type"] = kind
        for step in steps or STEPS:
            self.edit(self.facts(step), lambda document: _set_facts(document, name, sha, about))
        self.point(name, sha, steps=steps, facts=False)
        return sha

    def add(self, name: str, pickled: bytes, kind: str, *, steps: tuple[str, ...]) -> str:
        """Give tasks one more artifact, and return its sha1."""
        sha = self.put(pickled)
        for step in steps:

            def extend(document: dict[str, Any]) -> None:
                document["objects"][name] = sha
                document["info"][name] = {
                    "size": len(pickled),
                    "type": kind,
                    "encoding": "pickle-v4",
                    "serializer_info": {"source": "metaflow"},
                }

            self.edit(self.facts(step), extend)
            document = json.loads(self.record(step, "name").read_text(encoding="utf-8"))
            document |= {"name": name, "sha": sha}
            target = self.task(step) / "_meta" / f"0_artifact_{name}.json"
            target.write_text(json.dumps(document), encoding="utf-8")
        return sha

    def say(self, step: str, name: str, value: Any, kind: str | None = None) -> None:
        """Set a metadata record of a task; it is made if there is none."""
        paths = self.metadata(step, name)
        for path in paths:
            self.edit(path, lambda document: _set(document, value=value))
        if paths:
            return
        [sample] = self.metadata(step, "attempt-done")
        document = json.loads(sample.read_text(encoding="utf-8"))
        document |= {"field_name": name, "type": kind or name, "value": value}
        path = sample.with_name(f"sysmeta_{name}_{document['ts_epoch']}.json")
        path.write_text(json.dumps(document), encoding="utf-8")

    def note(self, task: Path, name: str, value: Any) -> None:
        """Add a metadata record to a task, given by its folder."""
        [sample] = sorted((task / "_meta").glob("sysmeta_attempt-done_*.json"))
        document = json.loads(sample.read_text(encoding="utf-8"))
        document |= {"field_name": name, "type": name, "value": value}
        path = sample.with_name(f"sysmeta_{name}_{document['ts_epoch']}.json")
        path.write_text(json.dumps(document), encoding="utf-8")

    def multiply(self, step: str, count: int) -> list[Path]:
        """Give a step so many tasks more, with what a task has to have; return their folders."""
        model, known = self.task(step), STEPS[step]
        needed = ("attempt", "attempt_ok", "attempt-done", "ds-type", "ds-root")
        kept = [
            model / "_meta" / "_self.json",
            model / "0.data.json",
            *(path for name in needed for path in self.metadata(step, name)[-1:]),
        ]
        texts = {path.relative_to(model): path.read_text(encoding="utf-8") for path in kept}
        folders = []
        for number in range(count):
            folder = model.with_name(f"{1000 + number}")
            (folder / "_meta").mkdir(parents=True)
            for name, text in texts.items():
                reported = text.replace(f'"task_id": "{known}"', f'"task_id": "{folder.name}"')
                (folder / name).write_text(reported, encoding="utf-8")
            folders.append(folder)
        return folders

    def graph(self) -> dict[str, Any]:
        """Return the value of `_graph_info`."""
        [sha] = {json.loads(self.facts("start").read_text())["objects"]["_graph_info"]}
        result: dict[str, Any] = opcodes.plain(gzip.decompress(self.blob(sha).read_bytes()))
        return result

    def set_graph(self, graph: dict[str, Any] | bytes) -> None:
        """Replace `_graph_info` by another value, or by a pickle."""
        pickled = graph if isinstance(graph, bytes) else opcodes.dumps(graph)
        self.replace("_graph_info", pickled)

    def fill_log(self, step: str, text: bytes, stream: str = "stdout") -> None:
        """Replace what a task printed."""
        (self.task(step) / f"0.runtime_{stream}.log").write_bytes(text)


def copy_of(origin: Path, origin_id: str, store: Path, run_id: str, label: str) -> StoredRun:
    """Return a copy of a flow run under another id and in another folder.

    Args:
        origin: the folder that holds `.metaflow`.
        origin_id: the run's id there.
        store: where it goes.
        run_id: its id there.
        label: of the copy.
    """
    run = StoredRun(store, run_id, label)
    source = origin / ".metaflow" / FLOW
    if not run.flow_folder.exists():
        run.flow_folder.mkdir(parents=True)
        for folder in ("_meta", "data"):
            shutil.copytree(source / folder, run.flow_folder / folder)
        shutil.copytree(origin / "data", store / "data")
        shutil.copy(origin / "words.txt", store / "words.txt")
    shutil.copytree(source / origin_id, run.folder)
    shutil.copytree(origin / ".metaflow" / "mf.cards" / FLOW / "runs" / origin_id, run.cards)
    old, new = str(origin / ".metaflow"), str(run.datastore)
    for path in run.folder.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        text = text.replace(origin_id, run_id).replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1])
        path.write_text(text, encoding="utf-8")
    [name] = [path.name for path in (origin / "data" / FLOW).iterdir()]
    included = store / "data" / FLOW / name  # others may have put more there
    run.replace("words", opcodes.included(f"local://{included}", size=included.stat().st_size))
    run.replace("path", opcodes.path(str(store / "words.txt")), steps=("start", "middle", "end"))
    return run


def make_pipe(path: Path) -> None:
    """Put a pipe where a file is meant."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _set(document: dict[str, Any], **values: Any) -> None:
    document.update(values)


def _set_sha(document: dict[str, Any], name: str, sha: Any) -> None:
    if name in document["objects"]:
        document["objects"][name] = sha


def _set_facts(document: dict[str, Any], name: str, sha: str, about: dict[str, Any]) -> None:
    if name in document["objects"]:
        document["objects"][name] = sha
        document["info"][name] |= about
