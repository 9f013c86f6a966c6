"""Files and used artifacts of W&B runs: uploads can fail silently, so a mark proves nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import wandb

from mfwb.sink.client.private import execute_graphql
from mfwb.sink.client.responses import nodes, require

__all__ = [
    "MAX_LISTED",
    "RunParts",
    "files_in_summary",
    "has_all_files",
    "query_run_parts",
]

_QUERY = """
query MfwbRunFiles(
    $entity: String!, $project: String!, $filters: JSONString!, $runs: Int!, $files: Int!,
    $uses: Boolean!
) {
    project(name: $project, entityName: $entity) {
        runs(filters: $filters, first: $runs) {
            edges { node {
                name
                files(first: $files) { edges { node { name } } }
                inputArtifacts(first: $files) @include(if: $uses) { edges { node { id } } }
            } }
        }
    }
}
"""
"""W&B's public Api requests the files of one run at a time."""

MAX_LISTED = 1000
"""The most files, and uses, that are listed for each run; more are not checked."""


@dataclass(frozen=True, slots=True)
class RunParts:
    """The names of a W&B run's files, and the ids of the artifacts that it uses."""

    files: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()


def query_run_parts(
    api: wandb.Api, entity: str, project: str, run_ids: Sequence[str], *, uses: bool
) -> dict[str, RunParts]:
    """Return the parts of W&B runs by run id, with one request.

    Args:
        api: W&B's public Api.
        entity: the entity of the project.
        project: the project of the W&B runs.
        run_ids: up to some hundred ids.
        uses: whether to request the used artifacts, too, which takes W&B longer.
    """
    variables = {
        "entity": entity,
        "project": project,
        "filters": json.dumps({"name": {"$in": list(run_ids)}}),
        "runs": len(run_ids),
        "files": MAX_LISTED,
        "uses": uses,
    }
    runs = nodes(require(execute_graphql(api, _QUERY, variables), "project", "runs"))
    return {run["name"]: _parts(run, uses=uses) for run in runs}


def _parts(run: Any, *, uses: bool) -> RunParts:
    files = nodes(require(run, "files"))
    used = nodes(require(run, "inputArtifacts")) if uses else ()
    return RunParts(
        frozenset(file["name"] for file in files), frozenset(item["id"] for item in used)
    )


def has_all_files(summary: Mapping[str, Any], files: frozenset[str]) -> bool:
    """Whether W&B has all files that the summary shows."""
    return len(files) >= MAX_LISTED or files >= {*files_in_summary(summary.values())}


def files_in_summary(values: Iterable[Any]) -> Iterator[str]:
    """Yield the files that a summary refers to."""
    for value in values:
        if isinstance(value, dict) and "_type" in value and "path" in value:
            yield str(value["path"])
        elif isinstance(value, dict) and value.get("_type") == "images/separated":  # a gallery
            yield from map(str, value.get("filenames") or ())
