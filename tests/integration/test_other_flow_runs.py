"""What a flow run reads of other flow runs: W&B runs use what those logged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from wandb.proto import wandb_internal_pb2 as pb

from mfwb.sink.offline.wandb_file import read_records
from tests.integration.results import edges_of, losses_of, run_id_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer

_MAKING = """
from metaflow import FlowSpec, step
import pandas as pd

class MakingFlow(FlowSpec):
    @step
    def start(self):
        self.table = pd.DataFrame({"a": [1]})
        self.draft = pd.DataFrame({"b": [2]})
        self.score = 0.5
        self.next(self.end)

    @step
    def end(self):
        self.draft = None

if __name__ == "__main__":
    MakingFlow()
"""

_READING = """
from metaflow import FlowSpec, Flow, Parameter, Run, current, namespace, step, trigger_on_finish

@trigger_on_finish(flow="MakingFlow")
class ReadingFlow(FlowSpec):
    up = Parameter("up", required=True)

    @step
    def start(self):
        namespace(None)
        made = current.trigger.run
        self.rows = len(made.data.table) + made.data.score
        self.columns = len(Run(self.up)["start"].task.data.draft.columns)
        self.next(self.look)

    @step
    def look(self):
        self.more = len(Run("{made}")["start"].task.data.draft)
        newest = Flow("MakingFlow").latest_run
        self.newest = {"id": newest.id, "rows": len(newest.data.table)}
        self.next(self.end)

    @step
    def end(self):
        try:
            self.latest = len(Flow("MakingFlow").latest_run.data.table)
            Run("MakingFlow/9").data.table
        except Exception as error:
            print(type(error))

if __name__ == "__main__":
    ReadingFlow()
"""


@dataclass(frozen=True)
class Both:
    """A flow run, and one that was triggered by it."""

    sandbox: Sandbox
    made: str
    reading: str

    def sync(self, *more: str) -> Finished:
        """Sync flow runs, or say what else there is to say."""
        return self.sandbox.mfwb("sync", *more, "--json")


def _ran(
    sandbox: Sandbox, name: str, source: str, *arguments: str, before: tuple[str, ...] = ()
) -> str:
    script = sandbox.root / f"{name}.py"
    script.write_text(source, encoding="utf-8")
    command = (str(script), "--quiet", *before, "run", "--run-id-file", "id.txt")
    done = sandbox.script(*command, *arguments)
    assert done.code == 0, done.err
    return f"{name}/{(sandbox.root / 'id.txt').read_text(encoding='utf-8')}"


def _record_trigger(sandbox: Sandbox, reading: str, made: str) -> None:
    """Record as Argo Workflows does which flow run started another one; nothing local does."""
    [meta, *_] = (sandbox.root / ".metaflow" / reading / "start").glob("*/_meta/sysmeta_origin*")
    known = json.loads(meta.read_text(encoding="utf-8"))
    [end] = (sandbox.root / ".metaflow" / made / "end").glob("[0-9]*")
    event = {"type": "run", "id": f"{made}/end/{end.name}", "name": "metaflow.MakingFlow.end"}
    known |= {"field_name": "execution-triggers", "type": "execution-triggers"}
    known["value"] = json.dumps([event])
    target = meta.with_name("sysmeta_execution-triggers_1.json")
    target.write_text(json.dumps(known), encoding="utf-8")


@pytest.fixture(scope="module")
def both(w_and_b: WandbServer, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Return two flow runs; the second reads what the first one made."""
    sandbox = Sandbox(
        tmp_path_factory.mktemp("both"),
        {"WANDB_BASE_URL": w_and_b.base_url, "WANDB_API_KEY": w_and_b.api_key},
    )
    made = _ran(sandbox, "MakingFlow", _MAKING)
    source = _READING.replace("{made}", made)
    reading = _ran(sandbox, "ReadingFlow", source, "--up", made, before=("--trigger", made))
    _record_trigger(sandbox, reading, made)
    return Both(sandbox, made, reading)


def _used_offline(folder: Path) -> Iterator[pb.ArtifactRecord]:
    [path] = folder.glob("run-*.wandb")
    for record in read_records(path):
        if record.HasField("artifact") and record.artifact.use_after_commit:
            yield record.artifact


def _folder(document: Any, name: str) -> Path:
    [result] = [
        run["dir"]
        for item in document["flow_runs"]
        for run in item["wandb_runs"]
        if run["name"] == name
    ]
    return Path(result)


@pytest.fixture
def config(tmp_path: Path, project: str) -> str:
    """Return a settings file by which each flow has a project of its own."""
    path = tmp_path / "two.toml"
    path.write_text(
        f'[flow.MakingFlow]\nproject = "{project}-m"\n'
        f'[flow.ReadingFlow]\nproject = "{project}-r"\n',
        encoding="utf-8",
    )
    return str(path)


def test_online(both: Both, w_and_b: WandbServer, project: str, config: str) -> None:
    """Each flow has its project; the versions used are those that the other flow run logged."""
    making, reading = f"acme/{project}-m", f"acme/{project}-r"
    made = both.sync(both.made, "--config", config)
    assert made.code == 0, made.err
    done = both.sync(both.reading, "--config", config)

    assert done.code == 0, done.err
    steps, names = ("start", "look"), ("draft", "table")
    assert edges_of(done.document) == {(step, name, "start") for step in steps for name in names}
    maker = run_id_of(made.document, f"{both.made}/start")
    users = {f"{reading}/{run_id_of(done.document, f'{both.reading}/{step}')}" for step in steps}
    for user in users:
        used = sorted(item.path for item in w_and_b.state.run(user).used)
        assert used == [f"{making}/{name}:v0" for name in names]
    for name in names:
        version = w_and_b.state.artifact(f"{making}/{name}:v0")
        assert version.logged_by == f"{making}/{maker}"
        assert set(version.used_by) == users
    end = run_id_of(done.document, f"{both.reading}/end")
    reported = w_and_b.state.run(f"{reading}/{end}").config["metaflow"]
    assert reported["triggered_by"] == [both.made]
    newest = {"kind": "flow", "pathspec": "MakingFlow", "artifact": "table"}
    assert newest in reported["external_inputs"]


def test_the_whole_flow_run(both: Both, w_and_b: WandbServer, project: str, config: str) -> None:
    """Its W&B run uses what its steps used of other flow runs, and verifies."""
    making, reading = f"acme/{project}-m", f"acme/{project}-r"
    assert both.sync(both.made, "--config", config, "--overview").code == 0
    done = both.sync(both.reading, "--config", config, "--overview")
    assert done.code == 0, done.err
    verified = both.sandbox.mfwb("verify", both.reading, "--config", config, "--overview")

    whole = w_and_b.state.run(f"{reading}/{run_id_of(done.document, both.reading)}")
    used = sorted(item.path for item in whole.used)
    assert used == [f"{making}/{name}:v0" for name in ("draft", "table")]
    assert verified.code == 0, verified.out


def test_not_synced_yet(both: Both, config: str) -> None:
    """The W&B run is written, and what it can't use is said."""
    done = both.sync(both.reading, "--config", config)

    assert done.code == 0, done.err
    reason = f"{both.made}/start has not logged it in W&B; sync that first"
    assert {item["item"]: item["reason"] for item in losses_of(done.document)} == {
        **{
            f"use of {name} by {both.reading}/{step}": reason
            for step in ("start", "look")
            for name in ("draft", "table")
        },
        f"use of table by {both.reading}/end": "there is no MakingFlow/9 in "
        f"local@{both.sandbox.root}",
    }
    assert edges_of(done.document) == set()  # what is lost is not shown as used


def test_offline(both: Both, tmp_path: Path) -> None:
    """In one project and one bundle, levels go on where those of the other flow run end."""
    where = (
        "--mode",
        "offline",
        "--dir",
        str(tmp_path / "bundle"),
        "--entity",
        "acme",
        "--project",
        "one",
    )
    made = both.sync(both.made, *where)
    assert made.code == 0, made.err
    done = both.sync(both.reading, *where)

    assert done.code == 0, done.err
    folder = _folder(done.document, f"{both.reading}/start")
    assert folder.parts[-3] == "level-01"
    used = next(item for item in _used_offline(folder) if item.name == "table")
    [logged] = [
        record.artifact
        for record in read_records(
            next(_folder(made.document, f"{both.made}/start").glob("run-*.wandb"))
        )
        if record.HasField("artifact") and record.artifact.name == "table"
    ]
    assert (used.name, used.digest, used.project) == ("table", logged.digest, "one")


@pytest.mark.exhaustive
def test_offline_elsewhere(both: Both, tmp_path: Path) -> None:
    """Of another project, offline, a W&B run can't use anything; of another bundle neither."""
    where = ("--mode", "offline", "--dir", str(tmp_path / "bundle"), "--entity", "acme")
    apart = both.sync(both.reading, *where)
    alone = both.sync(both.reading, *where, "--project", "one")

    reasons = {item["reason"] for item in losses_of(apart.document)}
    assert (apart.code, alone.code) == (0, 0), alone.err
    assert any("is in another W&B project, acme/MakingFlow" in reason for reason in reasons)
    reasons = {item["reason"] for item in losses_of(alone.document)}
    assert f"{both.made}/start is not in this bundle; sync it into the bundle first" in reasons


def test_lineage(both: Both) -> None:
    """The tree, the chart and the document name who made it."""
    tree = both.sandbox.mfwb("lineage", both.reading)
    chart = both.sandbox.mfwb("lineage", both.reading, "--format", "mermaid")
    document = both.sandbox.mfwb("lineage", both.reading, "--format", "json").document

    [start] = (both.sandbox.root / ".metaflow" / both.made / "start").glob("[0-9]*")
    maker = f"{both.made}/start/{start.name}"
    assert f"{maker}  another flow run" in tree.out
    assert f'outside1[("{both.made}")]' in chart.out
    external = [edge for edge in document["edges"] if edge["producer"] == maker]
    result = {
        (edge["consumer"].split("/")[2], edge["artifact"], edge["ground"]) for edge in external
    }
    assert result == {
        ("start", "table", "read"),
        ("start", "score", "read"),
        ("start", "draft", "read"),  # of the flow run that a parameter names
        ("look", "draft", "read"),
        ("look", "table", "available"),  # of the latest one, whose id the step wrote down
    }
