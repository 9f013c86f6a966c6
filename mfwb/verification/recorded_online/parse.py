"""Values from W&B's answers. A needed value that is missing is an error, never "not there"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from mfwb.errors import SinkError
from mfwb.sink.client.responses import nodes, require
from mfwb.verification.recorded import RecordedArtifact, RecordedFile

__all__ = [
    "files_of_manifest",
    "parse_axes",
    "parse_config",
    "parse_file",
    "parse_json",
    "parse_runtime",
    "parse_started_at",
    "parse_version",
]


def parse_json(text: Any, what: str) -> dict[str, Any]:
    """Return the JSON object in an answer, {} for none; SinkError if it is no object."""
    if text is None or text == "":
        return {}
    try:
        value = json.loads(text) if isinstance(text, (str, bytes)) else text
    except ValueError:
        raise SinkError(f"W&B's {what} is no JSON") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SinkError(f"W&B's {what} is no JSON object")
    return value


def parse_config(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config without W&B's own part; values come as {"value": ..., "desc": ...}."""
    return {key: _unwrap(entry) for key, entry in raw.items() if key != "_wandb"}


def parse_axes(raw: Mapping[str, Any]) -> dict[str, str]:
    """Return the x axis of each chart, from the metrics in `_wandb` of the config.

    Each has its name under "1", and under "5" the number of the metric that is its x axis.
    """
    internal = _unwrap(raw.get("_wandb"))
    metrics = internal.get("m") if isinstance(internal, dict) else None
    metrics = [metric for metric in metrics or () if isinstance(metric, dict)]
    axes = {}
    for metric in metrics:
        number = metric.get("5")
        if isinstance(number, int) and 0 < number <= len(metrics):
            axes[str(metric.get("1"))] = str(metrics[number - 1].get("1"))
    return axes


def parse_started_at(raw: Mapping[str, Any]) -> float | None:
    """Return the start that the environment in `_wandb` of the config names, in epoch s."""
    internal = _unwrap(raw.get("_wandb"))
    writers = internal.get("e") if isinstance(internal, dict) else None
    if not isinstance(writers, dict):
        return None
    starts = [
        moment
        for writer in writers.values()
        if isinstance(writer, dict) and (moment := _moment(writer.get("startedAt"))) is not None
    ]
    return max(starts, default=None)


def parse_runtime(summary: Mapping[str, Any]) -> float | None:
    """Return the seconds of `_wandb.runtime`; None if there are none."""
    internal = summary.get("_wandb")
    value = internal.get("runtime") if isinstance(internal, dict) else None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and value is not None else None


def parse_file(node: Mapping[str, Any]) -> RecordedFile:
    """Return a file of a W&B run."""
    size, md5 = node.get("sizeBytes"), node.get("md5")
    return RecordedFile(str(require(node, "name")), None if size is None else int(size), md5)


def parse_version(
    node: Mapping[str, Any], files: Mapping[str, RecordedFile], own_project: tuple[str, str]
) -> RecordedArtifact:
    """Return a version of an artifact.

    Args:
        node: of the answer.
        files: of its manifest.
        own_project: entity and project that are read; of another one, the key names it.
    """
    sequence = require(node, "artifactSequence")
    name = str(require(sequence, "name"))
    number = node.get("versionIndex")
    creator = node.get("createdBy") or {}
    aliases = frozenset(
        str(require(alias, "alias"))
        for alias in require(node, "aliases")
        if (alias.get("artifactCollection") or {}).get("name", name) == name
    )
    return RecordedArtifact(
        key=_key(node, own_project),
        name=name,
        type=str(require(node, "artifactType", "name")),
        version=None if number is None else f"v{number}",
        digest=str(require(node, "digest")),
        aliases=aliases,
        files=files,
        metadata=parse_json(node.get("metadata"), "metadata of an artifact"),
        description=node.get("description"),
        producer=creator.get("name"),
        links=_links(node),
    )


def _links(node: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the collections that a version is a member of, without the one it was logged to."""
    if "artifactMemberships" not in node:
        return None
    own = _path_of_collection(require(node, "artifactSequence"))
    collections = (
        member.get("artifactCollection") or {} for member in nodes(node["artifactMemberships"])
    )
    return frozenset(map(_path_of_collection, collections)) - {own}


def _path_of_collection(collection: Mapping[str, Any]) -> str:
    project = collection.get("project") or {}
    parts = (project.get("entityName"), project.get("name"), collection.get("name"))
    return "/".join(str(part or "") for part in parts)


def _key(node: Mapping[str, Any], own_project: tuple[str, str]) -> str:
    """Return `model:v3`, or `acme/other/model:v3`; what has no version yet, by its id."""
    if node.get("versionIndex") is None:
        return str(require(node, "id"))
    sequence = require(node, "artifactSequence")
    name = f"{require(sequence, 'name')}:v{node['versionIndex']}"
    project = sequence.get("project") or {}
    owner = (project.get("entityName"), project.get("name"))
    return name if owner in (own_project, (None, None)) else f"{owner[0]}/{owner[1]}/{name}"


def files_of_manifest(data: bytes) -> dict[str, RecordedFile]:
    """Return the entries of a manifest by path; SinkError if it is none."""
    contents = parse_json(data, "manifest of an artifact").get("contents")
    if not isinstance(contents, dict):
        raise SinkError("W&B's manifest of an artifact has no contents")
    return {
        path: RecordedFile(
            path,
            entry.get("size"),
            None if entry.get("ref") else entry.get("digest"),
            entry.get("ref") or None,
        )
        for path, entry in contents.items()
        if isinstance(entry, dict)
    }


def _unwrap(entry: Any) -> Any:
    return entry["value"] if isinstance(entry, dict) and "value" in entry else entry


def _moment(text: Any) -> float | None:
    if not isinstance(text, str):
        return None
    date, _, fraction = text.removesuffix("Z").partition(".")
    try:
        seconds = datetime.fromisoformat(date).replace(tzinfo=timezone.utc).timestamp()
        return seconds + (float(f"0.{fraction}") if fraction else 0.0)
    except ValueError:
        return None
