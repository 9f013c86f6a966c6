"""Damage to what the W&B stand-in keeps, and the way back: one sync serves many damages."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tests.support.wandb_server import WandbServer
from tests.support.wandb_server.blobs import Blob
from tests.support.wandb_server.records import Collection, Project, Run, Version

__all__ = ["Damage", "blob_of"]

_KEPT = ("projects", "runs", "versions", "manifests", "collections", "client_ids")


def blob_of(content: bytes) -> Blob:
    """Return bytes as the server keeps them."""
    return Blob(content, len(content), hashlib.md5(content, usedforsecurity=False).digest())


class Damage:
    """The mutable records of one project on the stand-in."""

    def __init__(self, server: WandbServer, path: str, flow_run: str = "") -> None:
        """Take a project.

        Args:
            server: the stand-in.
            path: `entity/project`.
            flow_run: the flow run whose W&B runs are meant, if the project has several.
        """
        self._flow_run = flow_run
        self._server = server
        entity, _, project = path.partition("/")
        self._key = (entity, project)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Let all damages within go away at the end."""
        store = self._server.store
        with store.lock:
            before = copy.deepcopy({name: getattr(store, name) for name in _KEPT})
        try:
            yield
        finally:
            with store.lock:
                for name, value in before.items():
                    setattr(store, name, value)

    def fingerprint(self) -> str:
        """Return a text that differs whenever anything that the stand-in keeps differs."""
        store = self._server.store
        with store.lock:
            return repr([store.projects, sorted(store.runs), store.versions.keys()])

    @property
    def run_id(self) -> str:
        """The id of the flow run."""
        return self._flow_run.rpartition("/")[2]

    @property
    def project(self) -> Project:
        """The project."""
        return self._server.store.projects[self._key]

    def run(self, step: str) -> Run:
        """Return the W&B run of a step: that whose name ends with `/step`."""
        [result] = [
            run
            for run in self.project.runs.values()
            if run.display_name.endswith(f"/{step}") and run.display_name.startswith(self._flow_run)
        ]
        return result

    def collection(self, name: str) -> Collection:
        """Return all versions of an artifact."""
        return self.project.collections[name]

    def version(self, name: str, alias: str = "latest") -> Version:
        """Return the version of an artifact that an alias, or `v3`, stands for."""
        result = self.collection(name).find(alias)
        assert result is not None, (name, alias)
        return result

    # --- W&B runs ---------------------------------------------------------------------------

    def remove_run(self, step: str, *, and_remember: bool = False) -> None:
        """Remove a W&B run as if it had never been there, or as if somebody had deleted it."""
        run = self.run(step)
        del self.project.runs[run.name]
        self._server.store.runs.pop(run.id, None)
        for version in self._server.store.versions.values():
            version.used_by.pop(run.path, None)
            if version.created_by == run.path:
                version.created_by = None
        if and_remember:
            self.project.deleted_runs.add(run.name)

    def move_run(self, step: str, project: str) -> None:
        """Move a W&B run to a new project; what it logged and used stays where it is."""
        run = self.run(step)
        old = run.path
        del self.project.runs[run.name]
        self.add_project(project).runs[run.name] = run
        run.project = project
        for version in self._server.store.versions.values():
            if version.created_by == old:
                version.created_by = run.path
            if old in version.used_by:
                version.used_by[run.path] = version.used_by.pop(old)

    def copy_run(self, step: str, new_id: str, **changes: Any) -> Run:
        """Add a W&B run that is a copy of another one but for its id and some changes."""
        run = copy.deepcopy(self.run(step))
        run.name = new_id
        for name, value in changes.items():
            setattr(run, name, value)
        self.project.runs[new_id] = run
        self._server.store.runs[run.id] = run
        return run

    def add_project(self, name: str) -> Project:
        """Return a new project of the same entity."""
        return self._server.store.make_project(self._key[0], name)

    def empty_project(self, entity: str) -> Project:
        """Return an empty project of the same name that belongs to another entity."""
        project = replace(
            self.project, entity=entity, runs={}, deleted_runs=set(), collections={}, types={}
        )
        self._server.store.projects[entity, self._key[1]] = project
        return project

    def remove_project(self) -> None:
        """Remove the project with all that it has."""
        del self._server.store.projects[self._key]

    def panel(self, step: str, key: str) -> dict[str, Any]:
        """Return what the summary has of a card, a table or a picture; W&B may nest its key."""
        values = self.run(step).summary
        if key not in values:
            *path, key = key.split("/")
            for part in path:
                values = values[part]
        result: dict[str, Any] = values[key]
        return result

    def remove_panel(self, step: str, key: str) -> None:
        """Remove a card, a table or a picture from the summary."""
        values = self.run(step).summary
        if key not in values:
            *path, key = key.split("/")
            for part in path:
                values = values[part]
        del values[key]

    def set_config(self, step: str, key: str, value: Any) -> None:
        """Write a value of the config over."""
        self.run(step).config[key] = {"value": value}

    def replace_run_file(self, step: str, path: str, content: bytes) -> None:
        """Put other bytes into a file of a W&B run."""
        self.run(step).files[path] = blob_of(content)

    # --- artifacts and edges ----------------------------------------------------------------

    def drop_use(self, step: str, artifact: str) -> None:
        """Remove the edge of a W&B run to the version of an artifact that it uses."""
        run = self.run(step)
        [used] = [item for item in run.inputs if self._named(item, artifact)]
        del run.inputs[used]
        self._server.store.versions[used].used_by.pop(run.path, None)

    def add_use(self, step: str, artifact: str, alias: str = "latest") -> None:
        """Add an edge of a W&B run to a version."""
        run, version = self.run(step), self.version(artifact, alias)
        run.inputs[version.id] = None
        version.used_by[run.path] = None

    def drop_output(self, step: str, artifact: str) -> None:
        """Remove the edge of a W&B run to a version that it logged."""
        run = self.run(step)
        run.outputs = [output for output in run.outputs if not self._named(output, artifact)]

    def move_alias(self, artifact: str, alias: str, to: str | None) -> None:
        """Let an alias stand for another version, such as `v0`, or for none."""
        aliases = self.collection(artifact).aliases
        if to is None:
            del aliases[alias]
        else:
            aliases[alias] = self.version(artifact, to).serial

    def replace_bytes(self, artifact: str, path: str, content: bytes) -> None:
        """Put other bytes into a file of a version; the manifest stays as it is."""
        self.version(artifact).files[path] = blob_of(content)

    def set_entry(self, artifact: str, path: str, alias: str = "latest", **changes: Any) -> None:
        """Change an entry of the manifest: `digest`, `size`, `ref`."""
        manifest = self.version(artifact, alias).manifest
        assert manifest is not None
        manifest.contents[path] = {**manifest.contents.get(path, {}), **changes}
        document = json.loads(manifest.blob.read()) if manifest.blob else {"version": 1}
        document["contents"] = manifest.contents
        manifest.blob = blob_of(json.dumps(document).encode())

    def delete_version(self, artifact: str, alias: str) -> None:
        """Delete a version as W&B does: its aliases and all its edges go with it."""
        version = self.version(artifact, alias)
        version.state = "DELETED"
        collection = version.collection
        for name in version.aliases:
            del collection.aliases[name]
        for run in self.project.runs.values():
            run.outputs = [output for output in run.outputs if output != version.id]
            run.inputs.pop(version.id, None)

    def add_version(self, artifact: str, *, alias: str) -> Version:
        """Add a version that is a copy of the latest but for its digest, under an alias."""
        store = self._server.store
        collection = self.collection(artifact)
        version = copy.copy(self.version(artifact))
        version.serial, version.index = store.serial(), collection.next_index
        version.digest, version.created_by, version.used_by = "0" * 32, None, {}
        collection.next_index += 1
        collection.versions.append(version)
        collection.aliases[alias] = version.serial
        store.versions[version.id] = version
        return version

    def renew_digest(self, artifact: str, alias: str = "latest") -> None:
        """Let the digest of a version be that of its manifest, as W&B's client works it out."""
        version = self.version(artifact, alias)
        assert version.manifest is not None
        digest = hashlib.md5(b"wandb-artifact-manifest-v1\n", usedforsecurity=False)
        for path, entry in sorted(version.manifest.contents.items()):
            digest.update(f"{path}:{entry['digest']}\n".encode())
        version.digest = digest.hexdigest()

    def _named(self, artifact_id: str, artifact: str) -> bool:
        return self._server.store.versions[artifact_id].collection.name == artifact
