"""GraphQL mutations of several things with one request: the same field under several aliases.

W&B's SDK has no such requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import wandb

from mfwb.errors import SinkError
from mfwb.sink.client.private import execute_graphql
from mfwb.sink.client.responses import require

if TYPE_CHECKING:
    from mfwb.sink.client.api import ApiClient

__all__ = ["Mutation", "mutate", "mutate_idempotent"]

_VARIABLE = re.compile(r"\$(\w+)")


@dataclass(frozen=True, slots=True)
class Mutation:
    """A GraphQL mutation of one field, which may be sent for several things at once.

    Attributes:
        name: of the operation.
        field: of the answer, such as `upsertBucket`.
        types: the GraphQL types of the variables, by name.
        arguments: of the field, with these variables.
        selection: what the answer has to contain.
        fragments: that the selection uses.
    """

    name: str
    field: str
    types: Mapping[str, str]
    arguments: str
    selection: str
    fragments: str = ""


def mutate(
    api: wandb.Api, mutation: Mutation, parts: Sequence[Mapping[str, Any]], **options: Any
) -> list[Mapping[str, Any]]:
    """Return the answer to each part of a mutation, with one request.

    SinkError if a part has no answer: whether it was carried out is not known then.

    Args:
        api: W&B's public Api.
        mutation: the mutation.
        parts: the variables of each part.
        **options: of W&B's way to send it.
    """
    if len(parts) == 1:  # as any client would write it
        declared = ", ".join(f"${name}: {type_}" for name, type_ in mutation.types.items())
        answers = [mutation.field]
        fields = f"{mutation.field}({mutation.arguments}) {mutation.selection}"
        variables = dict(parts[0])
    else:
        numbers = range(len(parts))
        declared = ", ".join(
            f"${name}{number}: {type_}"
            for number in numbers
            for name, type_ in mutation.types.items()
        )
        answers = [f"part{number}" for number in numbers]
        fields = " ".join(_aliased(mutation, number) for number in numbers)
        variables = {
            f"{name}{number}": value
            for number, part in enumerate(parts)
            for name, value in part.items()
        }
    text = f"mutation {mutation.name}({declared}) {{ {fields} }}\n{mutation.fragments}"
    answer = execute_graphql(api, text, variables, **options)
    return [require(answer, name) for name in answers]


def mutate_idempotent(
    client: ApiClient,
    project_path: str,
    mutation: Mutation,
    parts: Sequence[tuple[Mapping[str, Any], str]],
) -> None:
    """Send parts of a mutation that may be repeated, with one request; SinkError.

    If that fails, each part is sent alone, so that the error is about one of them.

    Args:
        client: of W&B.
        project_path: `entity/project`.
        mutation: the mutation.
        parts: the variables of each part, and its purpose for the error message.
    """

    def send(parts: Sequence[tuple[Mapping[str, Any], str]], purpose: str) -> None:
        variables = [variables for variables, _ in parts]
        client.call(project_path, lambda api: mutate(api, mutation, variables), purpose)

    if len(parts) > 1:
        with suppress(SinkError):
            send(parts, f"{parts[0][1]}, and {len(parts) - 1} more")
            return
    for part in parts:
        send([part], part[1])


def _aliased(mutation: Mutation, number: int) -> str:
    arguments = _VARIABLE.sub(lambda match: f"${match[1]}{number}", mutation.arguments)
    return f"part{number}: {mutation.field}({arguments}) {mutation.selection}"
