"""`mfwb sync` to a server, more than once and under difficulties."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.results import losses_of, run_id_of, wandb_run
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer

Sync = Callable[..., Finished]
FlowRuns = Callable[[str], str]


def test_a_second_sync_writes_nothing(sync: Sync, w_and_b: WandbServer, flow_run: FlowRuns) -> None:
    """Syncing again says that nothing changed, and opens no W&B run."""
    pathspec = flow_run("two_flow")
    sync(pathspec)
    before = w_and_b.state.snapshot()
    w_and_b.clear_requests()

    done = sync(pathspec)

    assert done.document["flow_runs"][0]["status"] == "unchanged"
    assert w_and_b.count("UpsertBucket") == 0
    assert w_and_b.state.snapshot() == before


@pytest.mark.exhaustive  # test_once.py has it in bulk
def test_without_its_ledger_a_second_sync_writes_nothing(
    sync: Sync, w_and_b: WandbServer, flow_run: FlowRuns, tmp_path: Path
) -> None:
    """Another machine finds the W&B runs complete, and leaves them alone."""
    pathspec = flow_run("fan_flow")
    first = sync(pathspec)
    before = w_and_b.state.snapshot()
    w_and_b.clear_requests()

    done = sync(pathspec, MFWB_STATE_DIR=str(tmp_path / "elsewhere"))

    assert done.code == 0, done.err
    assert w_and_b.count("UpsertBucket") == 0
    assert w_and_b.state.snapshot() == before
    assert _outputs(done) == _outputs(first)


def test_force_writes_again_and_adds_nothing(
    sync: Sync, w_and_b: WandbServer, flow_run: FlowRuns
) -> None:
    """Writing over an existing W&B run makes no second version and no second history row."""
    pathspec = flow_run("fan_flow")
    sync(pathspec)
    before = w_and_b.state.snapshot()

    done = sync(pathspec, "--force")

    assert done.document["flow_runs"][0]["status"] == "synced"
    assert _settled(w_and_b.state.snapshot()) == _settled(before)


def test_one_bad_artifact_does_not_spoil_the_rest(
    sync: Sync, w_and_b: WandbServer, project: str, flow_run: FlowRuns
) -> None:
    """An artifact that does not arrive is a loss, found by waiting for it; the others arrive."""
    w_and_b.fail(_creates("side"), status=400, times=None)

    done = sync(flow_run("fan_flow"))

    w_and_b.clear_faults()
    again = sync(flow_run("fan_flow"))
    items = done.document["totals"]["items"]
    lost = {loss["item"].rsplit("/", 1)[-1] for loss in losses_of(done.document)}
    assert done.code == 1, done.err
    assert "side" in lost
    assert "returned error 400" in done.document["flow_runs"][0]["reason"]
    assert again.code == 0, again.err
    assert w_and_b.state.artifact(f"acme/{project}/total:latest").files
    assert items["lost"] == 1
    assert items["total"] == sum(count for name, count in items.items() if name != "total")
    # It is not taken for done: the next sync brings it, and the edges to it.
    assert losses_of(again.document) == []
    assert len(w_and_b.state.artifact(f"acme/{project}/side:v0").used_by) == 1


@pytest.mark.exhaustive
def test_a_name_of_another_type(
    sync: Sync, w_and_b: WandbServer, online: Sandbox, project: str, flow_run: FlowRuns
) -> None:
    """Of a name that W&B keeps for another type, the artifact gets one with its own type."""
    code = (
        "import wandb\n"
        f"run = wandb.init(project={project!r})\n"
        "artifact = wandb.Artifact('side', type='model')\n"
        "with artifact.new_file('x') as file:\n"
        "    file.write('content')\n"
        "run.log_artifact(artifact).wait()\n"
        "run.finish()\n"
    )
    assert online.python(code).code == 0

    done = sync(flow_run("fan_flow"))

    assert done.code == 0, done.err
    assert losses_of(done.document) == []
    assert w_and_b.state.artifact(f"acme/{project}/side:v0").type == "model"
    assert w_and_b.state.artifact(f"acme/{project}/side-dataset:v0").type == "dataset"


def test_an_entity_that_is_not_there_is_named(sync: Sync, project: str, flow_run: FlowRuns) -> None:
    """It is the wrong place, not the flow run's fault: exit code 4, and the place is said."""
    done = sync(flow_run("two_flow"), "--entity", "nobody")

    assert done.code == 4, done.err
    assert f"nobody/{project}" in done.document["flow_runs"][0]["reason"]


def test_a_foreign_run_of_that_id_is_left_alone(
    sync: Sync, w_and_b: WandbServer, online: Sandbox, project: str, flow_run: FlowRuns
) -> None:
    """A W&B run of the planned id that mfwb did not write is never touched."""
    pathspec = flow_run("two_flow")
    run_id = run_id_of(sync(pathspec, "--dry-run").document, f"{pathspec}/end")
    code = (
        "import wandb\n"
        f"run = wandb.init(project={project!r}, id={run_id!r}, config={{'mine': 1}})\n"
        "run.finish()\n"
    )
    assert online.python(code).code == 0
    before = w_and_b.state.snapshot()

    done = sync(pathspec)

    assert done.code == 1
    assert "another source" in done.document["flow_runs"][0]["reason"]
    assert w_and_b.state.snapshot() == before


def test_a_failed_upload_is_mended_by_the_next_sync(
    sync: Sync, w_and_b: WandbServer, flow_run: FlowRuns, project: str
) -> None:
    """A W&B run that could not be opened fails its flow run; the next sync completes it."""
    pathspec = flow_run("two_flow")
    w_and_b.fail(_opens("/end"), status=400, times=1)

    broken = sync(pathspec)
    mended = sync(pathspec)

    run_id = run_id_of(mended.document, f"{pathspec}/end")
    assert broken.code == 1
    assert broken.document["flow_runs"][0]["status"] == "failed"
    assert mended.code == 0, mended.err
    assert w_and_b.state.run(f"acme/{project}/{run_id}").state == "finished"


def test_variables_about_one_run_do_not_leak(
    sync: Sync, w_and_b: WandbServer, project: str, flow_run: FlowRuns
) -> None:
    """WANDB_NAME and its like are not put on replayed runs, while WANDB_ENTITY holds."""
    pathspec = flow_run("two_flow")

    done = sync(
        pathspec,
        WANDB_NAME="leak",
        WANDB_NOTES="leak",
        WANDB_TAGS="leak",
        WANDB_RUN_GROUP="leak",
        WANDB_JOB_TYPE="leak",
        WANDB_RUN_ID="leak",
        WANDB_RESUME="must",
        WANDB_IGNORE_GLOBS="*.json",
        WANDB_LAUNCH="true",
        WANDB__UPDATE_FINISH_STATE="false",
        WANDB__PRIMARY="false",
        WANDB_FORK_FROM="other?_step=1",
        WANDB_ENTITY="acme",
    )

    assert done.code == 0, done.err
    run_id = run_id_of(done.document, f"{pathspec}/end")
    run = w_and_b.state.run(f"acme/{project}/{run_id}")
    assert run.display_name == f"{pathspec}/end"
    assert (run.group, run.job_type, run.tags) == (pathspec, "end", ())
    assert "leak" not in (run.notes or "")


def test_settings_reach_wandb(
    sync: Sync, online: Sandbox, w_and_b: WandbServer, project: str, flow_run: FlowRuns
) -> None:
    """mfwb.toml decides per flow and per step, and [settings] goes into wandb.Settings."""
    (online.root / "mfwb.toml").write_text(
        """
        [settings]
        run_tags = ["nightly"]

        [flow.FanFlow.settings]
        run_group = "fans"

        [flow.FanFlow.step.end]
        datasets = false

        [flow.FanFlow.step.end.settings]
        run_job_type = "report"
        run_notes = "the last step"
        """,
        encoding="utf-8",
    )
    pathspec = flow_run("fan_flow")

    done = sync(pathspec)

    end = wandb_run(done.document, f"{pathspec}/end")
    run = w_and_b.state.run(f"acme/{project}/{end['id']}")
    assert done.code == 0, done.err
    assert (run.group, run.job_type, run.tags) == ("fans", "report", ("nightly",))
    notes = run.notes or ""
    assert notes.startswith("the last step\n\n```text\nMake the last frame.")
    assert f'step = Step("{pathspec}/end")' in notes
    assert end["switched_off"] == ["total"]
    assert end["outputs"] == []


def test_nothing_is_left_behind(sync: Sync, online: Sandbox, flow_run: FlowRuns) -> None:
    """An online sync leaves a ledger and nothing else: no wandb folder, no cached bytes."""
    sync(flow_run("fan_flow"))

    left = {
        str(path.relative_to(online.root))
        for path in online.root.rglob("*")
        if path.is_file() and ".pyc" not in path.name
    }
    assert {name for name in left if not name.startswith("state/locks/")} == {"state/ledger.sqlite"}


def _creates(name: str) -> Callable[[Any], bool]:
    def matches(request: Any) -> bool:
        return request.operation == "CreateArtifact" and f"'{name}'" in str(request.variables)

    return matches


def _opens(ending: str) -> Callable[[Any], bool]:
    def matches(request: Any) -> bool:
        return request.operation == "UpsertBucket" and f"{ending}'" in str(request.variables)

    return matches


def _outputs(finished: Finished) -> dict[str, list[tuple[str, str]]]:
    return {
        run["name"]: sorted((output["name"], output["digest"]) for output in run["outputs"])
        for run in finished.document["flow_runs"][0]["wandb_runs"]
    }


def _settled(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Leave out what W&B's SDK sets anew: the last step it was told, and the ids of tables."""
    for run in snapshot["runs"].values():
        run["summary"].pop("_step", None)
        for value in run["summary"].values():
            if isinstance(value, dict) and value.get("_type") == "table-file":
                value.pop("artifact_path")
                value.pop("_latest_artifact_path")
    return snapshot
