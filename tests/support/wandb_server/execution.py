"""GraphQL: every query text is parsed and checked once, then only executed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationType,
    build_schema,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)

from .refusal import Refusal

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Arguments whose Python name would hide a builtin, or would say nothing.
_RENAMED = {"input": "fields", "id": "node_id"}


@cache
def snake(name: str) -> str:
    """Return a GraphQL name as Python writes it: artifactID becomes artifact_id."""
    return _WORD.sub("_", name).lower()


@dataclass(frozen=True, slots=True)
class Answer:
    """A GraphQL response and the HTTP status that W&B would give it."""

    status: int
    body: dict[str, Any]


@dataclass(slots=True)
class _Prepared:
    document: DocumentNode | None
    errors: list[GraphQLError] = field(default_factory=list)


class Engine:
    """Answers GraphQL requests by asking plain Python objects for attributes and methods."""

    def __init__(self, schema_file: Path) -> None:
        self._schema = build_schema(schema_file.read_text(encoding="utf-8"))
        _name_arguments(self._schema)
        self._prepared: dict[str, _Prepared] = {}

    def answer(
        self, text: str, variables: Mapping[str, Any] | None, query: object, mutation: object
    ) -> Answer:
        """Execute a request on the root object of its kind."""
        prepared = self._prepared.get(text) or self._prepare(text)
        if prepared.document is None:
            return _failure(400, prepared.errors)
        operation = get_operation_ast(prepared.document)
        writes = operation is not None and operation.operation is OperationType.MUTATION
        result = execute_sync(
            self._schema,
            prepared.document,
            root_value=mutation if writes else query,
            variable_values=dict(variables or {}),
            field_resolver=_resolve,
            type_resolver=_resolve_type,
        )
        if result.errors:
            return _failure(_status(result.errors), result.errors, result.data)
        return Answer(200, {"data": result.data})

    def _prepare(self, text: str) -> _Prepared:
        try:
            document = parse(text)
            errors = validate(self._schema, document)
        except GraphQLError as error:
            prepared = _Prepared(None, [error])
        else:
            prepared = _Prepared(None if errors else document, errors)
        self._prepared[text] = prepared
        return prepared


def asked_for(text: str) -> list[str]:
    """Return the names under which a request wants its answers."""
    operation = get_operation_ast(parse(text))
    fields = operation.selection_set.selections if operation else ()
    return [(item.alias or item.name).value for item in fields if isinstance(item, FieldNode)]


@cache
def engine(schema_file: Path) -> Engine:
    """Return the engine of a schema, which knows nothing of any server's state: all share it."""
    return Engine(schema_file)


def _name_arguments(schema: GraphQLSchema) -> None:
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            for name, entry in kind.fields.items():
                entry.out_name = snake(name)
        elif isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType)):
            for owner in kind.fields.values():
                for name, argument in owner.args.items():
                    argument.out_name = _RENAMED.get(name, snake(name))


def _resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    value = getattr(source, snake(info.field_name))
    return value(**arguments) if callable(value) else value


def _resolve_type(value: Any, _info: GraphQLResolveInfo[Any], _kind: object) -> str:
    return str(value.typename)


def _status(errors: list[GraphQLError]) -> int:
    cause = errors[0].original_error
    if isinstance(cause, Refusal):
        return cause.status
    # A wrong variable is the client's fault; anything else is a bug of the stand-in.
    return 400 if cause is None or isinstance(cause, GraphQLError) else 500


def _failure(status: int, errors: list[GraphQLError], data: Any = None) -> Answer:
    return Answer(status, {"data": data, "errors": [error.formatted for error in errors]})
