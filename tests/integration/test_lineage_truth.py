"""mfwb's lineage against what the tasks of real flow runs recorded about themselves.

`make test` runs a sample of the shapes, `make test-shapes` all of them, and many random flows.
`python -m tests.support.lineage_table` prints the same as a table.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.truth.comparison import Comparison, total
from tests.support.truth.random_flow import write_flow
from tests.support.truth.shapes import SAMPLE, SHAPES
from tests.support.truth.stage import Stage

_SEEDS = range(int(os.environ.get("MFWB_RANDOM_FLOWS", "10")))


def _marks(shape: str) -> list[pytest.MarkDecorator]:
    """Let one worker do all with a shape: another one would have to wait until it was run."""
    alone = pytest.mark.xdist_group(f"shape {shape}")
    return [alone] if shape in SAMPLE else [alone, pytest.mark.exhaustive]


every_shape = pytest.mark.parametrize(
    "shape", [pytest.param(item, marks=_marks(item)) for item in SHAPES]
)
every_seed = pytest.mark.parametrize(
    "seed", [pytest.param(item, marks=pytest.mark.exhaustive if item else ()) for item in _SEEDS]
)


@pytest.fixture(scope="session")
def stage(flows_root: Path) -> Iterator[Stage]:
    """Return where the shapes are run: once for all workers."""
    with Stage.open(flows_root / "shapes") as stage:
        yield stage


def _compared(stage: Stage, shape: str) -> Comparison:
    played = stage.play(shape, SHAPES[shape])
    return total([stage.compare(flow_run) for flow_run in played.flow_runs])


@every_shape
def test_parents(stage: Stage, shape: str) -> None:
    """Each task has exactly the parents that Metaflow gave it."""
    compared = _compared(stage, shape)

    assert not compared.wrong_parents, "\n".join(compared.wrong_parents)
    assert compared.parents == compared.tasks > 0


@every_shape
def test_reads(stage: Stage, shape: str) -> None:
    """What a task read is said to be read, or is among what was available to it."""
    missed = _compared(stage, shape).missed_reads
    assert not missed, "\n".join(missed)


@every_shape
def test_producers(stage: Stage, shape: str) -> None:
    """Who is said to have written something did write it, and nobody else."""
    wrong = _compared(stage, shape).wrong_producers
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(900)  # it may have to wait for all shapes
@pytest.mark.parametrize(
    "shapes",
    [
        pytest.param(tuple(SAMPLE), id="sample"),
        pytest.param(tuple(SHAPES), id="all", marks=pytest.mark.exhaustive),
    ],
)
def test_precision(stage: Stage, shapes: tuple[str, ...]) -> None:
    """Of what is said to be read, at least 95 % was; and mostly, mfwb does know."""
    whole = total([_compared(stage, shape) for shape in shapes])

    assert whole.precision >= 0.95, "\n".join(whole.extra_reads)
    assert whole.not_known <= 0.1 * whole.tasks


@every_seed
def test_random_flows(stage: Stage, seed: int) -> None:
    """A flow of any graph, with reads, writes and merges at random: all of it is true."""
    played = stage.play(f"random {seed}", lambda here: [here.flow(write_flow(seed, here.root))])
    compared = stage.compare(*played.flow_runs)

    wrong = [
        *compared.wrong_parents,
        *compared.missed_reads,
        *compared.wrong_producers,
        *compared.extra_reads,
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.exhaustive
def test_recording_changes_nothing(stage: Stage, tmp_path: Path) -> None:
    """A flow has the very same artifacts when its tasks record what they do."""
    [watched] = stage.play("linear", SHAPES["linear"]).flow_runs
    with Stage.open(tmp_path) as elsewhere:
        unwatched = elsewhere.flow("linear", watch=False)

    assert _stored(stage.root, watched) == _stored(tmp_path, unwatched)


def _stored(root: Path, flow_run: str) -> dict[str, dict[str, str]]:
    """Return the sha1 of each artifact by task."""
    folder = root / ".metaflow" / flow_run
    return {
        file.parent.relative_to(folder).as_posix(): json.loads(file.read_text())["objects"]
        for file in sorted(folder.rglob("*.data.json"))
    }
