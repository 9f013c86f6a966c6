"""`mfwb plan` and `sync --dry-run`: the truth, without a word to W&B."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree, rmtree

from tests.conftest import Resumed
from tests.integration.results import Synced, edges_of, metadata_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer

FlowRuns = Callable[[str], str]


def test_a_plan_needs_no_w_and_b(sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path) -> None:
    """Without credentials and network a plan is still made."""
    pathspec = flow_run("fan_flow")

    done = sandbox.mfwb("plan", pathspec, "--json", "--metadata", metadata_of(flows_root))

    [planned] = done.document["flow_runs"]
    assert done.code == 0, done.err
    assert planned["status"] == "planned"
    assert (planned["project"], planned["group"]) == ("FanFlow", pathspec)
    assert [run["job_type"] for run in planned["wandb_runs"]] == [
        "start",
        "many",
        "each",
        "gather",
        "once",
        "meet",
        "end",
    ]


def test_a_plan_says_what_sync_does(
    synced: Callable[..., Synced], online: Sandbox, w_and_b: WandbServer, flows_root: Path
) -> None:
    """Runs, ids, edges and outputs of a dry run are those of a sync, which it is not."""
    done = synced("fan_flow")
    before = w_and_b.state.snapshot()

    to = ("--project", done.project, "--metadata", metadata_of(flows_root))
    planned = online.mfwb("sync", done.pathspec, "--dry-run", "--json", *to)

    def told(finished: Finished) -> list[tuple[str, str, list[str]]]:
        return [
            (run["id"], run["state"], [output["name"] for output in run["outputs"]])
            for run in finished.document["flow_runs"][0]["wandb_runs"]
        ]

    assert w_and_b.state.snapshot() == before
    assert planned.document["command"] == "plan"
    assert told(planned) == told(done.finished)
    assert edges_of(planned.document) == edges_of(done.finished.document)


def test_a_plan_of_what_is_done_says_so(sync: Callable[..., Finished], flow_run: FlowRuns) -> None:
    """After a sync, a plan has nothing to do."""
    pathspec = flow_run("linear_flow")
    sync(pathspec, "--entity", "acme")

    planned = sync(pathspec, "--entity", "acme", "--dry-run")

    assert planned.document["flow_runs"][0]["status"] == "unchanged"


def test_latest_and_last(sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path) -> None:
    """Flow/latest, Flow --last N and several pathspecs choose flow runs, each once."""
    linear, fan = flow_run("linear_flow"), flow_run("fan_flow")

    def chosen(*arguments: str) -> list[str]:
        done = sandbox.mfwb("plan", *arguments, "--json", "--metadata", metadata_of(flows_root))
        return [item["pathspec"] for item in done.document["flow_runs"]]

    assert chosen("LinearFlow/latest") == [linear]
    assert chosen("FanFlow", "--last", "5") == [fan]
    assert chosen(linear, "FanFlow/latest", "LinearFlow/latest") == [linear, fan]


def test_the_default_provider_is_the_folder_of_the_flows(
    flows_root: Path, flow_run: FlowRuns, tmp_path: Path
) -> None:
    """Without --metadata, Metaflow's own configuration says where flow runs are."""
    pathspec = flow_run("linear_flow")
    sandbox = Sandbox(tmp_path, {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(flows_root)})

    done = sandbox.mfwb("plan", "LinearFlow/latest", "--json")

    assert done.document["flow_runs"][0]["pathspec"] == pathspec


def test_a_resumed_flow_run(sandbox: Sandbox, resumed: Resumed) -> None:
    """Clones of a resume are finished, say whose they are, and have the lineage of their origin."""
    where = ("--metadata", metadata_of(resumed.root))

    done = sandbox.mfwb("plan", "FanFlow", "--last", "2", "--json", *where)

    origin, resume = done.document["flow_runs"]
    assert (origin["pathspec"], resume["pathspec"]) == (resumed.origin, resumed.pathspec)
    assert [run["state"] for run in resume["wandb_runs"]] == ["finished"] * 7
    assert edges_of({"flow_runs": [origin]}) == edges_of({"flow_runs": [resume]})


def test_a_resumed_flow_run_whose_origin_was_deleted(sandbox: Sandbox, resumed: Resumed) -> None:
    """All that is its own is there, artifacts too; what only its origin had is one loss."""
    where = ("--metadata", metadata_of(sandbox.root))
    copytree(resumed.root / ".metaflow", sandbox.root / ".metaflow")
    whole = sandbox.mfwb("plan", resumed.pathspec, "--json", *where)
    rmtree(sandbox.root / ".metaflow" / resumed.origin)

    done = sandbox.mfwb("plan", resumed.pathspec, "--json", *where)

    assert (whole.code, done.code) == (0, 0), done.err
    [before], [after] = whole.document["flow_runs"], done.document["flow_runs"]
    assert [item["item"] for item in after["losses"]] == [
        f"what Metaflow recorded with {resumed.origin}"
    ]
    for name in ("name", "state", "inputs", "outputs", "summary_keys", "items"):
        assert [run[name] for run in after["wandb_runs"]] == [
            run[name] for run in before["wandb_runs"]
        ]


def test_a_plan_asks_w_and_b_nothing(
    online: Sandbox, w_and_b: WandbServer, flow_run: FlowRuns, flows_root: Path
) -> None:
    """Not even whose the key is, where there is one: the entity remains unknown."""
    before = len(w_and_b.requests_without_metrics)

    done = online.mfwb(
        "plan", flow_run("fan_flow"), "--json", "--metadata", metadata_of(flows_root)
    )

    assert done.code == 0, done.err
    assert done.document["flow_runs"][0]["entity"] is None
    assert len(w_and_b.requests_without_metrics) == before
