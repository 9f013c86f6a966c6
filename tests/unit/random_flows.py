"""Flows of any shape, acted out: tasks with what Metaflow records of them, and the truth.

The acting follows Metaflow's runtime and knows nothing of how mfwb rebuilds lineage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from hypothesis import strategies as st

from mfwb.snapshot import ForeachFrame, Task, TaskState, Transition
from tests.support.flow_runs import ref, spec

__all__ = ["Acted", "Block", "act_out", "flows"]

T = TypeVar("T")
_TuplesOf: TypeAlias = st.SearchStrategy[tuple[T, ...]]

_TYPES = ("int", "pandas.DataFrame", "sklearn.svm._classes.SVC", "numpy.ndarray", "str")


@dataclass(frozen=True)
class Block:
    """A part of a flow.

    Its kind is `line`, `loop` (goes back to itself as often as the number says), `split`, `fan`
    (a foreach; the numbers are its widths, by turns) or `switch` (the numbers say which way is
    taken, by turns; an empty way skips).
    """

    kind: str
    numbers: tuple[int, ...] = (0,)
    ways: tuple[tuple[Block, ...], ...] = ()


def flows() -> st.SearchStrategy[list[Block]]:
    """Return flows of lines, loops, splits, foreach and switches, nested in one another."""
    simple = st.one_of(
        st.just(Block("line")), st.builds(Block, st.just("loop"), st.tuples(st.integers(0, 2)))
    )
    return st.lists(st.recursive(simple, _compound, max_leaves=6), max_size=4)


def _compound(block: st.SearchStrategy[Block]) -> st.SearchStrategy[Block]:
    way = _tuples(block, 1, 3)
    numbers = _tuples(st.integers(1, 3), 1, 3)
    return st.one_of(
        st.builds(Block, st.just("split"), ways=_tuples(way, 2, 3)),
        st.builds(Block, st.just("fan"), numbers, st.tuples(way)),
        st.builds(Block, st.just("switch"), numbers, _tuples(_tuples(block, 0, 2), 2, 3)),
    )


def _tuples(element: st.SearchStrategy[T], least: int, most: int) -> _TuplesOf[T]:
    return st.lists(element, min_size=least, max_size=most).map(tuple)


@dataclass
class Acted:
    """What came of a flow: tasks, and for each pathspec the true parents and producers."""

    tasks: list[Task] = field(default_factory=list)
    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    producers: dict[str, dict[str, str]] = field(default_factory=dict)


def act_out(flow: Sequence[Block]) -> Acted:
    """Run a flow between a `start` and an `end`."""
    actors = _Actors(Acted())
    first = "s0" if flow else "end"
    start = actors.task(_Spot("start", (first,)), [])
    last = actors.blocks(flow, _Spot("", ("end",)), start)
    actors.task(_Spot("end", ()), [last])
    return actors.acted


@dataclass(frozen=True)
class _Spot:
    """Where something happens: a step (or the beginning of its name), and where it leads."""

    step: str
    after: tuple[str, ...]
    frames: tuple[ForeachFrame, ...] = ()

    @property
    def join(self) -> _Spot:
        """The join that belongs to a split or a foreach."""
        return replace(self, step=f"{self.step}_join")

    def way(self, number: int) -> _Spot:
        """One of the ways inside, up to the join."""
        return replace(self, step=f"{self.step}_{number}_", after=(self.join.step,))


@dataclass(frozen=True)
class _Actors:
    acted: Acted

    def task(
        self,
        spot: _Spot,
        parents: Sequence[Task],
        *,
        over: str | None = None,
        rounds: tuple[int, ...] = (),
    ) -> Task:
        """Run one task: it takes over what its (first) parent had, and writes one artifact."""
        number = len(self.acted.tasks)
        pathspec = spec(f"{spot.step}/{number * 7919 % 10007}")  # ids tell nothing of the order
        artifacts = {item.name: item for item in (parents[0].artifacts if parents else ())}
        producers = dict(self.acted.producers[parents[0].pathspec]) if parents else {}
        own = ref("abcdefg"[number % 7], f"by {pathspec}", _TYPES[number % 5], 100)
        artifacts[own.name], producers[own.name] = own, pathspec
        task = Task(
            pathspec=pathspec,
            state=TaskState.OK,
            artifacts=tuple(artifacts[name] for name in sorted(artifacts)),
            transition=Transition(spot.after, over) if spot.after else None,
            foreach=spot.frames,
            rounds=rounds,
        )
        self.acted.tasks.append(task)
        self.acted.parents[pathspec] = tuple(parent.pathspec for parent in parents)
        self.acted.producers[pathspec] = producers
        return task

    def blocks(self, blocks: Sequence[Block], spot: _Spot, last: Task) -> Task:
        """Run blocks one after the other and return the task that leads out of them."""
        names = [f"{spot.step}s{location}" for location in range(len(blocks))]
        following = [*((name,) for name in names[1:]), spot.after]
        for block, name, after in zip(blocks, names, following, strict=False):
            last = self.block(block, replace(spot, step=name, after=after), last)
        return last

    def block(self, block: Block, spot: _Spot, last: Task) -> Task:
        """Run one block."""
        turn = sum(frame.index for frame in spot.frames)
        number = block.numbers[turn % len(block.numbers)]
        if block.kind == "loop":
            return self.loop(spot, last, number)
        if block.kind == "split":
            return self.split(block, spot, last)
        if block.kind == "fan":
            return self.fan(block, spot, last, number)
        if block.kind == "switch":
            chosen = number % len(block.ways)
            way = replace(spot.way(chosen), after=spot.after)
            to = (f"{way.step}s0",) if block.ways[chosen] else spot.after
            switch = self.task(replace(spot, after=to), [last])
            return self.blocks(block.ways[chosen], way, switch)
        return self.task(spot, [last])

    def loop(self, spot: _Spot, last: Task, again: int) -> Task:
        """Run a recursive step."""
        for to in (*[(spot.step,)] * again, spot.after):
            # As in MetaflowTask._init_iteration: right behind another loop it goes on counting.
            rounds = (last.rounds[-1] + 1,) if last.rounds else (0,)
            last = self.task(replace(spot, after=to), [last], rounds=rounds)
        return last

    def split(self, block: Block, spot: _Spot, last: Task) -> Task:
        """Run all ways and join them."""
        ways = [spot.way(number) for number in range(len(block.ways))]
        split = self.task(replace(spot, after=tuple(f"{way.step}s0" for way in ways)), [last])
        arrived = [
            self.blocks(blocks, way, split) for blocks, way in zip(block.ways, ways, strict=True)
        ]
        return self.task(spot.join, sorted(arrived, key=lambda item: item.step))

    def fan(self, block: Block, spot: _Spot, last: Task, width: int) -> Task:
        """Run the inside as often as the width says, and join."""
        way = spot.way(0)
        inside = f"{way.step}s0"
        fan = self.task(replace(spot, after=(inside,)), [last], over="items")
        arrived = []
        for index in range(width):
            frames = (*spot.frames, ForeachFrame(inside, "items", width, index))
            arrived.append(self.blocks(block.ways[0], replace(way, frames=frames), fan))
        return self.task(spot.join, arrived)
