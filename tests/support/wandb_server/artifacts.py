"""What clients do to artifacts: create, list files, commit, use, rename, delete."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from .blobs import Blob
from .records import Collection, Manifest, Project, Version
from .refusal import Refusal
from .store import Store, now

_MAX_NAME = 128


def create_artifact(store: Store, fields: Mapping[str, Any]) -> Version:
    """Return the version that has this content: one that is there, or a new pending one."""
    project = _project_of(store, fields)
    collection = _collection(store, project, fields)
    if known := store.client_ids.get(fields.get("client_id") or ""):
        return known  # the same request again, after a reply that got lost
    run_name = fields.get("run_name")
    run = store.run(project.entity, project.name, run_name).path if run_name else None
    aliases = [entry["alias"] for entry in fields.get("aliases") or []]
    twin = _twin(store, collection, fields)
    if twin is not None:
        if fields.get("client_id"):
            # Assumed: else a table that is logged again unchanged could not be shown any more.
            store.client_ids[fields["client_id"]] = twin
        _log_again(store, twin, run, aliases)
        return twin
    return _new_version(store, collection, fields, run, aliases)


def _project_of(store: Store, fields: Mapping[str, Any]) -> Project:
    # Assumed: unlike a run, an artifact with an empty entity does not fall back to the default.
    entity, name = fields["entity_name"], fields["project_name"]
    if entity not in store.entities or not name:
        raise Refusal(404, f"project {entity}/{name} not found")
    return store.make_project(entity, name)


def _collection(store: Store, project: Project, fields: Mapping[str, Any]) -> Collection:
    names = fields.get("artifact_collection_names") or [fields.get("artifact_collection_name")]
    name, kind = names[0], fields["artifact_type_name"]
    if not name or len(name) > _MAX_NAME:
        raise Refusal(400, f"artifact name must have 1 to {_MAX_NAME} characters")
    collection = project.collections.get(name)
    if collection is None:
        collection = Collection(store.serial(), project, name, kind, now())
        project.collections[name] = collection
        project.types.setdefault(kind, now())
        store.collections[collection.id] = collection
    if collection.type != kind:
        # Assumed: status and wording. That one name has one type per project is documented.
        message = f"artifact {name} has type {collection.type}, it cannot be logged as {kind}"
        raise Refusal(400, message)
    return collection


def _twin(store: Store, collection: Collection, fields: Mapping[str, Any]) -> Version | None:
    if not fields.get("enable_digest_deduplication"):
        return None
    candidates = collection.committed
    if store.assumptions.dedupe == "newest":
        candidates = candidates[-1:]
    return next((v for v in candidates if v.digest == fields["digest"]), None)


def _log_again(store: Store, version: Version, run: str | None, aliases: list[str]) -> None:
    if store.assumptions.aliases_on_dedupe == "moved":
        _point(version, aliases)
    if run and store.assumptions.second_producer == "edge":
        _add_output(store, version, run)


def _add_output(store: Store, version: Version, run: str) -> None:
    version.created_by = version.created_by or run
    outputs = store.run(*run.split("/")).outputs
    if version.id not in outputs:
        outputs.append(version.id)


def _new_version(
    store: Store,
    collection: Collection,
    fields: Mapping[str, Any],
    run: str | None,
    aliases: list[str],
) -> Version:
    version = Version(
        store.serial(),
        collection,
        fields["digest"],
        now(),
        description=fields.get("description"),
        metadata=fields.get("metadata"),
        ttl=fields.get("ttl_duration_seconds"),
        history_step=fields.get("history_step"),
        client_id=fields.get("client_id"),
        tags=[entry["tag_name"] for entry in fields.get("tags") or []],
        wanted_aliases=aliases,
        created_by=run,
    )
    collection.versions.append(version)
    store.versions[version.id] = version
    if version.client_id:
        store.client_ids[version.client_id] = version
    return version


def create_manifest(store: Store, fields: Mapping[str, Any]) -> Manifest:
    """Return a new manifest of a version; its bytes come by upload."""
    version = store.version(fields["artifact_id"])
    if fields.get("type") not in (None, "FULL"):
        raise Refusal(400, f"manifests of type {fields['type']} are not supported here")
    manifest = Manifest(store.serial(), version, fields["digest"])
    version.manifest = manifest
    store.manifests[manifest.id] = manifest
    return manifest


def create_file(store: Store, fields: Mapping[str, Any]) -> tuple[Version, bool]:
    """Note a file that a version will have and say whether its bytes must be uploaded.

    Assumed: bytes of an earlier version of the collection, of the same name, are not
    uploaded again; the earlier version is then the birth artifact of the file.
    """
    version, name, md5 = store.version(fields["artifact_id"]), fields["name"], fields["md5"]
    version.wanted_files[name] = md5
    for earlier in reversed(version.collection.committed):
        blob = earlier.files.get(name)
        if blob is not None and blob.md5_base64 == md5:
            version.files[name] = blob
            return earlier, False
    return version, True


def put_file(version: Version, name: str, blob: Blob) -> None:
    """Keep the uploaded bytes of a file if they are the announced ones."""
    if version.wanted_files.get(name) != blob.md5_base64:
        raise Refusal(400, f"the MD5 of {name} is not the announced one")
    version.files[name] = blob


def put_manifest(manifest: Manifest, blob: Blob) -> None:
    """Keep an uploaded manifest if its bytes are the announced ones."""
    if manifest.digest != blob.md5_base64:
        raise Refusal(400, "the MD5 of the manifest is not the announced one")
    manifest.blob = blob
    manifest.contents = json.loads(blob.read())["contents"]


def commit_artifact(store: Store, artifact_id: str) -> Version:
    """Give a version its number and its aliases, once all its bytes are here."""
    version = store.version(artifact_id)
    if version.state == "COMMITTED":
        return version
    _check_complete(version)
    # Numbers are given at commit: users of the real server saw commits collide on them.
    # Assumed: two pending versions of the same content both get a number.
    version.state = "COMMITTED"
    version.index = version.collection.next_index
    version.collection.next_index += 1
    _point(version, version.wanted_aliases)
    if version.created_by:
        _add_output(store, version, version.created_by)
    return version


def _check_complete(version: Version) -> None:
    manifest = version.manifest
    if manifest is None or manifest.blob is None:
        raise Refusal(400, "an artifact without manifest cannot be committed")
    local = {name for name, entry in manifest.contents.items() if not entry.get("ref")}
    if missing := sorted(local - set(version.files)):
        raise Refusal(400, f"files are missing: {', '.join(missing)}")
    if manifest_digest(manifest.contents) != version.digest:
        raise Refusal(400, "the digest of the manifest is not that of the artifact")


def manifest_digest(contents: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the digest of an artifact that has these entries."""
    total = hashlib.md5(b"wandb-artifact-manifest-v1\n", usedforsecurity=False)
    for name in sorted(contents):
        total.update(f"{name}:{contents[name]['digest']}\n".encode())
    return total.hexdigest()


def use_artifact(store: Store, fields: Mapping[str, Any]) -> Version:
    """Note that a run used a version."""
    version = store.version(fields["artifact_id"])
    run = store.run(fields["entity_name"], fields["project_name"], fields["run_name"])
    run.inputs[version.id] = fields.get("used_as")
    version.used_by[run.path] = fields.get("used_as")
    return version


def update_artifact(store: Store, fields: Mapping[str, Any]) -> Version:
    """Change what may change of a version: never its content."""
    version = store.version(fields["artifact_id"])
    if fields.get("description") is not None:
        version.description = fields["description"]
    if fields.get("metadata") is not None:
        version.metadata = fields["metadata"]
    if fields.get("ttl_duration_seconds") is not None:
        version.ttl = fields["ttl_duration_seconds"]
    gone = {entry["tag_name"] for entry in fields.get("tags_to_delete") or []}
    added = [entry["tag_name"] for entry in fields.get("tags_to_add") or []]
    version.tags = list(dict.fromkeys([t for t in version.tags if t not in gone] + added))
    if fields.get("aliases") is not None:
        remove_aliases(version, version.aliases)
        _point(version, (entry["alias"] for entry in fields["aliases"]))
    return version


def add_aliases(version: Version, aliases: Iterable[Mapping[str, Any]]) -> None:
    """Point aliases at a version; each leaves the version that had it."""
    for entry in aliases:
        _collection_of(version, entry).aliases[entry["alias"]] = version.serial


def _collection_of(version: Version, entry: Mapping[str, Any]) -> Collection:
    """Return the collection of an alias: the one that a version was logged or linked to."""
    path = f"{entry['entity_name']}/{entry['project_name']}/{entry['artifact_collection_name']}"
    for collection in (version.collection, *version.linked_to):
        if collection.path == path:
            return collection
    raise Refusal(404, f"{version.path} is not in {path}")


def _point(version: Version, aliases: Iterable[str]) -> None:
    for alias in aliases:
        version.collection.aliases[alias] = version.serial


def link_artifact(store: Store, fields: Mapping[str, Any]) -> tuple[Version, Collection]:
    """Link a version to a collection of another project, and return that.

    Assumed: a version that is linked again stays where it is, and has `latest` again.
    """
    version = store.version(fields["artifact_id"])
    entity, name = fields["entity_name"], fields["project_name"]
    if store.find_project(entity, name) is None and name.startswith(_REGISTRY):
        raise Refusal(404, f"registry {entity}/{name} not found")  # nobody makes it by a link
    if entity in store.read_only or f"{entity}/{name}" in store.read_only:
        raise Refusal(403, "permission denied")
    project = store.make_project(entity, name)
    collection = project.collections.get(fields["artifact_portfolio_name"])
    if collection is None:
        collection = Collection(
            store.serial(),
            project,
            fields["artifact_portfolio_name"],
            version.collection.type,
            now(),
            links={},
        )
        project.collections[collection.name] = collection
        project.types.setdefault(collection.type, now())
        store.collections[collection.id] = collection
    if collection.links is None or collection.type != version.collection.type:
        raise Refusal(400, f"{collection.path} takes no links of type {version.collection.type}")
    if version.serial not in collection.links:
        collection.links[version.serial] = (collection.next_index, now())
        collection.next_index += 1
        collection.versions.append(version)
        version.linked_to.append(collection)
    for alias in ("latest", *(entry["alias"] for entry in fields.get("aliases") or [])):
        collection.aliases[alias] = version.serial
    return version, collection


_REGISTRY = "wandb-registry-"


def delete_aliases(version: Version, aliases: Iterable[Mapping[str, Any]]) -> None:
    """Take aliases of any of its collections away from a version."""
    for entry in aliases:
        collection = _collection_of(version, entry)
        if collection.aliases.get(entry["alias"]) == version.serial:
            del collection.aliases[entry["alias"]]


def remove_aliases(version: Version, aliases: Iterable[str]) -> None:
    """Take aliases away from a version."""
    for alias in aliases:
        if version.collection.aliases.get(alias) == version.serial:
            del version.collection.aliases[alias]


def delete_artifact(store: Store, artifact_id: str, *, delete_aliases: bool) -> Version:
    """Remove a version; one with aliases only if they may go with it."""
    version = store.version(artifact_id)
    if version.aliases and not delete_aliases:
        raise Refusal(400, f"{version.path} has aliases: {', '.join(version.aliases)}")
    remove_aliases(version, version.aliases)
    version.state = "DELETED"
    for run in store.runs.values():
        run.inputs.pop(version.id, None)
        if version.id in run.outputs:
            run.outputs.remove(version.id)
    return version
