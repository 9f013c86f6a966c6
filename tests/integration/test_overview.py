"""The W&B run of a whole flow run (`--overview`), and the items of foreachs: read back from W&B."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import differences
from tests.integration.aspects import ASPECTS
from tests.integration.results import metadata_of, wandb_run
from tests.support.html_pages import ParsedPage
from tests.support.sandbox import Finished, Sandbox, end
from tests.support.wandb_server import ArtifactVersion, Incoming, RunSnapshot, WandbServer

_FLOW = "sweep_flow"
_SMALL_FLOW = "fan_flow"


@dataclass(frozen=True)
class Overview:
    """A flow run that was synced with its overview, online and by a push."""

    pathspec: str
    document: Any
    online: dict[str, RunSnapshot]
    pushed: dict[str, RunSnapshot]
    artifacts: list[ArtifactVersion]

    @property
    def run(self) -> RunSnapshot:
        """The W&B run of the whole flow run."""
        return self.online[self.pathspec]

    def table(self, key: str, name: str = "") -> list[dict[str, Any]]:
        """Return the rows of a table."""
        run = self.online["/".join(filter(None, (self.pathspec, name)))]
        document = json.loads(run.files[run.summary[key]["path"]])
        return [dict(zip(document["columns"], row, strict=True)) for row in document["data"]]

    def figure(self, key: str) -> Any:
        """Return a figure as plotly reads it."""
        from plotly import io  # noqa: PLC0415 - which is not needed at run time

        return io.from_json(self.run.files[self.run.summary[key]["path"]].decode())


@pytest.fixture(scope="module", params=["step", pytest.param("task", marks=pytest.mark.exhaustive)])
def overview(
    request: pytest.FixtureRequest,
    w_and_b: WandbServer,
    flow_run: Callable[[str], str],
    flows_root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Overview:
    """Return a flow run with its overview, for tests that only look."""
    pathspec = flow_run(_FLOW)
    folder = tmp_path_factory.mktemp(f"overview-{request.param}")
    server = {"WANDB_BASE_URL": w_and_b.base_url, "WANDB_API_KEY": w_and_b.api_key}
    report = {"MFWB_OVERVIEW_REPORT": "false"} if request.param == "task" else {}
    sandbox = Sandbox(folder, {**server, **report})
    fixed = ("--overview", "--granularity", request.param, "--entity", "acme", "--json")
    source = ("--metadata", metadata_of(flows_root))
    online, pushed = f"{folder.name}-online", f"{folder.name}-pushed"
    done = sandbox.mfwb("sync", pathspec, *fixed, *source, "--project", online)
    assert done.code == 0, done.err
    bundle = ("--project", pushed, "--mode", "offline", "--dir", "bundle")
    bundled = sandbox.mfwb("sync", pathspec, *fixed, *source, *bundle)
    assert bundled.code == 0, bundled.err
    sent = sandbox.mfwb("push", "bundle")
    assert sent.code == 0, sent.err
    either = {"step": online, "task": pushed}[request.param]  # they are compared below
    verified = sandbox.mfwb("verify", pathspec, *fixed, *source, "--project", either, "--read-data")
    assert verified.code == 0, verified.out
    runs = {
        project: {run.display_name: run for run in w_and_b.state.runs(f"acme/{project}").values()}
        for project in (online, pushed)
    }
    artifacts = w_and_b.state.artifacts(f"acme/{online}")
    return Overview(pathspec, done.document, runs[online], runs[pushed], artifacts)


def test_it_is_one_more_run(overview: Overview) -> None:
    """With the name of the flow run, in its group, after all others."""
    run = overview.run

    assert (run.job_type, run.group, run.state, run.exit_code) == (
        *("flow", overview.pathspec, "finished"),
        0,
    )
    assert sum(other.job_type == "flow" for other in overview.online.values()) == 1
    assert len({other.id for other in overview.online.values()}) == len(overview.online)


@pytest.mark.parametrize("aspect", ASPECTS)
def test_a_push_says_the_same(overview: Overview, aspect: str) -> None:
    """Field by field, as an online sync."""
    of = ASPECTS[aspect]

    assert of(overview.pushed[overview.pathspec]) == of(overview.run)


def test_values_of_all_steps(overview: Overview) -> None:
    """By step and name; of several tasks the statistics, with the one that the joins chose."""
    summary = overview.run.summary

    assert summary["end/report"] == {"accuracy": pytest.approx(1.1)}
    assert summary["group/letter"] == ["a", "b"]
    assert summary["best/accuracy"] == pytest.approx(1.1)
    assert summary["train/accuracy"] == pytest.approx(
        {"min": 0.3, "max": 1.1, "mean": 0.7, "chosen": 1.1}
    )
    assert summary["train/loss"]["chosen"] == pytest.approx(-0.1)
    assert summary["best_of_group/accuracy"]["chosen"] == pytest.approx(1.1)
    assert [row["best/accuracy"] for row in overview.run.history] == [pytest.approx(1.1)]
    assert summary["metaflow"]["state"] == "finished"
    assert summary["metaflow"]["tasks"] == {"ok": 11, "caught": 1}
    assert summary["metaflow"]["duration_seconds"] > 0


def test_parameters_and_links(overview: Overview) -> None:
    """Config has the parameters, and the ids of the W&B runs of each step."""
    config = overview.run.config
    ids = config["metaflow"]["wandb_runs"]
    linked = {
        id_ for of_step in ids.values() for id_ in ([of_step] if type(of_step) is str else of_step)
    }

    assert config["size"] == 3
    assert config["foreach_"] == "a parameter whose name mfwb uses, too"
    assert linked == {run.id for run in overview.online.values()} - {overview.run.id}


def test_final_artifacts(overview: Overview) -> None:
    """Its outputs are the versions that the steps logged, and nothing else; aliases stay."""
    logged = {
        version.name.partition(":")[0]: version
        for version in overview.run.logged
        if version.type != "run_table"
    }
    own = [version for version in overview.artifacts if not version.name.startswith("run-")]

    assert logged.keys() == {"broke", "data", "model"}
    for name, version in logged.items():
        assert not (version.logged_by or "").endswith(overview.run.id), name
        assert overview.run.path in version.producers
        with_latest = [
            one for one in own if one.name.startswith(f"{name}:") and "latest" in one.aliases
        ]
        assert len(with_latest) == 1, name


def test_it_is_in_no_account(overview: Overview) -> None:
    """Its content is a second view, so that nothing counts twice."""
    run = wandb_run(overview.document, overview.pathspec)
    totals = overview.document["totals"]

    assert run["account"] == {}
    assert run["losses"] == []
    assert sum(totals["account"]["tasks"].values()) == 12
    assert totals["account"]["artifacts"].get("lost", 0) == 0


def test_the_table_of_steps(overview: Overview) -> None:
    """A row per step, with what it used and logged."""
    rows = {row["step"]: row for row in overview.table("steps")}

    assert list(rows) == ["start", "group", "train", "best_of_group", "best", "check", "end"]
    assert (rows["train"]["tasks"], rows["train"]["state"]) == (4, "ok")
    assert rows["check"]["state"] == "caught"
    assert (rows["train"]["inputs"], rows["train"]["outputs"]) == ("data", "model")
    assert rows["start"]["wandb_run"] in {run.id for run in overview.online.values()}


def test_the_table_of_tasks(overview: Overview) -> None:
    """A row per task, with each level of its foreachs."""
    rows = [row for row in overview.table("tasks") if row["step"] == "train"]
    levels = [
        tuple(
            row[f"foreach.{name}"] for name in ("index", "item.rate", "group.index", "group.item")
        )
        for row in rows
    ]
    [retried] = [row for row in rows if row["attempts"] == 2]
    [caught] = [row for row in overview.table("tasks") if row["state"] == "caught"]

    assert levels == [(0, 0.1, 0, "a"), (1, 0.2, 0, "a"), (0, 0.1, 1, "b"), (1, 0.2, 1, "b")]
    assert retried["index"] == "1/1"
    assert caught["exception"] == "builtins.ZeroDivisionError: float division by zero"


def test_the_timeline(overview: Overview) -> None:
    """A bar per attempt, in the colour of its state, as plotly itself reads it."""
    figure = overview.figure("timeline")
    bars = {trace.name: trace for trace in figure.data}

    assert {name: len(trace.x) for name, trace in bars.items()} == {
        "ok": 11,
        "failed and caught": 1,
        "failed": 1,
    }
    assert bars["failed"].marker.color == "#d62728"
    assert list(figure.layout.yaxis.ticktext)[:3] == ["start", "group", "train"]
    assert "attempt 0" in bars["failed"].hovertext[0]


def test_the_report(overview: Overview) -> None:
    """A page about the flow run is a panel, unless a setting leaves it out."""
    panel = overview.run.summary.get("report")
    if any("/train/" in name for name in overview.online):  # at granularity task, see the fixture
        assert "report" not in overview.pushed[overview.pathspec].summary
        assert panel is None
        return
    assert panel is not None
    page = ParsedPage.of(overview.run.files[panel["path"]].decode())

    assert panel["_type"] == "html-file"
    assert page.faults() == []
    assert {overview.pathspec, "Lineage", "Timeline", "Tasks"} <= {
        text.strip() for text in page.texts
    }
    nodes = [link["class"] for link in page.all("a") if link.get("class", "").startswith("node")]
    steps = {row["step"] for row in overview.table("steps")}
    assert sum("node step" in kind for kind in nodes) == len(steps)


def test_the_lineage(overview: Overview) -> None:
    """Steps, artifacts and lines between them, as plotly itself reads it."""
    figure = overview.figure("lineage")
    traces = {trace.name: trace for trace in figure.data}

    is_merged = f"{overview.pathspec}/train" in overview.online
    models = ["model"] * (3 if is_merged else 1)  # a join logs what it picked among several
    assert list(figure.layout.yaxis2.ticktext) == ["data", *models, "broke"]
    steps = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    assert "train \N{MULTIPLICATION SIGN} 4" in steps.values()
    assert [steps[y] for y in traces["step, failed and caught"].y] == ["check"]
    assert len(traces["used"].x) == 3 * 4  # train and best use data, both joins use model


def test_a_sweep_in_config_and_tables(overview: Overview) -> None:
    """Of a W&B run per task config has index and item; of many tasks the table has columns."""
    name = f"{overview.pathspec}/train"
    if name in overview.online:
        rows = overview.table("tasks", "train")
        assert "foreach" not in overview.online[name].config
        assert [row["foreach.item.depth"] for row in rows] == [1, 2, 1, 2]
        assert [row["foreach.group.item"] for row in rows] == ["a", "a", "b", "b"]
        return
    tasks = [run for path, run in overview.online.items() if path.startswith(f"{name}/")]
    by_position = {
        (task.config["foreach"]["group"]["index"], task.config["foreach"]["index"]): task.config
        for task in tasks
    }

    assert by_position[1, 0]["foreach"] == {
        "index": 0,
        "item": {"rate": 0.1, "depth": 1, "more": '{"x": 1}'},
        "group": {"index": 1, "item": "b"},
    }
    assert "foreach" not in overview.online[f"{overview.pathspec}/start/1"].config


# --- later syncs ------------------------------------------------------------------------------


Sync = Callable[..., Finished]


def _runs(server: WandbServer, project: str) -> dict[str, RunSnapshot]:
    runs = server.state.runs(f"acme/{project}").values()
    return {run.display_name: run for run in runs}


def _statuses(done: Finished) -> list[str]:
    assert done.code == 0, done.err
    return [flow_run["status"] for flow_run in done.document["flow_runs"]]


def test_switched_on_off_and_on(
    online: Sandbox, sync: Sync, flow_run: Callable[[str], str], w_and_b: WandbServer, project: str
) -> None:
    """Switched on, one W&B run is added; switched off, it stays; no other one is touched.

    A forced sync ends in the same state.
    """
    pathspec = flow_run(_FLOW)
    location = f"acme/{project}"
    assert _statuses(sync(pathspec)) == ["synced"]
    before = _runs(w_and_b, project)

    assert _statuses(sync(pathspec, "--overview")) == ["synced"]
    with_overview = w_and_b.state.snapshot(location)
    after = {name: run for name, run in _runs(w_and_b, project).items() if name != pathspec}
    for aspect in ("config", "summary", "history", "logged", "used"):
        of = ASPECTS[aspect]
        assert {name: of(run) for name, run in after.items()} == {
            name: of(run) for name, run in before.items()
        }
    assert _statuses(sync(pathspec)) == ["unchanged"]
    assert _statuses(sync(pathspec, "--overview", "--force")) == ["synced"]
    assert differences(w_and_b.state.snapshot(location), with_overview) == []
    (online.root / "state" / "ledger.sqlite").unlink()
    rebuilt = online.mfwb("status", "--rebuild", "--json", "--project", project)
    assert rebuilt.code == 0, rebuilt.err
    assert _statuses(sync(pathspec, "--overview")) == ["unchanged"]

    assert differences(w_and_b.state.snapshot(location), with_overview) == []


@pytest.mark.exhaustive
def test_forced_at_granularity_task(
    sync: Sync, flow_run: Callable[[str], str], w_and_b: WandbServer, project: str
) -> None:
    """A forced sync ends in the state of the first one."""
    arguments = (flow_run(_FLOW), "--overview", "--granularity", "task")
    assert _statuses(sync(*arguments)) == ["synced"]
    before = w_and_b.state.snapshot(f"acme/{project}")

    assert _statuses(sync(*arguments, "--force")) == ["synced"]

    assert differences(w_and_b.state.snapshot(f"acme/{project}"), before) == []


def test_deleted_and_made_again(
    sync: Sync, flow_run: Callable[[str], str], w_and_b: WandbServer, project: str
) -> None:
    """A deleted overview stays deleted; `recreate` makes it again under another id."""
    import wandb  # noqa: PLC0415

    pathspec = flow_run(_SMALL_FLOW)
    sync(pathspec, "--overview")
    old = _runs(w_and_b, project)[pathspec]
    api = wandb.Api(overrides={"base_url": w_and_b.base_url}, api_key=w_and_b.api_key)
    api.run(old.path).delete()

    assert _statuses(sync(pathspec, "--overview")) == ["unchanged"]
    assert pathspec not in _runs(w_and_b, project)
    assert _statuses(sync(pathspec, "--overview", "--on-deleted", "recreate")) == ["synced"]
    new = _runs(w_and_b, project)[pathspec]

    assert new.id != old.id
    assert {version.digest for version in new.logged} == {version.digest for version in old.logged}


@pytest.mark.exhaustive
def test_a_kill(  # noqa: PLR0913, PLR0917 - fixtures
    online: Sandbox,
    sync: Sync,
    flow_run: Callable[[str], str],
    flows_root: Path,
    w_and_b: WandbServer,
    project: str,
) -> None:
    """A sync that was killed while it wrote the overview is completed by the next one."""
    pathspec = flow_run(_SMALL_FLOW)
    other = f"{project}-clean"
    source = ("--overview", "--metadata", metadata_of(flows_root))
    assert online.mfwb("sync", pathspec, "--project", other, *source).code == 0
    sync(pathspec)
    fault = w_and_b.hold(
        lambda request: (
            isinstance(request, Incoming)
            and request.operation == "CreateArtifact"
            and project in json.dumps(request.variables)
            and other not in json.dumps(request.variables)
        )
    )
    process = online.start_mfwb("sync", pathspec, "--project", project, *source)
    fault.wait(60)
    process.kill()
    end(process)
    w_and_b.clear_faults()

    assert _statuses(sync(pathspec, "--overview")) == ["synced"]

    clean, again = (_runs(w_and_b, name)[pathspec] for name in (other, project))
    for aspect, of in ASPECTS.items():
        assert of(again) == of(clean), aspect


def test_a_failed_flow_run(
    sync: Sync, flow_run: Callable[[str], str], w_and_b: WandbServer, project: str
) -> None:
    """Its overview is failed, and has the last artifacts of each name."""
    pathspec = flow_run("failing_flow")
    done = sync(pathspec, "--overview")

    run = _runs(w_and_b, project)[pathspec]
    verified = done.document["flow_runs"][0]["status"]

    assert verified == "synced"
    assert (run.state, run.exit_code) == ("failed", 1)
    assert run.summary["metaflow"]["state"] == "failed"
    assert run.summary["again/y"] == 2


def test_files_of_this_machine(
    online: Sandbox,
    flow_run: Callable[[str], str],
    flows_root: Path,
    w_and_b: WandbServer,
    project: str,
) -> None:
    """An included file is used; the file at a path is the version that its step logged."""
    pathspec = flow_run("shared_flow")
    fixed = ("--overview", "--project", project, "--metadata", metadata_of(flows_root))
    rules = ("--path-root", str(flows_root))
    done = online.mfwb("sync", pathspec, *fixed, *rules)
    assert done.code == 0, done.err
    verified = online.mfwb("verify", pathspec, *fixed, *rules)

    run = _runs(w_and_b, project)[pathspec]
    logged = {version.name for version in run.logged if version.type != "run_table"}
    assert verified.code == 0, verified.out
    assert logged == {"frame:v0", "path:v0"}
    assert [version.name for version in run.used] == ["words:v0"]
    assert all(
        not (version.logged_by or "").endswith(run.id)
        for version in run.logged
        if version.name in logged
    )


@pytest.mark.exhaustive
def test_a_damage_is_found(  # noqa: PLR0913, PLR0917 - fixtures
    online: Sandbox,
    sync: Sync,
    flow_run: Callable[[str], str],
    flows_root: Path,
    w_and_b: WandbServer,
    project: str,
) -> None:
    """`mfwb verify` sees what is wrong or missing, and `--repair` mends it."""
    pathspec = flow_run(_FLOW)
    sync(pathspec, "--overview")
    path = _runs(w_and_b, project)[pathspec].path
    with w_and_b.store.lock:
        damaged = w_and_b.store.projects["acme", project].runs[path.rsplit("/", 1)[1]]
        damaged.summary["train/accuracy"]["chosen"] = 7
        del damaged.summary["timeline"]
        del damaged.summary["report"]
        damaged.outputs.clear()
    fixed = ("--overview", "--project", project, "--metadata", metadata_of(flows_root), "--json")

    found = online.mfwb("verify", pathspec, *fixed)
    repaired = online.mfwb("verify", pathspec, *fixed, "--repair")

    items = {
        difference["item"].removeprefix(f"{pathspec} ")
        for difference in found.document["flow_runs"][0]["differences"]
    }
    assert found.code == 6
    expected = {"summary.train/accuracy", "summary.timeline", "summary.report"}
    assert {*expected, "final artifact model"} <= items
    assert repaired.code == 0, repaired.out
