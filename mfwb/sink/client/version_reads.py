"""Reads of artifact versions that were logged just now, several in one request.

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
from wandb.sdk.artifacts._generated import ARTIFACT_BY_ID_GQL

from mfwb.sink.client.batches import Batches

__all__ = ["VersionReads"]

_DECLARED = re.compile(r"\$id: ID!")
_FIELD = re.compile(r"\bartifact\(id: \$id\) (\{[^{}]*\})")


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
