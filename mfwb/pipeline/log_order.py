"""Who logs first what several W&B runs log: W&B calls that one its creator, and nobody else.

The oldest flow run is to be it, and of one flow run the first W&B run, however many workers there
are. So who comes later waits until the content is there; and who would log a name with another type
waits for that name, since W&B gives it the type of whoever comes first.

What is equal is told from the plan: the same files made of the same contents. That is known of all
levels beforehand, and it is rare that different contents make equal files.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from threading import Condition

from mfwb.planning import OutputArtifact, Plan, PlannedRun, WandbRunId

__all__ = ["Turn", "Turns"]

_Order = tuple[int, int]
"""Of a W&B run: the place of its flow run, and its own one in there."""


@dataclass(frozen=True, slots=True)
class _Thing:
    """What a W&B run logs.

    Attributes:
        name: of the artifact, and in which project.
        type: of the artifact.
        content: name, type and what its files are made of.
    """

    name: Hashable
    type: str
    content: Hashable


@dataclass(slots=True)
class _Queue:
    """Those who log one content, or one name with one type, in their order."""

    orders: dict[_Order, None] = field(default_factory=dict)  # a set that keeps its order
    is_there: bool = False  # somebody has logged it

    def is_begun_before(self, order: _Order) -> bool:
        """Whether somebody comes before, and is not done."""
        return next(iter(self.orders), order) < order


class Turns:
    """The flow runs of a call, in the order in which they were announced."""

    def __init__(self) -> None:
        self._numbers = count()
        self._changed = Condition()
        self._contents: dict[Hashable, _Queue] = {}
        self._names: dict[Hashable, dict[str, _Queue]] = {}  # by type

    def announce(self, plan: Plan) -> Turn:
        """Hear of a flow run that will be written; those that were announced before are older."""
        number = next(self._numbers)
        place = (plan.entity, plan.project)
        runs = [run for level in plan.levels() for run in level]
        orders = {run.id: (number, at) for at, run in enumerate(runs)}
        things = {run.id: [_thing(place, one) for one in run.outputs] for run in runs}
        with self._changed:
            for run in runs:
                for queue in self._queues(things[run.id]):
                    queue.orders[orders[run.id]] = None
        return Turn(self, orders, things)

    def must_wait(self, things: Iterable[_Thing], order: _Order) -> bool:
        """Whether somebody who comes before has not logged yet what has to be there first."""
        with self._changed:
            return any(self._is_not_yet(one, order) for one in things)

    def wait(self, things: Iterable[_Thing], order: _Order) -> None:
        """Return when who comes before has logged what has to be there first, or won't."""
        with self._changed:
            self._changed.wait_for(lambda: not self.must_wait(things, order))

    def leave(self, things: Iterable[_Thing], order: _Order, *, logged: bool) -> None:
        """Hear that things of a W&B run were logged, or won't be; it may be said again."""
        with self._changed:
            for one in things:
                types = self._names.get(one.name, {})
                found = (self._contents.get(one.content), types.get(one.type))
                for queue in found:
                    if queue is not None and order in queue.orders:
                        del queue.orders[order]
                        queue.is_there = queue.is_there or logged
                self._forget(one, types)
            self._changed.notify_all()

    def _is_not_yet(self, one: _Thing, order: _Order) -> bool:
        content = self._contents.get(one.content)
        if content is not None and not content.is_there and content.is_begun_before(order):
            return True
        types = self._names.get(one.name, {})
        if len(types) == 1 or any(queue.is_there for queue in types.values()):
            return False
        others = (queue for type_, queue in types.items() if type_ != one.type)
        return any(queue.is_begun_before(order) for queue in others)

    def _queues(self, things: Iterable[_Thing]) -> Iterator[_Queue]:
        for one in things:
            yield self._contents.setdefault(one.content, _Queue())
            yield self._names.setdefault(one.name, {}).setdefault(one.type, _Queue())

    def _forget(self, one: _Thing, types: Mapping[str, _Queue]) -> None:
        """Keep nothing of what nobody is about to log any more: a call may see many flow runs."""
        content = self._contents.get(one.content)
        if content is not None and not content.orders:
            del self._contents[one.content]
        if types and not any(queue.orders for queue in types.values()):
            del self._names[one.name]


class Turn:
    """One flow run among those of a call."""

    def __init__(
        self,
        turns: Turns,
        orders: Mapping[WandbRunId, _Order],
        things: Mapping[WandbRunId, list[_Thing]],
    ) -> None:
        self._turns = turns
        self._orders = orders
        self._things = things

    def in_turn(self, runs: Iterable[PlannedRun]) -> Iterator[PlannedRun]:
        """Yield W&B runs of one level as soon as they may be written.

        First come those that need not wait. Who is given one has to say when it is over.
        """
        late = []
        for run in runs:
            if self._turns.must_wait(self._things[run.id], self._orders[run.id]):
                late.append(run)
            else:
                yield run
        for run in late:
            self._turns.wait(self._things[run.id], self._orders[run.id])
            yield run

    def is_over(self, run: PlannedRun, *, logged: bool) -> None:
        """Hear that a W&B run is written, or could not be.

        Args:
            run: as planned.
            logged: whether all its artifacts are there.
        """
        self._turns.leave(self._things[run.id], self._orders[run.id], logged=logged)

    def leave(self) -> None:
        """Hear that nothing more comes of the flow run, whatever became of it."""
        for run_id, order in self._orders.items():
            self._turns.leave(self._things[run_id], order, logged=False)


def _thing(place: Hashable, artifact: OutputArtifact) -> _Thing:
    name = (place, artifact.name)
    files = tuple((one.stem, one.form, one.plugin, one.content.sha1) for one in artifact.files)
    return _Thing(name, artifact.type, (name, artifact.type, files))
