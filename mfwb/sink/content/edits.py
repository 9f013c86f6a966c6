"""Edits that people made in a W&B run: they stay, and mfwb changes only its own values.

Three values decide: what mfwb wrote last, what W&B has now, and what mfwb plans to write. A value
that exists and that mfwb did not write is an edit. A value that mfwb wrote and that no longer
exists was removed, which is an edit, too.

In the same request, mfwb records what it writes: in config, as digests. A W&B run of an older mfwb
has no such record. Then every existing value that differs counts as an edit, except those below
mfwb's own names in config.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any

from pydantic import TypeAdapter

from mfwb.sink.content.own_notes import parse_note
from mfwb.sink.content.run_content import MARKER
from mfwb.sink.content.run_metadata import RunMetadata

__all__ = [
    "EditRule",
    "MergedMetadata",
    "WrittenDigests",
    "list_changes",
    "merge_metadata",
    "new_run_metadata",
    "read_written_digests",
    "select_others_summary",
]

_NOTE = "wrote"
"""The key below `config["mfwb"]` with the note of what mfwb wrote."""

_METAFLOW_KEY = "metaflow"
"""The key in config below which each key is merged separately."""

_TEXT_FIELDS = {"name": "name", "group": "group", "job_type": "job type", "notes": "notes"}
"""Text fields of `RunMetadata`, and their names in messages."""

_DIGEST_LENGTH = 12  # letters


@dataclass(frozen=True, slots=True)
class WrittenDigests:
    """Digests of the metadata that mfwb wrote into a W&B run. The field names are stored.

    Attributes:
        config: digests of the values, by key.
        facts: digests of the values below `metaflow`, by key.
    """

    name: str
    group: str
    job_type: str
    notes: str
    tags: frozenset[str]
    config: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EditRule:
    """How edits of other people are treated.

    Attributes:
        overwrite: whether mfwb's values replace edits and restore removed values.
        restore: whether missing keys of config are restored.
    """

    overwrite: bool = False
    restore: bool = False


@dataclass(frozen=True, slots=True)
class MergedMetadata:
    """Metadata to write, and the edits of other people.

    Attributes:
        run_metadata: the metadata, with the note of what mfwb writes.
        kept: edits that stay and differ from the plan, as in `name`, `config rate`, `tag good`.
        undone: edits that mfwb overwrites.
    """

    run_metadata: RunMetadata
    kept: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()


def new_run_metadata(planned: RunMetadata) -> RunMetadata:
    """Return the metadata of a new W&B run, with its note."""
    return _with_note(planned, _digest_metadata(planned))


def read_written_digests(config: Mapping[str, Any]) -> WrittenDigests | None:
    """Return mfwb's record in a config; None if there is none, as from an older mfwb."""
    marker = config.get(MARKER)
    return parse_note(marker.get(_NOTE) if isinstance(marker, Mapping) else None, _adapter())


def merge_metadata(planned: RunMetadata, current: RunMetadata, rule: EditRule) -> MergedMetadata:
    """Return the metadata for an existing W&B run.

    What others added always stays: tags, keys, and notes that somebody wrote or changed.

    Args:
        planned: the planned metadata.
        current: the metadata in W&B.
        rule: how edits of other people are treated.
    """
    written = read_written_digests(current.config)
    edits = _Edits(rule)
    scalars = {name: _merge_text(name, planned, current, written, edits) for name in _TEXT_FIELDS}
    tags, tag_digests = _merge_tags(planned.tags, current.tags, written, edits)
    merged = replace(
        planned, **scalars, tags=tags, config=_merge_config(planned, current, written, edits)
    )
    note = replace(_digest_metadata(planned), tags=tag_digests)
    return MergedMetadata(_with_note(merged, note), tuple(edits.kept), tuple(edits.undone))


def list_changes(current: RunMetadata, new: RunMetadata) -> tuple[str, ...]:
    """Return how new metadata differs from W&B's, as in "tag + prod", "config rate", "name"."""
    changes = [
        label
        for name, label in _TEXT_FIELDS.items()
        if getattr(current, name) != getattr(new, name)
    ]
    changes += [f"tag + {tag}" for tag in new.tags if tag not in current.tags]
    changes += [f"tag - {tag}" for tag in current.tags if tag not in new.tags]
    before, after = dict(current.config), dict(new.config)
    for config in (before, after):
        config.pop(MARKER, None)
    facts_before, facts_after = (config.pop(_METAFLOW_KEY, None) for config in (before, after))
    changes += [f"config {key}" for key in _differing(before, after)]
    if isinstance(facts_before, Mapping) and isinstance(facts_after, Mapping):
        keys = _differing(facts_before, facts_after)
        changes += [f"config {_METAFLOW_KEY}.{key}" for key in keys]
    return tuple(changes)


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [
        key
        for key in dict.fromkeys((*after, *before))
        if _digest(before.get(key)) != _digest(after.get(key))
    ]


def select_others_summary(
    current: Mapping[str, Any], planned: Collection[str], written_keys: Collection[str]
) -> dict[str, Any]:
    """Return the summary values of other people.

    Args:
        current: the current summary.
        planned: the keys that mfwb is going to write.
        written_keys: the keys that mfwb wrote before, if they are known.
    """
    own_keys = {MARKER, *planned, *written_keys}
    return {
        key: value
        for key, value in current.items()
        if key not in own_keys and not key.startswith("_")  # W&B's own keys
    }


@dataclass(slots=True)
class _Edits:
    """The edits of other people, collected during a merge."""

    rule: EditRule
    kept: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)

    def keeps_edit(self, what: str) -> bool:
        """Record an edit; return whether it stays."""
        (self.undone if self.rule.overwrite else self.kept).append(what)
        return not self.rule.overwrite


def _merge_text(
    name: str,
    planned: RunMetadata,
    current: RunMetadata,
    written: WrittenDigests | None,
    edits: _Edits,
) -> str:
    new: str = getattr(planned, name)
    old: str = getattr(current, name)
    is_ours = written is not None and _digest(old) == getattr(written, name)
    if new == old or is_ours:
        return new
    if not old and (written is None or name == "job_type"):  # nobody can remove a job type
        return new
    if not new or (name == "notes" and old):  # an addition; notes of people always are one
        return old
    return old if edits.keeps_edit(_TEXT_FIELDS[name]) else new


def _merge_tags(
    planned: Iterable[str], current: Iterable[str], written: WrittenDigests | None, edits: _Edits
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the tags, and the digests of those that belong to mfwb."""
    current, planned = tuple(dict.fromkeys(current)), tuple(dict.fromkeys(planned))
    written_tags = written.tags if written else frozenset()
    own_tags = {tag for tag in {*planned, *current} if _digest(tag) in written_tags}
    removed = {
        tag
        for tag in planned
        if tag in own_tags and tag not in current and edits.keeps_edit(f"tag {tag}")
    }
    kept = [tag for tag in current if tag in planned or tag not in own_tags]
    added = [tag for tag in planned if tag not in current and tag not in removed]
    in_order = [tag for tag in planned if tag in {*kept, *added}]
    others = [tag for tag in kept if tag not in planned]
    is_new = written is None  # then planned tags that exist count as mfwb's
    note = frozenset(
        _digest(tag) for tag in planned if is_new or tag in own_tags or tag not in current
    )
    return (*in_order, *others), note


def _merge_config(
    planned: RunMetadata, current: RunMetadata, written: WrittenDigests | None, edits: _Edits
) -> dict[str, Any]:
    planned_config, current_config = dict(planned.config), dict(current.config)
    marker, planned_facts = (
        planned_config.pop(MARKER, None),
        planned_config.pop(_METAFLOW_KEY, None),
    )
    current_config.pop(MARKER, None)
    current_metaflow = current_config.pop(_METAFLOW_KEY, None)
    result = _MappingMerge("config ", edits).merge(
        planned_config, current_config, written.config if written else None
    )
    if isinstance(planned_facts, Mapping):
        current_facts = current_metaflow if isinstance(current_metaflow, Mapping) else {}
        # Without a note they count as mfwb's, which owns that name.
        written_facts = (
            written.facts
            if written
            else {key: _digest(current_facts[key]) for key in planned_facts if key in current_facts}
        )
        result[_METAFLOW_KEY] = _MappingMerge(f"config {_METAFLOW_KEY}.", edits).merge(
            planned_facts, current_facts, written_facts
        )
    if marker is not None:
        result[MARKER] = marker
    return result


@dataclass(frozen=True, slots=True)
class _MappingMerge:
    """A merge of a mapping, key by key."""

    prefix: str
    edits: _Edits

    def merge(
        self,
        planned: Mapping[str, Any],
        current: Mapping[str, Any],
        written: Mapping[str, str] | None,
    ) -> dict[str, Any]:
        written_digests = written or {}
        result = {
            key: value
            for key, value in current.items()
            if key not in planned and written_digests.get(key) != _digest(value)
        }
        for key, value in planned.items():
            if key not in current:
                is_written = written_digests.get(key) not in {
                    None,
                    _digest({}),
                }  # empty ones get lost
                is_removed = is_written and not self.edits.rule.restore
                if not (is_removed and self.edits.keeps_edit(f"{self.prefix}{key}")):
                    result[key] = value
            elif _digest(current[key]) in (_digest(value), written_digests.get(key)):
                result[key] = value
            else:
                result[key] = (
                    current[key] if self.edits.keeps_edit(f"{self.prefix}{key}") else value
                )
        return result


def _digest_metadata(run_metadata: RunMetadata) -> WrittenDigests:
    config = dict(run_metadata.config)
    config.pop(MARKER, None)
    facts = config.pop(_METAFLOW_KEY, None)
    return WrittenDigests(
        name=_digest(run_metadata.name),
        group=_digest(run_metadata.group),
        job_type=_digest(run_metadata.job_type),
        notes=_digest(run_metadata.notes),
        tags=frozenset(map(_digest, run_metadata.tags)),
        config=_digests(config),
        facts=_digests(facts) if isinstance(facts, Mapping) else {},
    )


def _digests(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: _digest(value) for key, value in values.items()}


def _with_note(run_metadata: RunMetadata, note: WrittenDigests) -> RunMetadata:
    result = _adapter().dump_python(note, mode="json")
    result["tags"].sort()
    text = _encode(result)
    marker = {**run_metadata.config.get(MARKER, {}), _NOTE: text}
    return replace(run_metadata, config={**run_metadata.config, MARKER: marker})


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
"""`json.dumps` would make an encoder for each value."""


def _digest(value: Any) -> str:
    """Return a digest that is the same for a value and for W&B's copy of it.

    W&B's database has one type of numbers, and its writer drops empty dicts in dicts.
    """
    if type(value) in _UNCHANGED and not (isinstance(value, str) and len(value) > _SHORT):
        return _digest_short(value)
    try:
        text = _encode(_normalize(value))
    except RecursionError:  # not mfwb's value: mfwb writes none with such deep nesting
        text = "too deep"
    return _digest_text(text)


@lru_cache(maxsize=1_024, typed=True)
def _digest_short(value: str | float | None) -> str:
    """Return the digest of a value which many W&B runs of a flow run have in their config."""
    return _digest_text(_encode(value))


def _digest_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


_SHORT = 200  # characters
_UNCHANGED = frozenset({str, int, bool, type(None)})


def _normalize(value: Any) -> Any:
    if type(value) in _UNCHANGED:  # most are texts and numbers
        return value
    if isinstance(value, Mapping):
        plain = {str(key): _normalize(inner) for key, inner in value.items()}
        return {key: inner for key, inner in plain.items() if inner != {}}
    if isinstance(value, (list, tuple)):
        return [_normalize(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


@cache
def _adapter() -> TypeAdapter[WrittenDigests]:
    return TypeAdapter(WrittenDigests)
