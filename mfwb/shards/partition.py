"""The partition of flow runs into shards, so that W&B ends as after one sync. Pure.

Flow runs are cut by flow and by time into parts that take about the same work. All parts may be
synced at once, in any order, if no flow run of one has to come after one of another. One sync has
these rules, and so they are kept:

- W&B names the W&B run that logs a content first as its creator: this is the oldest flow run with
  that content. So all others with that content come after it.
- W&B gives a name the type of its first artifact: if there are several, all come after the oldest.
- A flow run comes after those that it refers to, as far as they are older: their versions exist.
- If the settings give aliases or links to artifacts of a name, the flow runs that log it are
  synced one after the other: the newest gets them.
- `latest` is the version of the newest flow run that logs a name, so that one is synced last.

What other parts have to wait for is taken out of them, and synced before, in the shard `first`;
what has to wait for other parts is synced afterwards, in the shard `last`. Whatever one of these
has to come after in turn, goes with it. All rules lead from an older flow run to a newer one, and
a shard is synced in the order of time, so that within a shard they hold by themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence

from mfwb.shards.model import FIRST, LAST, FlowRunFacts, Shard

__all__ = ["partition"]

_WORK_OF_FLOW_RUN = 1
"""What a flow run takes beside its W&B runs: so those with nothing to write are spread, too."""


def partition(flow_runs: Iterable[FlowRunFacts], number: int) -> tuple[Shard, ...]:
    """Return shards that have each flow run once; the same ones whatever the order given.

    Args:
        flow_runs: different ones.
        number: of shards beside `first` and `last`; there are fewer if flow runs are, and one if
            all are synced: more processes would only take longer to find that.
    """
    in_time = sorted(flow_runs, key=lambda facts: (facts.started_at, facts.pathspec))
    if all(facts.is_synced for facts in in_time):
        number = 1
    parts = _cut(in_time, number)
    needs = _needs(in_time)
    last = _with_dependents(_newest_of_names(in_time, parts), needs)
    first = _with_needs(
        {
            needed
            for index, older in enumerate(needs)
            for needed in older
            if index not in last and parts[index] != parts[needed]
        },
        needs,
    )
    members: dict[str, list[FlowRunFacts]] = {}
    for index, facts in enumerate(in_time):
        name = FIRST if index in first else LAST if index in last else str(parts[index] + 1)
        members.setdefault(name, []).append(facts)
    shards = [_shard(name, members[name]) for name in sorted(members, key=_by_stage)]
    return tuple(shards)


def _cut(in_time: Sequence[FlowRunFacts], number: int) -> list[int]:
    """Return the part of each flow run: by flow and time, with about the same work in each."""
    order = sorted(range(len(in_time)), key=lambda index: (in_time[index].flow, index))
    total = sum(map(_work, in_time))
    parts = [0] * len(in_time)
    done = 0
    for index in order:
        # By the middle of its work: a large one at the end of a part does not make it larger.
        middle = 2 * done + _work(in_time[index])
        parts[index] = min(number - 1, middle * number // (2 * total))
        done += _work(in_time[index])
    used = {part: position for position, part in enumerate(sorted(set(parts)))}
    return [used[part] for part in parts]


def _work(facts: FlowRunFacts) -> int:
    return _WORK_OF_FLOW_RUN + facts.wandb_runs


def _needs(in_time: Sequence[FlowRunFacts]) -> list[set[int]]:
    """Return for each flow run the older ones that it has to come after."""
    positions = {facts.pathspec: index for index, facts in enumerate(in_time)}
    types: dict[Hashable, set[str]] = {}
    for facts in in_time:
        for name, type_ in facts.names:
            types.setdefault(name, set()).add(type_)
    first_with: dict[Hashable, int] = {}
    last_ruled: dict[Hashable, int] = {}
    needs: list[set[int]] = []
    for index, facts in enumerate(in_time):
        older = {positions[other] for other in facts.others if other in positions}
        retyped = {("name", name) for name, _ in facts.names if len(types[name]) > 1}
        for key in (*(("content", content) for content in facts.contents), *retyped):
            older.add(first_with.setdefault(key, index))
        for name in facts.ruled:
            older.add(last_ruled.get(name, index))
            last_ruled[name] = index
        needs.append({needed for needed in older if needed < index})
    return needs


def _newest_of_names(in_time: Sequence[FlowRunFacts], parts: Sequence[int]) -> set[int]:
    """Return the newest flow run of each name that flow runs of several parts log."""
    newest: dict[Hashable, int] = {}
    spread: dict[Hashable, set[int]] = {}
    for index, facts in enumerate(in_time):
        for name in {name for name, _ in facts.names}:
            newest[name] = index
            spread.setdefault(name, set()).add(parts[index])
    return {index for name, index in newest.items() if len(spread[name]) > 1}


def _with_needs(start: set[int], needs: Sequence[Collection[int]]) -> set[int]:
    """Return flow runs, and all that they have to come after."""
    result: set[int] = set()
    rest = list(start)
    while rest:
        index = rest.pop()
        if index not in result:
            result.add(index)
            rest += needs[index]
    return result


def _with_dependents(start: set[int], needs: Sequence[Collection[int]]) -> set[int]:
    """Return flow runs, and all that have to come after them."""
    result = set(start)
    for index, older in enumerate(needs):  # they lead to older ones only
        if not result.isdisjoint(older):
            result.add(index)
    return result


def _by_stage(name: str) -> tuple[int, int]:
    return (0, 0) if name == FIRST else (2, 0) if name == LAST else (1, int(name))


def _shard(name: str, members: Sequence[FlowRunFacts]) -> Shard:
    return Shard(
        name,
        tuple(facts.pathspec for facts in members),
        wandb_runs=sum(facts.wandb_runs for facts in members),
        requests=sum(facts.requests for facts in members),
        since=members[0].started_at,
        until=members[-1].started_at,
    )
