"""JSON schemas of the documents that commands print, made from their types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from inspect import cleandoc
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from mfwb.diagnosis.check import DoctorDocument
from mfwb.flow_run_list import FlowRunListDocument
from mfwb.forgotten import ForgottenDocument
from mfwb.outcome import BackfillDocument, ResultDocument
from mfwb.report.explain.document_types import ExplainDocument
from mfwb.report.html.file_document_types import ReportDocument
from mfwb.report.lineage.document_types import HistoryDocument, LineageDocument
from mfwb.report.page_document import PageDocument
from mfwb.report.settings_document_types import SettingsDocument, TrustDocument, UntrustDocument
from mfwb.sync_status import StatusDocument
from mfwb.verification_outcome import VerificationDocument

__all__ = ["DOCUMENTS", "json_schema"]

DOCUMENTS: dict[str, Any] = {
    "backfill": BackfillDocument,
    "config": SettingsDocument,
    "config-trust": TrustDocument,
    "config-untrust": UntrustDocument,
    "doctor": DoctorDocument,
    "explain": ExplainDocument,
    "forget": ForgottenDocument,
    "lineage": LineageDocument,
    "lineage-artifact": HistoryDocument,
    "ls": FlowRunListDocument,
    "open": PageDocument,
    "plan": ResultDocument,
    "push": ResultDocument,
    "report": ReportDocument,
    "status": StatusDocument,
    "sync": ResultDocument,
    "verify": VerificationDocument,
    "watch": ResultDocument,
}
"""The types of the documents, by command."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ATTRIBUTES = "\n\nAttributes:\n"
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)


@cache
def json_schema(name: str) -> dict[str, Any]:
    """Return the schema of a document, by its name in `DOCUMENTS`.

    It allows keys that it does not have: later versions may add some.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(DOCUMENTS[name])
    schema = adapter.json_schema(mode="serialization", schema_generator=_Generator)
    for part in _objects(schema):
        _describe(part)
    return {"$schema": _DIALECT, **schema, "title": f"mfwb {name.replace('-', ' ')} --json"}


class _Generator(GenerateJsonSchema):
    """A generator for documents that are written, where no key with a default is missing."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,  # noqa: FBT001 - pydantic's signature
    ) -> bool:
        """Return whether a key is in every document."""
        if field["type"] == "typed-dict-field":
            return field.get("required", total)
        return True

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> dict[str, Any]:
        """Return the schema of a document, with the descriptions of keys that it inherits."""
        made = super().typed_dict_schema(schema)
        for base in _bases(schema.get("cls")):
            _, keys = _split(base.__doc__ or "")
            for name, description in keys.items():
                if name in made["properties"]:
                    made["properties"][name].setdefault("description", description)
        return made

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        """Return a schema without the default, which tells nothing of what is written."""
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the same
        """Return that keys have no titles, which would be their names again."""
        return False


def _bases(document: Any) -> Iterator[Any]:
    """Yield the types that a type of documents inherits keys from; they are no base classes."""
    for base in getattr(document, "__orig_bases__", ()):
        yield base
        yield from _bases(base)


def _objects(part: Any) -> Iterator[dict[str, Any]]:
    """Yield all schemas inside a schema, itself included."""
    if isinstance(part, dict):
        yield part
        for inner in part.values():
            yield from _objects(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _objects(inner)


def _describe(schema: dict[str, Any]) -> None:
    """Move the descriptions of attributes from a docstring to the keys that they describe."""
    text = schema.get("description")
    if not isinstance(text, str):
        return
    schema["description"], keys = _split(text)
    for name, description in keys.items():
        if name in schema.get("properties", {}):
            schema["properties"][name]["description"] = description


def _split(docstring: str) -> tuple[str, dict[str, str]]:
    """Return the text of a docstring and those of its attributes, each as one line."""
    summary, _, attributes = cleandoc(docstring).partition(_ATTRIBUTES)
    keys = {name: _as_json_says(text) for name, text in _ATTRIBUTE.findall(attributes)}
    return _as_json_says(summary), keys


def _as_json_says(text: str) -> str:
    """Return a text as one line, with JSON's words for Python's."""
    return re.sub(r"\bNone\b", "null", " ".join(text.split()))
