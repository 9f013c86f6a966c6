"""Texts of which recorded values are parts: made of each other, and taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mfwb.lineage.static_analysis.domain.bounds import LONGEST_TEXT, of
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

__all__ = ["found_in", "inside", "joined", "last_part", "said_of", "shown", "text_of", "words_of"]

_MOST_WORDS = 8  # in a text
_DEEPEST = 4  # keys into a value

_Keys = tuple["str | int | None", ...]


def words_of(value: Value) -> TextParts | None:
    """Return the words of a text, or None if that is not one certain text."""
    atom = only(value)
    if isinstance(atom, Text):
        return atom.words
    return (str(atom.value),) if isinstance(atom, Const) else None


def text_of(*parts: TextParts | None) -> Value:
    """Return what these texts are one after the other; ANYTHING if one of them is not known."""
    words = joined(*(part or () for part in parts))
    size = sum(len(word) for word in words if isinstance(word, str))
    if None in parts or len(words) > _MOST_WORDS or size > LONGEST_TEXT:
        return ANYTHING
    if all(isinstance(word, str) for word in words):
        return of(Const("".join(map(str, words))))
    return of(Text(words))


def joined(*parts: TextParts) -> TextParts:
    """Return words one after the other, with constants that meet as one."""
    found: list[str | ArtifactValue | LookedUpRun] = []
    for word in (word for part in parts for word in part):
        if isinstance(word, str) and found and isinstance(found[-1], str):
            found[-1] += word
        elif word != "":
            found.append(word)
    return tuple(found)


def inside(atom: Text, key: str | int | None) -> Value:
    """Return what a value holds there, if it is one that holds something; None: anywhere."""
    word = atom.words[0]
    if len(atom.words) > 1 or not isinstance(word, ArtifactValue) or len(word.keys) == _DEEPEST:
        return ANYTHING
    return of(Text((replace(word, keys=(*word.keys, key)),)))


def last_part(words: TextParts) -> TextParts | None:
    """Return what follows the last slash of a pathspec, if that is one word."""
    if isinstance(words[-1], str):
        last = owner_and_name(words[-1])[1]
        return (last,) if last and (last != words[-1] or len(words) == 1) else None
    before = words[-2] if len(words) > 1 else ""
    return words[-1:] if isinstance(before, str) and before.endswith("/") else None


def shown(words: TextParts) -> str:
    """Return words as they are shown to people."""
    return "".join(map(str, words))


def said_of(source: Client, artifact: str | None) -> ExternalRead:
    """Return the read of an artifact of a client object, or of the object alone."""
    found = next((word for word in source.words if isinstance(word, LookedUpRun)), None)
    if found is not None:
        return ExternalRead("flow", shown(found.flow), artifact, source.words, sure=source.sure)
    is_told = all(isinstance(word, str) for word in source.words)
    words = () if is_told else source.words
    return ExternalRead(source.kind, shown(source.words), artifact, words, sure=source.sure)


def found_in(value: Value, keys: _Keys = ()) -> Iterator[tuple[_Keys, Text]]:
    """Yield the texts of a value that tell of a flow run which was looked up, and where in it."""
    for atom in value:
        if isinstance(atom, Text) and any(isinstance(word, LookedUpRun) for word in atom.words):
            yield keys, atom
        elif isinstance(atom, DictOf) and len(keys) < _DEEPEST:
            for key, held in zip(atom.keys, atom.values, strict=True):
                yield from found_in(held, (*keys, key))
