"""The true lineage of a flow run, from what its tasks recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.truth.records import Record

__all__ = ["Truth", "Use", "follow"]

_Holdings = dict[str, frozenset[str]]  # by artifact name: who wrote it; any of them is right


@dataclass(frozen=True)
class Use:
    """A task used an artifact.

    Usually one task wrote it. Where a join merged equal bytes that several branches had written,
    each of them did.
    """

    consumer: str
    artifact: str
    producers: frozenset[str]


@dataclass
class Truth:
    """All that is true of one flow run. Keys are task pathspecs.

    Attributes:
        parents: who came before.
        reads: names of what the code read and others wrote, parameters included.
        by_foreach: names of what only `self.input` looked at.
        uses: the same by who wrote it.
        offered: who wrote what, of all that a task could have used.
        holdings: who wrote what, of all that a task had in the end.
        persisted: the tasks that came as far as storing their artifacts.
    """

    parents: dict[str, frozenset[str]] = field(default_factory=dict)
    reads: dict[str, frozenset[str]] = field(default_factory=dict)
    by_foreach: dict[str, frozenset[str]] = field(default_factory=dict)
    uses: set[Use] = field(default_factory=set)
    offered: dict[str, _Holdings] = field(default_factory=dict)
    holdings: dict[str, _Holdings] = field(default_factory=dict)
    persisted: set[str] = field(default_factory=set)


def follow(records: Mapping[str, Record]) -> Truth:
    """Return what the records add up to."""
    truth = Truth()
    for pathspec in sorted(records):
        _visit(pathspec, records, truth)
    return truth


def _visit(pathspec: str, records: Mapping[str, Record], truth: Truth) -> None:
    if pathspec in truth.parents:
        return
    record = records[pathspec]
    for parent in record.parents:
        _visit(parent, records, truth)
    given = {name: frozenset({_giver(pathspec)}) for name in record.given}
    before = _before(record, truth)
    truth.parents[pathspec] = record.parents
    input_names = frozenset(name for _, name in record.input_reads)
    truth.reads[pathspec] = record.reads | input_names
    truth.by_foreach[pathspec] = record.foreach_reads - record.reads
    truth.offered[pathspec] = {**_all_of_the_parents(record, truth), **given}
    for name in record.reads | record.foreach_reads:
        truth.uses.add(Use(pathspec, name, {**before, **given}[name]))
    for path, name in record.input_reads:
        truth.uses.add(Use(pathspec, name, {**truth.holdings[path], **given}[name]))
    truth.holdings[pathspec] = {**before, **_written(record, truth)}
    if record.persisted:
        truth.persisted.add(pathspec)


def _giver(pathspec: str) -> str:
    return "/".join([*pathspec.split("/")[:2], "_parameters"])


def _before(record: Record, truth: Truth) -> _Holdings:
    """Return what a task had, off `self`, without doing anything: a join only what it merged."""
    if not record.is_join:
        return {
            name: who for parent in record.parents for name, who in truth.holdings[parent].items()
        }
    return {
        name: frozenset().union(*(truth.holdings[path][name] for path in paths))
        for name, paths in record.merged.items()
        if name not in record.given
    }


def _all_of_the_parents(record: Record, truth: Truth) -> _Holdings:
    offered: _Holdings = {}
    for parent in record.parents:
        for name, who in truth.holdings[parent].items():
            offered[name] = offered.get(name, frozenset()) | who
    return offered


def _written(record: Record, truth: Truth) -> _Holdings:
    """Return what a task wrote: assigned or changed in place.

    What has the content that an input had under the same name is handed on, if assigned anew.
    """
    written = {name: frozenset({record.pathspec}) for name in record.assigned | record.mutated}
    handed_on: _Holdings = {
        name: frozenset().union(*(truth.holdings[path][name] for path in paths))
        for name, paths in record.handed_on.items()
    }
    return {**written, **handed_on}
