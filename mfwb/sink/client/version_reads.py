"""Reads of artifact versions that were logged just now, several in one request, or by the commit.

An artifact reads its version at the end of `wait`, with a request of its own. It sends it through
the object that it was given; this one collects what several artifacts send at about the same time.
Seen in wandb 0.31.0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import wandb
from wandb.sdk.artifacts._generated import ARTIFACT_BY_ID_GQL, ArtifactFragment
from wandb.sdk.artifacts._gqlutils import omit_artifact_fields
from wandb.sdk.artifacts._validators import FullArtifactPath

from mfwb.planning.names import split_project_path
from mfwb.sink.client.batches import Batches
from mfwb.sink.client.mutations import Mutation, mutate
from mfwb.sink.client.responses import require

__all__ = ["VersionReads", "commit_versions"]

_DECLARED = re.compile(r"\$id: ID!")
_FIELD = re.compile(r"\bartifact\(id: \$id\) (\{[^{}]*\})")

_COMMIT = Mutation(
    "CommitArtifact",
    "commitArtifact",
    {"id": "ID!"},
    "input: {artifactID: $id}",
    "{ artifact { ...ArtifactFragment } }",
    fragments=ARTIFACT_BY_ID_GQL[ARTIFACT_BY_ID_GQL.index("fragment ") :].replace(
        "@include(if: $includeAliases)", ""
    ),
)
"""The request that wandb-core sends last. It selects what W&B's SDK reads of a version."""


class VersionReads:
    """W&B's own way to a server, which sends several reads of versions together; thread-safe."""

    def __init__(self, api: wandb.Api) -> None:
        """Start with no read.

        Args:
            api: W&B's public Api.
        """
        self._service_api: Any = api._service_api  # noqa: SLF001
        self._batches = Batches(self._send)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service_api, name)

    def execute_graphql(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        parse: Callable[[str], Any] = json.loads,
        **more: Any,
    ) -> Any:
        """Return the answer to a request; W&B's errors."""
        variables = dict(variables or {})
        if query != ARTIFACT_BY_ID_GQL or variables.keys() != {"id"}:
            return self._service_api.execute_graphql(query, variables, parse=parse, **more)
        return parse(json.dumps(self._batches.request((variables["id"], more))))

    def _send(self, reads: Sequence[tuple[str, dict[str, Any]]]) -> list[Any]:
        ids, more = [version_id for version_id, _ in reads], reads[0][1]
        if len(ids) == 1:
            variables = {"id": ids[0]}
            return [self._service_api.execute_graphql(ARTIFACT_BY_ID_GQL, variables, **more)]
        numbers = range(len(ids))
        declared = ", ".join(f"$id{number}: ID!" for number in numbers)
        text = _DECLARED.sub(lambda _: declared, ARTIFACT_BY_ID_GQL, count=1)
        text = _FIELD.sub(
            lambda match: " ".join(
                f"part{number}: artifact(id: $id{number}) {match[1]}" for number in numbers
            ),
            text,
            count=1,
        )
        variables = {f"id{number}": version_id for number, version_id in enumerate(ids)}
        answer = self._service_api.execute_graphql(text, variables, **more)
        return [{"artifact": answer.get(f"part{number}")} for number in numbers]


def commit_versions(
    api: wandb.Api, project_path: str, drafts: Sequence[wandb.Artifact]
) -> list[wandb.Artifact]:
    """Commit artifacts whose files are uploaded, in this order; return the versions they become.

    An artifact itself has no public `id` before it, and never shows the version afterwards: its
    name stays `model:vNone`.

    Args:
        api: W&B's public Api.
        project_path: `entity/project`.
        drafts: the artifacts, after `wait`.
    """
    service_api: Any = api._service_api  # noqa: SLF001
    parts = [{"id": draft._id} for draft in drafts]  # noqa: SLF001
    answers = mutate(api, _COMMIT, parts, omit_fields=omit_artifact_fields(service_api))
    entity, project = split_project_path(project_path)
    versions = []
    for answer in answers:
        version = ArtifactFragment.model_validate(require(answer, "artifact"))
        name = f"{version.artifact_sequence.name}:v{version.version_index}"
        path = FullArtifactPath(prefix=entity, project=project, name=name)
        versions.append(wandb.Artifact._from_attrs(path, version, service_api))  # noqa: SLF001
    return versions
