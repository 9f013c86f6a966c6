"""Damage to artifacts, their files, aliases, and the edges between them and W&B runs."""

from __future__ import annotations

import copy
import json

from tests.integration.verification.damages.cases import Found, Registry
from tests.support.wandb_damage import Damage, blob_of

__all__ = ["ARTIFACTS"]

ARTIFACTS = Registry()
_KEPT = "W&B takes equal digests for equal content, so a sync uploads nothing"
_VERSION = "W&B keeps what the first log of a version gave"
_CANDIDATES = "v0"  # of `part`; `latest` is the one that the join picked
_DELETES_NOTHING = "a sync deletes nothing"


# --- edges --------------------------------------------------------------------------------------


@ARTIFACTS(Found("edge", "end uses frame of {run start}", "removed"))
def drop_a_use(damage: Damage) -> None:
    """The step read it."""
    damage.drop_use("end", "frame")


@ARTIFACTS(Found("edge", "end uses total:v0", "no ancestor", _DELETES_NOTHING))
def let_a_step_use_its_own_output(damage: Damage) -> None:
    """A circle."""
    damage.add_use("end", "total")


@ARTIFACTS(Found("edge", "each uses total:v0", "no ancestor", _DELETES_NOTHING))
def let_a_step_use_what_came_later(damage: Damage) -> None:
    """Against the direction of the flow."""
    damage.add_use("each", "total")


@ARTIFACTS(
    Found("edge", "end uses frame of {run start}", "removed"),
    Found("edge", "end uses frame:v1", "no ancestor", _DELETES_NOTHING),
)
def point_a_use_to_another_version(damage: Damage) -> None:
    """Of the same name."""
    damage.drop_use("end", "frame")
    damage.add_use("end", "frame", "v1")


@ARTIFACTS(Found("artifact", "end artifact total", "deleted"))
def drop_an_output(damage: Damage) -> None:
    """The version is there, and nobody logged it."""
    damage.drop_output("end", "total")


@ARTIFACTS(
    Found("artifact", "gather artifact total:v0", "somebody else logged it", _DELETES_NOTHING)
)
def give_an_output_to_another_run(damage: Damage) -> None:
    """Two W&B runs say that they logged it."""
    damage.run("gather").outputs.append(damage.version("total").id)


# --- versions -----------------------------------------------------------------------------------


@ARTIFACTS(Found("artifact", "end artifact total", "deleted"))
def delete_a_version(damage: Damage) -> None:
    """With its aliases."""
    damage.delete_version("total", "v0")


@ARTIFACTS(Found("artifact", "start artifact array, its type", "edited", _VERSION))
def change_the_type(damage: Damage) -> None:
    """Of a W&B artifact."""
    damage.collection("array").type = "model"


@ARTIFACTS(
    Found("artifact", "start artifact array", "deleted"),
    Found("artifact", "start artifact arrays:v0", "somebody else logged it", _DELETES_NOTHING),
)
def rename_an_artifact(damage: Damage) -> None:
    """All its versions."""
    collection = damage.project.collections.pop("array")
    collection.name = "arrays"
    damage.project.collections["arrays"] = collection


@ARTIFACTS(Found("digest", "start artifact array, digest of its files", "damaged", _KEPT))
def change_the_digest(damage: Damage) -> None:
    """Of the version; its files are right."""
    damage.version("array").digest = "0" * 32


@ARTIFACTS(Found("artifact", "start artifact array, its metadata artifact", "edited", _VERSION))
def change_the_metadata(damage: Damage) -> None:
    """It names another artifact."""
    _edit_metadata(damage, "array", artifact="frame")


@ARTIFACTS(Found("artifact", "start artifact array, its metadata sha1", "edited", _VERSION))
def change_the_sha1(damage: Damage) -> None:
    """By which one finds it in Metaflow's datastore."""
    _edit_metadata(damage, "array", sha1="0" * 40)


@ARTIFACTS(Found("artifact", "start artifact array, its metadata task", "edited", _VERSION))
def name_another_task(damage: Damage) -> None:
    """As the one that stored it."""
    _edit_metadata(damage, "array", task="RichFlow/1/start/1")


@ARTIFACTS(Found("artifact", "start artifact array, its metadata", "removed", _VERSION))
def remove_the_metadata(damage: Damage) -> None:
    """All of it."""
    damage.version("array").metadata = None


@ARTIFACTS(Found("artifact", "start artifact array, its description", "edited", _VERSION))
def change_the_description(damage: Damage) -> None:
    """It names the artifact and its task."""
    damage.version("array").description = "Something else."


# --- files --------------------------------------------------------------------------------------


@ARTIFACTS(
    Found("bytes", "start artifact pattern, bytes of pattern.pkl", "damaged", _KEPT), read_data=True
)
def flip_a_byte(damage: Damage) -> None:
    """The manifest stays as it is."""
    content = bytearray(damage.version("pattern").files["pattern.pkl"].read())
    content[-1] ^= 1
    damage.replace_bytes("pattern", "pattern.pkl", bytes(content))


@ARTIFACTS(
    Found("bytes", "end artifact total, bytes of total.parquet", "damaged", _KEPT), read_data=True
)
def truncate_a_file(damage: Damage) -> None:
    """The manifest stays as it is."""
    content = damage.version("total").files["total.parquet"].read()
    damage.replace_bytes("total", "total.parquet", content[:-1])


@ARTIFACTS(
    Found("bytes", "end artifact total, bytes of total.parquet", "give", _KEPT), read_data=True
)
def lose_a_file(damage: Damage) -> None:
    """The manifest lists it still."""
    del damage.version("total").files["total.parquet"]


@ARTIFACTS(Found("file", "start artifact pattern, file pattern.pkl", "damaged", _KEPT))
def change_a_size(damage: Damage) -> None:
    """In the manifest."""
    damage.set_entry("pattern", "pattern.pkl", size=42)


@ARTIFACTS(
    Found("file", "start artifact pattern, file pattern.pkl", "another content", _KEPT),
    Found("digest", "start artifact pattern, digest of its files", "damaged", _KEPT),
)
def change_a_checksum(damage: Damage) -> None:
    """In the manifest."""
    damage.set_entry("pattern", "pattern.pkl", digest="1B2M2Y8AsgTpgAmY7PhCfg==")


@ARTIFACTS(
    Found("file", "each artifact part, files of {each 1}", "missing", _KEPT),
    Found("digest", "each artifact part, digest of its files", "damaged", _KEPT),
)
def remove_a_file_from_the_manifest(damage: Damage) -> None:
    """That of one task of two."""
    _edit_manifest(damage, "part", lambda contents: contents.pop("1/part.parquet"), _CANDIDATES)


@ARTIFACTS(
    Found("file", "each artifact part, file 2/part.parquet", "edited", _KEPT),
    Found("digest", "each artifact part, digest of its files", "damaged", _KEPT),
)
def add_a_file_to_the_manifest(damage: Damage) -> None:
    """Of a task that does not exist."""
    entry = _contents(damage, "part", _CANDIDATES)["1/part.parquet"]
    damage.set_entry("part", "2/part.parquet", _CANDIDATES, **entry)


@ARTIFACTS(
    Found("file", "start artifact array, files of {start 0}", "missing", _KEPT),
    Found("digest", "start artifact array, digest of its files", "damaged", _KEPT),
)
def rename_a_file(damage: Damage) -> None:
    """In the manifest."""

    def rename(contents: dict[str, object]) -> None:
        contents["data.npy"] = contents.pop("array.npy")

    _edit_manifest(damage, "array", rename)


@ARTIFACTS(
    Found("bytes", "each artifact part, bytes of 0/part.parquet", "damaged", _KEPT),
    Found("bytes", "each artifact part, bytes of 1/part.parquet", "damaged", _KEPT),
    read_data=True,
)
def swap_the_files_of_two_tasks(damage: Damage) -> None:
    """With their checksums: as if each were the other's from the start."""
    version = damage.version("part", _CANDIDATES)
    entries, names = _contents(damage, "part", _CANDIDATES), ("0/part.parquet", "1/part.parquet")
    item, other = (copy.deepcopy(entries[name]) for name in names)
    damage.set_entry("part", names[0], _CANDIDATES, **other)
    damage.set_entry("part", names[1], _CANDIDATES, **item)
    version.files[names[0]], version.files[names[1]] = (
        version.files[names[1]],
        version.files[names[0]],
    )
    damage.renew_digest("part", _CANDIDATES)


@ARTIFACTS(
    Found("bytes", "start artifact frame, bytes of frame.parquet", "damaged", _KEPT),
    Found("bytes", "end artifact frame, bytes of frame.parquet", "damaged", _KEPT),
    read_data=True,
)
def swap_two_versions(damage: Damage) -> None:
    """With manifests, digests and all: only who logged which is as it was."""
    item, other = damage.version("frame", "v0"), damage.version("frame", "v1")
    for name in ("files", "digest", "manifest"):
        kept = getattr(item, name)
        setattr(item, name, getattr(other, name))
        setattr(other, name, kept)


@ARTIFACTS(
    Found("file", "start artifact pattern, files of {start 0}", "missing", _KEPT),
    Found("digest", "start artifact pattern, digest of its files", "damaged", _KEPT),
)
def lose_the_manifest(damage: Damage) -> None:
    """Its file is empty."""
    _edit_manifest(damage, "pattern", lambda contents: contents.clear())


# --- aliases ------------------------------------------------------------------------------------


@ARTIFACTS(Found("alias", "frame:latest", "another version of the flow run"))
def move_latest_to_an_older_version(damage: Damage) -> None:
    """Of the same flow run."""
    damage.move_alias("frame", "latest", "v0")


@ARTIFACTS(Found("alias", "frame:run-{id}", "moved"))
def move_the_alias_of_the_flow_run(damage: Damage) -> None:
    """To what the flow run did not end with."""
    damage.move_alias("frame", f"run-{damage.run_id}", "v0")


@ARTIFACTS(Found("alias", "frame:run-{id}", "removed"))
def drop_the_alias_of_the_flow_run(damage: Damage) -> None:
    """Of the version that the flow run ends with."""
    damage.move_alias("frame", f"run-{damage.run_id}", None)


@ARTIFACTS(Found("alias", "total:latest", "removed"))
def drop_latest(damage: Damage) -> None:
    """No version has it."""
    damage.move_alias("total", "latest", None)


@ARTIFACTS(Found("alias", "total:latest", "older flow run"))
def move_latest_to_an_older_flow_run(damage: Damage) -> None:
    """Whose version is in the project, too."""
    damage.add_version("total", alias="run-7")
    damage.move_alias("total", "latest", "v1")


@ARTIFACTS(Found("alias", "part:run-{id}-candidates-each", "removed or moved", step="each"))
def drop_the_alias_of_the_candidates(damage: Damage) -> None:
    """Among which a join picked."""
    damage.move_alias("part", f"run-{damage.run_id}-candidates-each", None)


@ARTIFACTS(Found("alias", "part:latest", "another version of the flow run"))
def move_latest_to_the_candidates(damage: Damage) -> None:
    """From the one that the join picked."""
    damage.move_alias("part", "latest", _CANDIDATES)


@ARTIFACTS(Found("artifact", "gather artifact part, its metadata picked_from", "edited", _VERSION))
def name_another_origin(damage: Damage) -> None:
    """Of what a join picked."""
    _edit_metadata(damage, "part", picked_from="RichFlow/1/each/2")


def _edit_metadata(damage: Damage, name: str, **facts: object) -> None:
    version = damage.version(name)
    metadata = json.loads(version.metadata or "{}")
    metadata["metaflow"].update(facts)
    version.metadata = json.dumps(metadata)


def _contents(damage: Damage, artifact: str, alias: str = "latest") -> dict[str, dict[str, object]]:
    manifest = damage.version(artifact, alias).manifest
    assert manifest is not None
    return manifest.contents


def _edit_manifest(damage: Damage, artifact: str, edit: object, alias: str = "latest") -> None:
    manifest = damage.version(artifact, alias).manifest
    assert manifest is not None
    assert manifest.blob is not None
    assert callable(edit)
    edit(manifest.contents)
    document = json.loads(manifest.blob.read())
    manifest.blob = blob_of(json.dumps({**document, "contents": manifest.contents}).encode())
