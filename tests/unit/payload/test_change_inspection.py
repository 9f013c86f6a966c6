"""Changed bytes are inspected where their content may still be equal."""

from __future__ import annotations

import pickle
from hashlib import sha1
from typing import Any

from mfwb.lineage import rebuild_lineage
from mfwb.payload.change_inspection import add_content_digests
from mfwb.snapshot import ArtifactRef, FlowRun
from tests.support.flow_runs import flow_run, ref, spec, task
from tests.unit.payload.memory import MemoryContents


def held(contents: MemoryContents, name: str, data: bytes, **facts: Any) -> ArtifactRef:
    """Return an artifact whose bytes are there."""
    contents.add_bytes(data, name)
    facts = {"type_": "builtins.set", "size": len(data), **facts}
    return ref(name, sha1(data, usedforsecurity=False).hexdigest(), **facts)


def forth_and_back() -> tuple[bytes, bytes]:
    """Return two pickles of the same set."""
    numbers = {8 * n for n in range(40)}
    back = set[int]()
    for number in sorted(numbers, reverse=True):
        back.add(number)
    return pickle.dumps(numbers), pickle.dumps(back)


def linear(*artifacts: ArtifactRef) -> FlowRun:
    """Return a flow run of a task for each artifact, one after the other."""
    last = len(artifacts) - 1
    return flow_run(
        *(
            task(
                f"{'start' if n == 0 else f'step{n}'}/{n}",
                to=f"step{n + 1}" if n < last else "",
                has=[item],
            )
            for n, item in enumerate(artifacts)
        )
    )


def writers(run: FlowRun) -> list[str]:
    """Return who wrote something, in order."""
    lineage = rebuild_lineage(run)
    return [pathspec for pathspec in lineage.order if lineage.writes[pathspec]]


def test_pickled_anew() -> None:
    """The same set in other bytes has but one writer; another set has another."""
    contents = MemoryContents()
    item, other = forth_and_back()
    run = linear(
        held(contents, "x", item),
        held(contents, "x", other),
        held(contents, "x", pickle.dumps({1})),
    )

    assert item != other
    assert len(writers(run)) == 3
    assert writers(add_content_digests(run, contents)) == [spec("start/0"), spec("step2/2")]


def test_only_what_changed_is_read() -> None:
    """What passes by unchanged, is new, is of another type or has one pickle only, is not read."""
    contents = MemoryContents()
    item, other = forth_and_back()
    run = flow_run(
        task(
            "start/1",
            to="end",
            has=[
                held(contents, "same", item),
                held(contents, "number", pickle.dumps(1), type_="int"),
                held(contents, "large", item, size=10**9),
                held(contents, "kind", item),
            ],
        ),
        task(
            "end/2",
            has=[
                held(contents, "same", item),
                held(contents, "number", pickle.dumps(2), type_="int"),
                held(contents, "large", other, size=10**9),
                held(contents, "kind", other, type_="list"),
                held(contents, "new", other),
            ],
        ),
    )

    assert add_content_digests(run, contents) == run
    assert contents.batches == []


def test_what_can_not_be_read_counts_as_written() -> None:
    """Bytes that are gone, or damaged."""
    contents = MemoryContents()
    item, other = forth_and_back()
    gone = linear(held(contents, "x", item), held(contents, "x", other))
    contents.blobs.popitem()
    damaged = linear(held(contents, "x", b"no pickle"), held(contents, "x", item))

    assert len(writers(add_content_digests(gone, contents))) == 2
    assert len(writers(add_content_digests(damaged, contents))) == 2
