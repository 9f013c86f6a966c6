"""Commits in order: artifacts of siblings get their version numbers in foreach order.

`wandb sync` sends W&B runs in random order, and the commit of an artifact gives it its number. So
artifacts of one name that several W&B runs log are sent without that last request, and are
committed afterwards, in the order of the W&B runs, many by one request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import wandb

from mfwb.errors import SinkError
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.private import execute_graphql
from mfwb.sink.push.upload import Upload

__all__ = ["commit_in_order", "find_ids", "has_all", "leave_uncommitted"]

_PER_REQUEST = 50


def leave_uncommitted(uploads: Sequence[Upload]) -> list[Upload]:
    """Return uploads that leave artifacts uncommitted whose names several of them log."""
    numbers = Counter(
        (upload.shipment.project_path, name) for upload in uploads for name in _names_of(upload)
    )
    return [
        replace(
            upload,
            uncommitted=frozenset(
                artifact.content
                for artifact in upload.run.logged
                if not artifact.is_own
                and numbers[
                    upload.shipment.project_path,
                    upload.artifact_name(artifact.name, artifact.type),
                ]
                > 1
            ),
        )
        for upload in uploads
    ]


def find_ids(client: ApiClient, uploads: Sequence[Upload]) -> dict[str, str]:
    """Return W&B's ids of the uploaded artifacts that are not committed, by draft id; SinkError."""
    draft_ids = list(
        dict.fromkeys(draft_id for upload in uploads for draft_id in _draft_ids_of(upload))
    )
    ids: dict[str, str] = {}
    for batch in _in_batches(draft_ids):
        answer = _request(
            client,
            _path_of(uploads),
            "query MfwbDrafts",
            "clientIDMapping(clientID: {id}) {{ serverID }}",
            batch,
            purpose="find the uploaded artifacts",
        )
        for draft_id, node in zip(batch, answer, strict=True):
            if isinstance(node, Mapping) and isinstance(node.get("serverID"), str):
                ids[draft_id] = node["serverID"]
    return ids


def has_all(upload: Upload, ids: Mapping[str, str]) -> bool:
    """Return whether W&B knows all artifacts of an upload that are to be committed."""
    return all(draft_id in ids for draft_id in _draft_ids_of(upload))


def commit_in_order(client: ApiClient, uploads: Sequence[Upload], ids: Mapping[str, str]) -> None:
    """Commit the artifacts that were left uncommitted, in the order of the uploads; SinkError.

    Artifacts that W&B does not have are left out: the check of what has arrived finds them.

    Args:
        client: the server.
        uploads: of one project.
        ids: W&B's ids of their artifacts, by draft id.
    """
    drafts = (draft_id for upload in uploads for draft_id in _draft_ids_of(upload))
    own_ids = list(dict.fromkeys(ids[draft_id] for draft_id in drafts if draft_id in ids))
    pending = _find_pending(client, _path_of(uploads), own_ids)
    for batch in _in_batches([id_ for id_ in own_ids if id_ in pending]):
        _commit(client, _path_of(uploads), batch)


def _names_of(upload: Upload) -> set[str]:
    return {
        upload.artifact_name(artifact.name, artifact.type)
        for artifact in upload.run.logged
        if not artifact.is_own
    }


def _draft_ids_of(upload: Upload) -> Iterator[str]:
    for artifact in upload.run.logged:
        if artifact.content in upload.uncommitted:
            yield upload.draft_id(artifact.draft_id)


def _path_of(uploads: Sequence[Upload]) -> str:
    project = uploads[0].shipment.project_path
    return f"{project.entity}/{project.project}"


def _find_pending(client: ApiClient, path: str, ids: Sequence[str]) -> frozenset[str]:
    """Return the ids of the artifacts that have no version number yet."""
    pending: set[str] = set()
    for batch in _in_batches(ids):
        answer = _request(
            client,
            path,
            "query MfwbArtifactStates",
            "artifact(id: {id}) {{ state }}",
            batch,
            purpose="find the uploaded artifacts",
        )
        pending.update(
            id_
            for id_, node in zip(batch, answer, strict=True)
            if isinstance(node, Mapping) and node.get("state") == "PENDING"
        )
    return frozenset(pending)


def _commit(client: ApiClient, path: str, ids: Sequence[str]) -> None:
    """Commit artifacts in this order; GraphQL carries out the parts of a mutation in order.

    If W&B refuses one of them, the others are committed by a request of their own.
    """
    field = "commitArtifact(input: {{artifactID: {id}}}) {{ artifact {{ id }} }}"
    try:
        _request(client, path, "mutation MfwbCommit", field, ids, purpose="commit artifacts")
    except SinkError:
        if len(ids) == 1:
            return  # the check of what has arrived reports it
        pending = _find_pending(client, path, ids)
        for id_ in ids:
            if id_ in pending:
                _commit(client, path, [id_])


def _request(  # noqa: PLR0913 - one for each part of the request
    client: ApiClient, path: str, operation: str, field: str, ids: Sequence[str], *, purpose: str
) -> list[Any]:
    """Return the answers to a request that asks for one field of each id."""
    variables = {f"n{number}": id_ for number, id_ in enumerate(ids)}
    declared = ", ".join(f"${name}: ID!" for name in variables)
    fields = "\n".join(f"{name}: {field.format(id=f'${name}')}" for name in variables)
    text = f"{operation}({declared}) {{ {fields} }}"

    def request(api: wandb.Api) -> list[Any]:
        answer = execute_graphql(api, text, variables)
        return [answer.get(name) for name in variables]

    return client.call(path, request, purpose)


def _in_batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _PER_REQUEST):
        yield ids[start : start + _PER_REQUEST]
