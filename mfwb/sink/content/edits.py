"""What people wrote in a W&B run stays: only what mfwb itself wrote may change.

Three things decide: what mfwb wrote there last, what is there now, and what it means to write. What
is there and is not what mfwb wrote, somebody else wrote; what mfwb wrote and is not there any more,
somebody removed. Both are edits.

What mfwb wrote, it notes in the very request that writes it: in config, as digests. A W&B run of an
older mfwb has no such note. Then all that is there and differs counts as somebody's, but for mfwb's
own names in config.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from mfwb.sink.content.own_notes import parse_note
from mfwb.sink.content.run_content import MARKER
from mfwb.sink.content.run_texts import RunMetadata

__all__ = [
    "EditRule",
    "MergedMetadata",
    "WrittenDigests",
    "merge_metadata",
    "new_run_metadata",
    "read_written_digests",
    "select_others_summary",
]

_NOTE = "wrote"
"""The key below `config["mfwb"]` with the note of what mfwb wrote."""

_FACTS = "metaflow"
"""The key in config whose keys are looked at one by one."""

_SCALARS = {"name": "name", "group": "group", "job_type": "job type", "notes": "notes"}
"""Fields of `RunMetadata`, and what they are called."""

_DIGEST = 12  # letters


@dataclass(frozen=True, slots=True)
class WrittenDigests:
    """What mfwb wrote into a W&B run in words, as digests.

    Attributes:
        config: of the values, by key.
        facts: the same of what is below `metaflow`.
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
    """What becomes of what others changed of mfwb's words.

    Attributes:
        overwrite: it is written over, and what they removed comes back.
        restore: keys of config that are missing come back.
    """

    overwrite: bool = False
    restore: bool = False


@dataclass(frozen=True, slots=True)
class MergedMetadata:
    """What is to be said.

    Attributes:
        run_metadata: with the note of what mfwb wrote.
        kept: what somebody changed and mfwb means otherwise: `name`, `config rate`, `tag good`.
        undone: the same of what is written over.
    """

    run_metadata: RunMetadata
    kept: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()


def new_run_metadata(meant: RunMetadata) -> RunMetadata:
    """Return the words of a W&B run that nobody has written yet, with the note of them."""
    return _noted(meant, _wrote(meant))


def read_written_digests(config: Mapping[str, Any]) -> WrittenDigests | None:
    """Return what mfwb noted in a config; None: an older one wrote it, or somebody else."""
    marker = config.get(MARKER)
    return parse_note(marker.get(_NOTE) if isinstance(marker, Mapping) else None, _adapter())


def merge_metadata(meant: RunMetadata, there: RunMetadata, rule: EditRule) -> MergedMetadata:
    """Return what a W&B run is to say that says something already.

    What others added stays in any case: tags, keys, and notes where mfwb has none.

    Args:
        meant: what mfwb would say if it were alone.
        there: what is there now.
        rule: about what others changed.
    """
    before = read_written_digests(there.config)
    told = _Told(rule)
    scalars = {name: _scalar(name, meant, there, before, told) for name in _SCALARS}
    tags, tag_note = _tags(meant.tags, there.tags, before, told)
    both = replace(meant, **scalars, tags=tags, config=_config(meant, there, before, told))
    note = replace(_wrote(meant), tags=tag_note)
    return MergedMetadata(_noted(both, note), tuple(told.kept), tuple(told.undone))


def select_others_summary(
    there: Mapping[str, Any], meant: Collection[str], wrote: Collection[str]
) -> dict[str, Any]:
    """Return what others wrote into a summary.

    Args:
        there: the summary as it is.
        meant: keys that mfwb is going to write.
        wrote: keys that it wrote before, as far as that is known.
    """
    ours = {MARKER, *meant, *wrote}
    return {
        key: value
        for key, value in there.items()
        if key not in ours and not key.startswith("_")  # those are W&B's
    }


@dataclass(slots=True)
class _Told:
    """Collects what others changed."""

    rule: EditRule
    kept: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)

    def edit(self, what: str) -> bool:
        """Hear of an edit; return whether it stays."""
        (self.undone if self.rule.overwrite else self.kept).append(what)
        return not self.rule.overwrite


def _scalar(
    name: str, meant: RunMetadata, there: RunMetadata, before: WrittenDigests | None, told: _Told
) -> str:
    new: str = getattr(meant, name)
    old: str = getattr(there, name)
    is_ours = before is not None and _digest(old) == getattr(before, name)
    if new == old or is_ours:
        return new
    if not old and (before is None or name == "job_type"):  # that nobody can remove
        return new
    if not new:  # mfwb has nothing to say here: it is an addition
        return old
    return old if told.edit(_SCALARS[name]) else new


def _tags(
    meant: Iterable[str], there: Iterable[str], before: WrittenDigests | None, told: _Told
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return tags, and the digests of those that mfwb answers for."""
    there, meant = tuple(dict.fromkeys(there)), tuple(dict.fromkeys(meant))
    wrote = before.tags if before else frozenset()
    ours = {tag for tag in {*meant, *there} if _digest(tag) in wrote}
    removed = {tag for tag in meant if tag in ours and tag not in there and told.edit(f"tag {tag}")}
    kept = [tag for tag in there if tag in meant or tag not in ours]
    added = [tag for tag in meant if tag not in there and tag not in removed]
    in_order = [tag for tag in meant if tag in {*kept, *added}]
    others = [tag for tag in kept if tag not in meant]
    is_new = before is None  # then those that are meant and there were mfwb's before
    note = frozenset(_digest(tag) for tag in meant if is_new or tag in ours or tag not in there)
    return (*in_order, *others), note


def _config(
    meant: RunMetadata, there: RunMetadata, before: WrittenDigests | None, told: _Told
) -> dict[str, Any]:
    own, found = dict(meant.config), dict(there.config)
    marker, facts = own.pop(MARKER, None), own.pop(_FACTS, None)
    found.pop(MARKER, None)
    old_facts = found.pop(_FACTS, None)
    said = _Keys("config ", told).merge_metadata(own, found, before.config if before else None)
    if isinstance(facts, Mapping):
        old = old_facts if isinstance(old_facts, Mapping) else {}
        # Without a note they count as mfwb's, which has that name to itself.
        wrote = before.facts if before else {key: _digest(old[key]) for key in facts if key in old}
        said[_FACTS] = _Keys(f"config {_FACTS}.", told).merge_metadata(facts, old, wrote)
    if marker is not None:
        said[MARKER] = marker
    return said


@dataclass(frozen=True, slots=True)
class _Keys:
    """Keys of a mapping, each for itself."""

    called: str
    told: _Told

    def merge_metadata(
        self, meant: Mapping[str, Any], there: Mapping[str, Any], wrote: Mapping[str, str] | None
    ) -> dict[str, Any]:
        known = wrote or {}
        said = {
            key: value
            for key, value in there.items()
            if key not in meant and known.get(key) != _digest(value)
        }
        for key, value in meant.items():
            if key not in there:
                is_known = known.get(key) not in {None, _digest({})}  # empty ones get lost
                is_gone = is_known and not self.told.rule.restore
                if not (is_gone and self.told.edit(f"{self.called}{key}")):
                    said[key] = value
            elif _digest(there[key]) in (_digest(value), known.get(key)):
                said[key] = value
            else:
                said[key] = there[key] if self.told.edit(f"{self.called}{key}") else value
        return said


def _wrote(run_metadata: RunMetadata) -> WrittenDigests:
    config = dict(run_metadata.config)
    config.pop(MARKER, None)
    facts = config.pop(_FACTS, None)
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


def _noted(run_metadata: RunMetadata, note: WrittenDigests) -> RunMetadata:
    said = _adapter().dump_python(note, mode="json")
    said["tags"].sort()
    text = json.dumps(said, separators=(",", ":"), sort_keys=True)
    marker = {**run_metadata.config.get(MARKER, {}), _NOTE: text}
    return replace(run_metadata, config={**run_metadata.config, MARKER: marker})


def _digest(value: Any) -> str:
    """Return a digest that is the same for a value and for what W&B makes of it.

    Its database knows no type of numbers, and its writer no empty dicts in dicts.
    """
    try:
        text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))
    except RecursionError:  # somebody else's: mfwb writes none that is nested so deep
        text = "too deep"
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        plain = {str(key): _plain(one) for key, one in value.items()}
        return {key: one for key, one in plain.items() if one != {}}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


@cache
def _adapter() -> TypeAdapter[WrittenDigests]:
    return TypeAdapter(WrittenDigests)
