"""The same flow with W&B's own decorator and bare: what the decorator says, mfwb says too.

Where they differ it is by design, and a test says so.
"""

from __future__ import annotations

import uuid

import pytest

from tests.integration.parity import (
    HANDED_ON,
    OF_MORE_USE,
    Told,
    compare,
    told_by_decorator,
    told_by_mfwb,
)
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import WandbServer

pytestmark = pytest.mark.exhaustive  # the decorator takes a minute


@pytest.fixture(scope="module")
def told(w_and_b: WandbServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Told, Told]:
    """Return what the decorator and what mfwb told the server of the same flow, by task."""
    root = tmp_path_factory.mktemp("parity")
    decorated, bare = (f"p{uuid.uuid4().hex[:8]}" for _ in range(2))
    sandbox = Sandbox(root, {"WANDB_BASE_URL": w_and_b.base_url, "WANDB_API_KEY": w_and_b.api_key})
    item = sandbox.flow(
        "parity_flow", PARITY_DECORATED="1", WANDB_PROJECT=decorated, WANDB_SILENT="true"
    )
    assert item.code == 0, item.err
    other = sandbox.flow("parity_flow")
    assert other.code == 0, other.err
    synced = sandbox.mfwb(
        "sync", "ParityFlow/latest", "--granularity", "task", "--project", bare, "--json"
    )
    assert synced.code == 0, synced.err
    return told_by_decorator(w_and_b, decorated), told_by_mfwb(w_and_b, bare, synced.document)


def test_every_task_has_its_run(told: tuple[Told, Told]) -> None:
    """Both have a W&B run per task, with the step as job type."""
    decorator, mfwb = told

    assert sorted(decorator) == sorted(mfwb)
    assert sorted(mfwb) == ["end", "fit/1", "fit/2", "join", "start"]


def test_config_agrees(told: tuple[Told, Told]) -> None:
    """Parameters are the same top-level values."""
    decorator, mfwb = told

    for task, run in decorator.items():
        assert run.config == {"rate": 0.25, "label": "blue"}
        assert {name: mfwb[task].config[name] for name in run.config} == run.config


def test_summary_values_agree(told: tuple[Told, Told]) -> None:
    """What the decorator put into the summary is there with the same value."""
    decorator, mfwb = told

    for task, run in decorator.items():
        assert {name: mfwb[task].summary.get(name) for name in run.summary} == run.summary


def test_artifacts_agree(told: tuple[Told, Told]) -> None:
    """What the decorator logged is there by the same name, type and file."""
    decorator, mfwb = told

    for task, run in decorator.items():
        for name, artifact in run.artifacts.items():
            if (task, name) not in HANDED_ON:
                files = OF_MORE_USE.get((task, name), artifact[1])
                assert mfwb[task].artifacts[name][:2] == (artifact[0], files)


def test_frames_are_the_same_files(told: tuple[Told, Told]) -> None:
    """Parquet files have the digests that the decorator's have."""
    decorator, mfwb = told
    frames = [("start", "frame"), ("fit/1", "scaled"), ("fit/2", "scaled"), ("end", "result")]

    for task, name in frames:
        assert decorator[task].artifacts[name] == mfwb[task].artifacts[name]


def test_what_differs_by_design(told: tuple[Told, Told]) -> None:
    """There is more where the decorator is blind: joins, and who made what was only chosen."""
    decorator, mfwb = told

    assert decorator["join"].used == set()  # it records nothing of `inputs.x`
    # Whatever decorates this flow may read anything, so that all counts that was on offer.
    assert mfwb["join"].used >= {"model:v0", "model:v1", "scaled:v0", "scaled:v1", "frame:v0"}
    assert decorator["fit/1"].used == {"frame:v0"}  # by luck: it asks for frame:latest
    assert mfwb["fit/1"].used == {"array:v0", "frame:v0"}
    assert decorator["end"].used == {"model:v2"}  # the join's, though a sibling made it
    assert mfwb["end"].used < {"model:v0", "model:v1"}


def test_the_table_of_parity(told: tuple[Told, Told], capsys: pytest.CaptureFixture[str]) -> None:
    """The comparison, printed with `-s`, has no unexplained difference."""
    decorator, mfwb = told

    rows = compare(decorator, mfwb)
    with capsys.disabled():
        print("\n" + "\n".join(rows))  # noqa: T201 - it is what the test is for

    assert [row for row in rows if row.endswith("DIFFERS")] == []
