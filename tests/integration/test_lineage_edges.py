"""Edges in W&B: each pinned to the version that its producer logged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.results import Synced, edges_of

SyncedFlow = Callable[..., Synced]


def test_edges_of_split_foreach_and_join(synced: SyncedFlow) -> None:
    """Every step uses what its code reads, from whoever wrote it; not what it merely merges."""
    fan = synced("fan_flow")

    assert edges_of(fan.finished.document) == {
        ("each", "base", "start"),
        ("gather", "part", "each"),
        ("end", "part", "gather"),
        ("end", "side", "once"),
    }


def test_the_server_has_these_edges(synced: SyncedFlow) -> None:
    """W&B's own lineage says the same: versions, their producer and their users."""
    fan = synced("fan_flow")

    candidates, picked = fan.artifact("part:v0"), fan.artifact("part:v1")
    assert candidates.logged_by == fan.run("each").path
    assert candidates.used_by == (fan.run("gather").path,)
    assert picked.logged_by == fan.run("gather").path
    assert picked.used_by == (fan.run("end").path,)


def test_who_logs_what_joins_pass_on(synced: SyncedFlow) -> None:
    """A join logs what it picks among siblings, by itself; what it only merges, it does not log."""
    fan = synced("fan_flow")

    assert {version.name for version in fan.run("gather").logged} == {"part:v1"}
    assert {version.name for version in fan.run("meet").logged} == set()
    assert {used.path for used in fan.run("end").used} == {
        f"acme/{fan.project}/part:v1",
        f"acme/{fan.project}/side:v0",
    }


def test_tasks_have_edges_of_their_own(synced: SyncedFlow) -> None:
    """With granularity `task` what a join reads, `inputs[1].part`, is that of one sibling."""
    fan = synced("fan_flow", "--granularity", "task")

    edges = edges_of(fan.finished.document)
    runs = fan.finished.document["flow_runs"][0]["wandb_runs"]
    each = [run["name"].split("/", 2)[2] for run in runs if run["job_type"] == "each"]
    chosen = {
        producer for consumer, name, producer in edges if (consumer[:4], name) == ("end/", "part")
    }
    read = {
        producer
        for consumer, name, producer in edges
        if (consumer[:7], name) == ("gather/", "part")
    }
    assert read == {each[1]}
    assert chosen == {each[1]}


@pytest.mark.parametrize("granularity", ["step", "task"])
def test_levels_put_producers_first(synced: SyncedFlow, granularity: str) -> None:
    """No W&B run uses an artifact of one that is listed after it."""
    fan = synced("fan_flow", "--granularity", granularity)

    seen: set[str] = set()
    for run in fan.finished.document["flow_runs"][0]["wandb_runs"]:
        assert {used["producer"] for used in run["inputs"]} <= seen
        seen.add(run["name"])
