"""Further checkpoints of tasks as versions of one W&B artifact per name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mfwb.item_counts import count_items
from mfwb.planning.checkpoint_series import VERSIONS_LIMIT
from mfwb.snapshot import FlowRun
from mfwb.snapshot.checkpoints import StoredReference, parse_reference
from tests.support.flow_runs import flow_run, ref, task
from tests.unit.planning.plans import runs_of
from tests.unit.snapshot.test_checkpoints import CHECKPOINT


def _saved(number: int) -> StoredReference:
    """Return a checkpoint that the task of `train` saved."""
    reference = parse_reference(CHECKPOINT, "F")
    assert reference is not None
    return replace(reference, key=f"{reference.key}.{number}", version=number)


def _flow_run(count: int, *kept: int) -> FlowRun:
    """Return a flow run whose step `train` saved checkpoints, and refers to some of them."""
    saved = tuple(map(_saved, range(count)))
    held = [ref(f"last{at}", f"{at}", type_="dict", reference=saved[at]) for at in kept]
    return flow_run(
        task("start/1", to="train"),
        task("train/2", to="end", has=held, saved=saved),
        task("end/3"),
    )


def _versions(run: FlowRun, **settings: Any) -> list[tuple[int | None, tuple[str, ...]]]:
    """Return number and aliases of each version that `train` logs of `train-epochs`."""
    train = runs_of(run, **settings)["train"]
    planned = [
        (train.checkpoint(output.files[0].content), output.aliases)
        for output in train.outputs
        if output.name == "train-epochs"
    ]
    return [(own.reference.version if own else None, aliases) for own, aliases in planned]


def test_a_version_for_each() -> None:
    """In the order of saving; the last one has the aliases. The account counts none of them."""
    run = _flow_run(3, 2)
    train = runs_of(run)["train"]

    assert _versions(run) == [(0, ()), (1, ()), (2, ("latest", "run-7"))]
    assert [len(output.written_files) for output in train.outputs] == [1, 0, 0, 0]
    assert count_items(train, (), ()).total == 1


def test_none_if_artifacts_refer_to_all() -> None:
    """What W&B has under the names of the artifacts is not logged once more."""
    assert _versions(_flow_run(2, 0, 1)) == []
    assert _versions(_flow_run(0)) == []


def test_switched_off() -> None:
    """They are models."""
    assert _versions(_flow_run(3, 2), models=False) == []


def test_the_latest_of_many() -> None:
    """The older ones are a loss that has their number."""
    run = _flow_run(VERSIONS_LIMIT + 2)

    assert [number for number, _ in _versions(run)] == [*range(2, VERSIONS_LIMIT + 2)]
    [loss] = runs_of(run)["train"].losses
    assert loss.item == "checkpoints train-epochs of DemoFlow/7/train"
    assert loss.reason.startswith("2 older ones")


def test_too_large() -> None:
    """Each that is too large is a loss, and the account does not count it."""
    train = runs_of(_flow_run(2), max_artifact_size="5B")["train"]

    assert [output.name for output in train.outputs] == []
    assert len(train.losses) == 2
    assert count_items(train, train.losses, ()).total == 0
