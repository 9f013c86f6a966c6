"""Effects of a function or of a whole step."""

from __future__ import annotations

from dataclasses import dataclass, field

from mfwb.lineage.static_analysis.domain.values import ANYTHING, Value
from mfwb.lineage.static_analysis.result import ExternalRead, InputRead, Merge, StoredRunId

__all__ = ["Effects", "Summary"]


@dataclass(slots=True)
class Effects:
    """All effects that are possible on any path.

    Attributes:
        reads: attributes read before the function has surely written them.
        lost_reads: attributes read after they may have been deleted: even if the caller wrote them
            before, they may come from the parents.
        deferred: attributes that inner functions read, at whatever time they are called.
        unsettled: attributes that inner functions delete, at whatever time they are called.
    """

    reads: set[str] = field(default_factory=set)
    reads_after_delete: set[str] = field(default_factory=set)
    input_reads: set[InputRead] = field(default_factory=set)
    reads_input: bool = False
    reads_foreach_stack: bool = False
    reads_item_of_inputs: bool = False  # `i.input` of an input
    writes: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    merges: dict[Merge, None] = field(default_factory=dict)
    externals: set[ExternalRead] = field(default_factory=set)
    stored_run_ids: set[StoredRunId] = field(default_factory=set)
    doubts: dict[str, None] = field(default_factory=dict)
    next: set[str] = field(default_factory=set)
    iterated: set[str] = field(default_factory=set)  # the artifacts that `foreach=` names
    deferred: set[str] = field(default_factory=set)
    unsettled: set[str] = field(default_factory=set)

    def size(self) -> int:
        """Return the number of effects."""
        return (
            len(self.reads)
            + len(self.reads_after_delete)
            + len(self.input_reads)
            + len(self.writes)
            + len(self.deletes)
            + len(self.merges)
            + len(self.externals)
            + len(self.stored_run_ids)
            + len(self.doubts)
            + len(self.deferred)
            + len(self.unsettled)
        )

    def merge(self, other: Effects) -> None:
        """Add the effects that do not depend on the point at which they happen."""
        self.input_reads |= other.input_reads
        self.reads_input |= other.reads_input
        self.reads_foreach_stack |= other.reads_foreach_stack
        self.reads_item_of_inputs |= other.reads_item_of_inputs
        self.writes |= other.writes
        self.deletes |= other.deletes
        self.merges |= other.merges
        self.externals |= other.externals
        self.stored_run_ids |= other.stored_run_ids
        self.doubts |= other.doubts
        self.next |= other.next
        self.iterated |= other.iterated
        self.deferred |= other.deferred
        self.unsettled |= other.unsettled


@dataclass(slots=True)
class Summary:
    """The summary of a call of a function.

    Attributes:
        sure: as in `State`, at the end of the call.
        ends: whether the call can end without an exception.
        value: what it returns.
    """

    effects: Effects = field(default_factory=Effects)
    sure: dict[str, bool] = field(default_factory=dict)
    ends: bool = True
    value: Value = ANYTHING
