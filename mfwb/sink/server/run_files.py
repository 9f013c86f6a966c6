"""Which files and uses W&B has of its runs: what fails in silence is not proven by a mark."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import wandb

from mfwb.sink.client.private import execute_graphql
from mfwb.sink.client.responses import expected, nodes

__all__ = [
    "CORE_FILES",
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
"""W&B's public Api asks for the files of one run at a time."""

CORE_FILES = frozenset({"config.yaml", "wandb-summary.json"})  # which wandb-core uploads at the end
MAX_LISTED = 1000
"""Files, and uses, that are listed of each; of more it is not known what is missing."""


@dataclass(frozen=True, slots=True)
class RunParts:
    """What a W&B run has: the names of its files, and the ids of the artifacts that it uses."""

    files: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()


def query_run_parts(
    api: wandb.Api, entity: str, project: str, run_ids: Sequence[str], *, uses: bool
) -> dict[str, RunParts]:
    """Return what W&B runs have by their ids, with one request.

    Args:
        api: to ask.
        entity: of the project.
        project: of the W&B runs.
        run_ids: some hundred of them.
        uses: whether to ask for what they use, too, which takes W&B longer.
    """
    variables = {
        "entity": entity,
        "project": project,
        "filters": json.dumps({"name": {"$in": list(run_ids)}}),
        "runs": len(run_ids),
        "files": MAX_LISTED,
        "uses": uses,
    }
    runs = nodes(expected(execute_graphql(api, _QUERY, variables), "project", "runs"))
    return {run["name"]: _parts(run, uses=uses) for run in runs}


def _parts(run: Any, *, uses: bool) -> RunParts:
    files = nodes(expected(run, "files"))
    used = nodes(expected(run, "inputArtifacts")) if uses else ()
    return RunParts(frozenset(one["name"] for one in files), frozenset(one["id"] for one in used))


def has_all_files(summary: Mapping[str, Any], files: frozenset[str]) -> bool:
    """Whether all is there that is always, and all that a summary shows."""
    return len(files) >= MAX_LISTED or files >= {*CORE_FILES, *files_in_summary(summary.values())}


def files_in_summary(values: Iterable[Any]) -> Iterator[str]:
    """Yield the files that a summary refers to."""
    for value in values:
        if isinstance(value, dict) and "_type" in value and "path" in value:
            yield str(value["path"])
