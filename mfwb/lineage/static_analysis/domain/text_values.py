"""Texts that contain recorded values: how they are joined and split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mfwb.lineage.static_analysis.domain.bounds import LONGEST_TEXT, value_of
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Client,
    Const,
    DictOf,
    Text,
    Value,
    only,
)
from mfwb.lineage.static_analysis.result import ArtifactValue, ExternalRead, LookedUpRun, TextParts
from mfwb.snapshot.pathspec import owner_and_name

__all__ = [
    "concatenate",
    "find_looked_up_runs",
    "format_parts",
    "get_text_parts",
    "item_of_text",
    "join_parts",
    "last_part",
    "make_external_read",
]

_MAX_PARTS = 8  # in a text
_DEEPEST = 4  # keys into a value

_Keys = tuple["str | int | None", ...]


def get_text_parts(value: Value) -> TextParts | None:
    """Return the parts of a text, or None if the value is not one certain text."""
    atom = only(value)
    if isinstance(atom, Text):
        return atom.parts
    return (str(atom.value),) if isinstance(atom, Const) else None


def concatenate(*texts: TextParts | None) -> Value:
    """Return the texts joined in order; ANYTHING if one of them is not known."""
    parts = join_parts(*(text or () for text in texts))
    size = sum(len(part) for part in parts if isinstance(part, str))
    if None in texts or len(parts) > _MAX_PARTS or size > LONGEST_TEXT:
        return ANYTHING
    if all(isinstance(part, str) for part in parts):
        return value_of(Const("".join(map(str, parts))))
    return value_of(Text(parts))


def join_parts(*texts: TextParts) -> TextParts:
    """Return the parts of the texts in order, with adjacent constants joined."""
    result: list[str | ArtifactValue | LookedUpRun] = []
    for part in (part for text in texts for part in text):
        if isinstance(part, str) and result and isinstance(result[-1], str):
            result[-1] += part
        elif part != "":
            result.append(part)
    return tuple(result)


def item_of_text(atom: Text, key: str | int | None) -> Value:
    """Return the element of a recorded value under a key; under None, any element."""
    part = atom.parts[0]
    if len(atom.parts) > 1 or not isinstance(part, ArtifactValue) or len(part.keys) == _DEEPEST:
        return ANYTHING
    return value_of(Text((replace(part, keys=(*part.keys, key)),)))


def last_part(parts: TextParts) -> TextParts | None:
    """Return the part after the last slash of a pathspec; None if it is not a single part."""
    if isinstance(parts[-1], str):
        last = owner_and_name(parts[-1])[1]
        return (last,) if last and (last != parts[-1] or len(parts) == 1) else None
    before = parts[-2] if len(parts) > 1 else ""
    return parts[-1:] if isinstance(before, str) and before.endswith("/") else None


def format_parts(parts: TextParts) -> str:
    """Return a text as it is shown to people."""
    return "".join(map(str, parts))


def make_external_read(source: Client, artifact: str | None) -> ExternalRead:
    """Return the external read of an artifact of a client object, or of the object alone."""
    looked_up = next((part for part in source.parts if isinstance(part, LookedUpRun)), None)
    if looked_up is not None:
        return ExternalRead(
            "flow", format_parts(looked_up.flow), artifact, source.parts, sure=source.sure
        )
    is_constant = all(isinstance(part, str) for part in source.parts)
    parts = () if is_constant else source.parts
    return ExternalRead(source.kind, format_parts(source.parts), artifact, parts, sure=source.sure)


def find_looked_up_runs(value: Value, keys: _Keys = ()) -> Iterator[tuple[_Keys, Text]]:
    """Yield the texts in a value that contain the id of a looked-up flow run, with their keys."""
    for atom in value:
        if isinstance(atom, Text) and any(isinstance(part, LookedUpRun) for part in atom.parts):
            yield keys, atom
        elif isinstance(atom, DictOf) and len(keys) < _DEEPEST:
            for key, held in zip(atom.keys, atom.values, strict=True):
                yield from find_looked_up_runs(held, (*keys, key))
