"""The shards of a backfill: each flow run once, and none before what it has to come after."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from mfwb.shards.model import FIRST, LAST, FlowRunFacts, Shard, ShardPlan
from mfwb.shards.partition import partition

_FLOW_RUNS = st.lists(
    st.builds(
        lambda flow, start, runs, contents, ruled, others: (
            flow, start, runs, contents, ruled, others
        ),
        st.sampled_from("FG"),
        st.integers(0, 12),
        st.integers(0, 5),
        st.sets(st.tuples(st.sampled_from("xyz"), st.sampled_from("ab"), st.integers(0, 3)),
                max_size=3),
        st.booleans(),
        st.sets(st.integers(0, 15), max_size=2),
    ),
    max_size=16,
)  # fmt: skip


def _facts(
    drawn: Sequence[tuple[str, int, int, set[tuple[str, str, int]], bool, set[int]]],
) -> list[FlowRunFacts]:
    names = [f"{flow}/{number}" for number, (flow, *_) in enumerate(drawn)]
    return [
        FlowRunFacts(
            name,
            flow,
            start,
            wandb_runs=runs,
            contents=frozenset(contents),
            names=frozenset((artifact, type_) for artifact, type_, _ in contents),
            ruled=frozenset({"x"} & {artifact for artifact, *_ in contents} if ruled else set()),
            others=frozenset(names[other] for other in others if other < len(names)),
        )
        for name, (flow, start, runs, contents, ruled, others) in zip(names, drawn, strict=True)
    ]


def _in_time(facts: Iterable[FlowRunFacts]) -> list[FlowRunFacts]:
    return sorted(facts, key=lambda one: (one.started_at, one.pathspec))


def _stage(shard: Shard) -> int:
    return {FIRST: 0, LAST: 2}.get(shard.name, 1)


def _simulated(orders: Iterable[str], facts: Sequence[FlowRunFacts]) -> dict[str, object]:
    """Return what W&B has if flow runs log one after the other in some order.

    Creators of contents, types of names, the holder of each name's `latest` and of ruled aliases:
    as W&B and mfwb decide them at the moment of each flow run, where `latest` is only moved to a
    newer flow run.
    """
    by_name = {one.pathspec: one for one in facts}
    position = {one.pathspec: index for index, one in enumerate(_in_time(facts))}
    creators: dict[object, str] = {}
    types: dict[object, str] = {}
    latest: dict[object, int] = {}
    ruled: dict[object, str] = {}
    missing: list[tuple[str, str]] = []
    done: set[str] = set()
    for name in orders:
        one = by_name[name]
        for content in sorted(one.contents, key=repr):
            creators.setdefault(content, name)
        for artifact, type_ in sorted(one.names):
            types.setdefault(artifact, type_)
            latest[artifact] = max(latest.get(artifact, -1), position[name])
        for artifact in one.ruled:
            ruled[artifact] = name
        older = {other for other in one.others if position[other] < position[name]}
        missing += [(name, other) for other in older - done]
        done.add(name)
    return {
        "creators": creators, "types": types, "latest": latest, "ruled": ruled, "missing": missing
    }  # fmt: skip


@given(_FLOW_RUNS, st.integers(1, 5), st.randoms(use_true_random=False))
def test_any_order_of_shards_comes_to_one_sync(
    drawn: list[tuple[str, int, int, set[tuple[str, str, int]], bool, set[int]]],
    number: int,
    chance: random.Random,
) -> None:
    """However the processes of a stage are interleaved."""
    facts = _facts(drawn)
    shards = partition(facts, number)
    order: list[str] = []
    for stage in range(3):
        queues = [list(shard.flow_runs) for shard in shards if _stage(shard) == stage]
        while queues:
            queue = chance.choice(queues)
            order.append(queue.pop(0))
            queues = [rest for rest in queues if rest]

    expected = _simulated([one.pathspec for one in _in_time(facts)], facts)

    assert sorted(order) == sorted(one.pathspec for one in facts)
    assert _simulated(order, facts) == expected


@given(_FLOW_RUNS, st.integers(1, 5), st.randoms(use_true_random=False))
def test_the_newest_of_each_name_comes_last(
    drawn: list[tuple[str, int, int, set[tuple[str, str, int]], bool, set[int]]],
    number: int,
    chance: random.Random,
) -> None:
    """Two shards that are synced at once never race for `latest` with it; any input order."""
    facts = _facts(drawn)
    shards = partition(facts, number)
    shuffled = facts[:]
    chance.shuffle(shuffled)
    place = {name: shard for shard in shards for name in shard.flow_runs}

    assert partition(shuffled, number) == shards
    for artifact in {artifact for one in facts for artifact, _ in one.names}:
        loggers = [one for one in _in_time(facts) if artifact in {name for name, _ in one.names}]
        own = place[loggers[-1].pathspec]
        others = {place[one.pathspec].name for one in loggers if _stage(place[one.pathspec]) == 1}
        assert own.name == LAST or others <= {own.name}


def test_flow_runs_are_cut_by_flow_and_time() -> None:
    """Parts take about the same work, and have one flow run after the other."""
    facts = [FlowRunFacts(f"F/{n}", "F", n, wandb_runs=9) for n in range(30)]
    facts += [FlowRunFacts(f"G/{n}", "G", n, wandb_runs=9) for n in range(10)]

    shards = partition(facts, 4)

    assert [shard.name for shard in shards] == ["1", "2", "3", "4"]
    assert [shard.flow_runs[0] for shard in shards] == ["F/0", "F/10", "F/20", "G/0"]
    assert {len(shard.flow_runs) for shard in shards} == {10}
    assert {shard.wandb_runs for shard in shards} == {90}
    assert (shards[1].since, shards[1].until) == (10, 19)


def test_equal_contents_make_few_wait() -> None:
    """One dataset in all flow runs: its first one is synced before, the newest one afterwards."""
    names = frozenset({("data", "dataset")})
    facts = [
        FlowRunFacts(f"F/{n}", "F", n, wandb_runs=1, contents=frozenset({"same"}), names=names)
        for n in range(100)
    ]

    shards = partition(facts, 4)

    assert {shard.name: len(shard.flow_runs) for shard in shards} == {
        FIRST: 1, "1": 24, "2": 25, "3": 25, "4": 24, LAST: 1
    }  # fmt: skip


def test_one_shard_has_no_others_beside_it() -> None:
    """Nor has a backfill of fewer flow runs than shards any that are empty."""
    names = frozenset({("data", "dataset")})
    facts = [FlowRunFacts(f"F/{n}", "F", n, names=names) for n in range(3)]

    assert [shard.name for shard in partition(facts, 1)] == ["1"]
    assert sum(len(shard.flow_runs) for shard in partition(facts, 50)) == 3
    assert partition([], 4) == ()


def test_stages() -> None:
    """`first` is synced alone, then all numbered ones at once, then `last` alone."""
    shards = tuple(Shard(name, (f"F/{name}",)) for name in (FIRST, "1", "2", LAST))
    plan = ShardPlan("0.1", "local", 0, {}, None, shards)

    stages = [[shard.name for shard in stage] for stage in plan.stages()]

    assert stages == [[FIRST], ["1", "2"], [LAST]]
    assert plan.flow_runs == ("F/first", "F/1", "F/2", "F/last")


def test_what_is_synced_is_in_one_shard() -> None:
    """A backfill with nothing new starts one process; one flow run that is new makes it many."""
    facts = [FlowRunFacts(f"F/{n}", "F", n, is_synced=True) for n in range(8)]
    new = FlowRunFacts("F/9", "F", 9, wandb_runs=2)

    assert [shard.name for shard in partition(facts, 4)] == ["1"]
    assert len(partition([*facts, new], 4)) > 1
