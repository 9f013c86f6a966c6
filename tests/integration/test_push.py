"""`mfwb push`: a bundle on a server is what an online sync makes there, whatever comes between."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.faults.scene import differences
from tests.integration.aspects import ASPECTS
from tests.integration.results import Synced, metadata_of, run_id_of
from tests.support.copies.tagging import tag_flow_run
from tests.support.sandbox import Finished, Sandbox, end
from tests.support.wandb_server import Incoming, RunSnapshot, WandbServer

FlowRuns = Callable[[str], str]

_PATIENCE = 60  # seconds


@dataclass(frozen=True)
class Pushing:
    """A bundle, and a server to which it is pushed."""

    sandbox: Sandbox
    server: WandbServer
    bundle: Path
    pathspec: str
    flow_runs: Path

    def sync(self, *arguments: str) -> Finished:
        """Sync into the bundle."""
        to = ("--mode", "offline", "--dir", str(self.bundle), "--entity", "acme")
        where = ("--project", "push", "--metadata", metadata_of(self.flow_runs), "--json")
        done = self.sandbox.mfwb("sync", *to, *where, *(arguments or (self.pathspec,)))
        assert done.code == 0, done.err
        return done

    @property
    def command(self) -> tuple[str, ...]:
        """What pushes it."""
        return ("push", str(self.bundle), "--json")

    def push(self, *arguments: str) -> Finished:
        """Push it."""
        return self.sandbox.mfwb(*self.command, *arguments)

    def run(self, step: str) -> RunSnapshot:
        """Return what is on the server of a step."""
        runs = self.server.state.runs("acme/push").values()
        [result] = [run for run in runs if run.display_name == f"{self.pathspec}/{step}"]
        return result

    def snapshot(self) -> dict[str, Any]:
        """Return all that is on the server."""
        return self.server.state.snapshot("acme/push")


@pytest.fixture(scope="module")
def bundled(
    flow_run: FlowRuns, flows_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """Return a flow run, and a folder with its records and a bundle of it, for copies."""
    pathspec = flow_run("linear_flow")
    folder = tmp_path_factory.mktemp("bundled")
    flow = pathspec.split("/")[0]
    for location in (".metaflow", "data"):  # the latter has included files
        shutil.copytree(flows_root / location / flow, folder / "flow-runs" / location / flow)
    to = ("--mode", "offline", "--dir", str(folder / "bundle"), "--entity", "acme")
    where = ("--project", "push", "--metadata", metadata_of(folder / "flow-runs"))
    done = Sandbox(folder).mfwb("sync", pathspec, *to, *where)
    assert done.code == 0, done.err
    return pathspec, folder


@pytest.fixture
def pushing(bundled: tuple[str, Path], tmp_path: Path) -> Iterator[Pushing]:
    """Return a copy of a bundle, with a server of its own."""
    with WandbServer() as server:
        yield _pushing(bundled, tmp_path, server)


def _pushing(bundled: tuple[str, Path], folder: Path, server: WandbServer) -> Pushing:
    pathspec, origin = bundled
    shutil.copytree(origin / "bundle", folder / "bundle")
    at = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
    return Pushing(Sandbox(folder, at), server, folder / "bundle", pathspec, origin / "flow-runs")


@pytest.fixture(scope="module")
def clean(bundled: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what is on a server after one push that nothing disturbed."""
    with WandbServer() as server:
        pushing = _pushing(bundled, tmp_path_factory.mktemp("clean"), server)
        done = pushing.push()
        assert done.code == 0, done.err
        assert server.surprises == []
        return pushing.snapshot()


@pytest.fixture(
    scope="module",
    params=["fan_flow", pytest.param("failing_flow", marks=pytest.mark.exhaustive)],
)
def both(
    request: pytest.FixtureRequest,
    synced: Callable[..., Synced],
    flows_root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, dict[str, RunSnapshot]]:
    """Return the W&B runs of one flow run by name: synced online, and pushed."""
    online = synced(request.param)
    server, folder = online.server, tmp_path_factory.mktemp("both")
    at = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
    sandbox, project = Sandbox(folder, at), folder.name
    to = ("--mode", "offline", "--dir", "bundle", "--entity", "acme", "--project", project)
    done = sandbox.mfwb("sync", online.pathspec, *to, "--metadata", metadata_of(flows_root))
    assert done.code == 0, done.err
    done = sandbox.mfwb("push", "bundle")
    assert done.code == 0, done.err
    locations = {"online": f"acme/{online.project}", "pushed": f"acme/{project}"}
    return {
        way: {run.display_name: run for run in server.state.runs(location).values()}
        for way, location in locations.items()
    }


def test_all_runs_are_there(both: dict[str, dict[str, RunSnapshot]]) -> None:
    """By the same names."""
    assert both["online"]
    assert both["pushed"].keys() == both["online"].keys()


@pytest.mark.parametrize("aspect", [*ASPECTS, "aliases", "mark"])
def test_it_is_as_synced_online(both: dict[str, dict[str, RunSnapshot]], aspect: str) -> None:
    """Field by field."""
    of = {"aliases": _aliases, "mark": _mark, **ASPECTS}[aspect]
    pushed = {name: of(run) for name, run in both["pushed"].items()}
    online = {name: of(run) for name, run in both["online"].items()}

    assert pushed == online


def _aliases(run: RunSnapshot) -> dict[str, tuple[str, ...]]:
    """Return the aliases but for names that several W&B runs log: the last one has them."""
    names = [item.name.partition(":")[0] for item in run.logged]
    return {
        item.name: tuple(sorted(item.aliases))
        for item in run.logged
        if item.version == "v0" and names.count(item.name) == 1
    }


def _mark(run: RunSnapshot) -> Any:
    """Return what the mark says, but for what knows the project or the order of arrival."""
    receipt = json.loads(run.summary["mfwb"]["receipt"])
    for output in receipt.get("outputs", ()):
        output.pop("version")
    return sorted(run.summary["mfwb"]), receipt


def test_a_second_push_asks_nothing(pushing: Pushing) -> None:
    """What is pushed is known without a request."""
    first = pushing.push()
    before = pushing.snapshot()
    pushing.server.clear_requests()

    second = pushing.push()

    assert [first.code, second.code] == [0, 0], first.err + second.err
    assert [_status(first), _status(second)] == ["synced", "unchanged"]
    assert second.document["command"] == "push"
    assert pushing.server.requests == []
    assert pushing.snapshot() == before


@pytest.mark.exhaustive
def test_without_its_ledger_nothing_is_sent_again(pushing: Pushing) -> None:
    """W&B itself says what is complete, as when a copy of the bundle was pushed elsewhere."""
    shutil.copytree(pushing.bundle, pushing.sandbox.root / "copy")
    pushing.push()
    before = pushing.snapshot()
    pushing.server.clear_requests()

    done = pushing.sandbox.mfwb("push", "copy", "--json")

    assert (done.code, _status(done)) == (0, "unchanged"), done.err
    assert pushing.server.count("UpsertBucket") == 0
    assert pushing.snapshot() == before


@pytest.mark.exhaustive
def test_new_tags_are_pushed_and_nothing_else(pushing: Pushing) -> None:
    """A flow run that was synced into the bundle again changes its words in place."""
    pushing.push()
    rows = pushing.run("start").history
    tag_flow_run(pushing.flow_runs, pushing.pathspec, "late", at_ms=1_800_000_000_000)
    pushing.sync()
    pushing.server.clear_requests()

    done = pushing.push()

    assert (done.code, _status(done)) == (0, "synced"), done.err
    assert all("late" in pushing.run(step).tags for step in ("start", "middle", "end"))
    assert pushing.run("start").history == rows
    assert pushing.server.count("file_stream") == 0
    assert pushing.server.count("CreateArtifact") == 0


@pytest.mark.exhaustive
def test_new_settings_add_no_row_and_no_version(pushing: Pushing) -> None:
    """What has to be written again is, without what W&B would only append."""
    pushing.push()
    before = pushing.snapshot()
    complete = pushing.run("start").summary["mfwb"]["complete"]
    pushing.sync(pushing.pathspec, "--no-datasets")

    done = pushing.push()

    assert (done.code, _status(done)) == (0, "synced"), done.err
    again = pushing.run("start")
    assert again.summary["mfwb"]["complete"] == again.config["mfwb"]["fingerprint"] != complete
    after = pushing.snapshot()
    assert {name: run["history"] for name, run in after["runs"].items()} == {
        name: run["history"] for name, run in before["runs"].items()
    }
    assert after["artifacts"].keys() == before["artifacts"].keys()


@pytest.mark.exhaustive
def test_a_bundle_may_be_moved(pushing: Pushing, clean: dict[str, Any]) -> None:
    """The files it refers to are found where they are now."""
    pushing.sync(pushing.pathspec, "--force")
    moved = pushing.bundle.rename(pushing.sandbox.root / "moved")

    done = pushing.sandbox.mfwb("push", str(moved))

    assert done.code == 0, done.err
    assert pushing.snapshot()["artifacts"] == clean["artifacts"]


@pytest.mark.exhaustive
def test_latest_is_the_newest_flow_runs(pushing: Pushing) -> None:
    """An older flow run that is pushed later keeps its hands off it."""
    root = pushing.flow_runs
    (root / "words.txt").write_text("drei\n", encoding="utf-8")
    made = Sandbox(root).flow("linear_flow", "run", "--run-id-file", "id.txt")
    assert made.code == 0, made.err
    newer = f"LinearFlow/{(root / 'id.txt').read_text(encoding='utf-8')}"
    of_newer = Pushing(pushing.sandbox, pushing.server, pushing.sandbox.root / "newer", newer, root)
    of_newer.sync()

    done = [of_newer.push(), pushing.push()]

    assert [item.code for item in done] == [0, 0], done[0].err + done[1].err
    texts = pushing.server.state.artifact("acme/push/words:latest")
    assert texts.files["words"] == b"drei\n"
    assert sorted(texts.aliases) == ["latest", f"run-{newer.split('/')[1]}"]
    older = pushing.server.state.artifact(f"acme/push/words:run-{pushing.pathspec.split('/')[1]}")
    assert older.files["words"] == b"eins\nzwei\n"


@pytest.mark.parametrize(
    "how",
    [
        "skip",
        "fail",
        "recreate",
    ],
)
@pytest.mark.exhaustive
def test_a_deleted_run(pushing: Pushing, how: str) -> None:
    """W&B refuses a deleted id for a week: it is told at once, and what is asked for is done."""
    pushing.push()
    start = pushing.run("start").path
    _delete(pushing, start)
    pushing.sync(pushing.pathspec, "--force", "--no-models")
    pushing.server.clear_requests()

    done = pushing.push("--on-deleted", how)

    existing = {run.display_name for run in pushing.server.state.runs("acme/push").values()}
    name = f"{pushing.pathspec}/start"
    if how == "skip":
        assert done.code == 0, done.err
        assert name not in existing
        assert [run["deleted"] for run in _runs(done)] == [True, False, False]
        assert _account(done)["tasks"] == {"written": 2, "switched_off": 1}
    elif how == "fail":
        assert done.code == 1
        assert "was deleted in W&B" in done.document["flow_runs"][0]["reason"]
        assert name not in existing
    else:
        assert done.code == 0, done.err
        again = pushing.run("start")
        assert again.id == run_id_of(done.document, name) != start.rpartition("/")[2]
        assert "words" in {item.name.partition(":")[0] for item in again.logged}
        assert {f"run-{again.id}-frame:v0"} <= {item.name for item in again.logged}
    assert pushing.server.count(_claims_start) <= 1


@pytest.mark.exhaustive
def test_an_artifact_that_w_and_b_refuses_is_told(pushing: Pushing) -> None:
    """`wandb sync` ends well, and says nothing of it; the next push mends it."""
    fault = pushing.server.fail(_creates("model"), status=400, times=None)

    failed = pushing.push()

    assert failed.code == 1
    reason = failed.document["flow_runs"][0]["reason"]
    assert f"{pushing.pathspec}/end" in reason
    assert "model" in reason
    assert "planned failure" in reason
    assert "complete" not in pushing.run("end").summary["mfwb"]
    fault.release()
    mended = pushing.push()
    assert (mended.code, _status(mended)) == (0, "synced"), mended.err


@pytest.mark.exhaustive
def test_what_w_and_b_refuses_is_lost_alone(pushing: Pushing, clean: dict[str, Any]) -> None:
    """Other artifacts and later levels are sent, but for uses of it; the next push mends it."""
    fault = pushing.server.fail(_creates('Name": "frame"'), status=400, times=None)

    failed = pushing.push()

    assert failed.code == 1
    assert "frame" in failed.document["flow_runs"][0]["reason"]
    lost = [loss["item"] for run in _runs(failed) for loss in run["losses"]]
    assert f"{pushing.pathspec}/start/frame" in lost
    assert "complete" not in pushing.run("start").summary["mfwb"]
    assert pushing.server.state.artifact("acme/push/model:latest").version == "v0"
    fault.release()
    mended = pushing.push()
    assert (mended.code, _status(mended)) == (0, "synced"), mended.err
    assert pushing.snapshot()["artifacts"] == clean["artifacts"]
    in_the_bundle = _account(mended)["artifacts"]["lost"]
    assert _account(failed)["artifacts"]["lost"] == in_the_bundle + 1
    assert _sums(failed) == _sums(mended)


@pytest.mark.exhaustive
def test_what_was_refused_is_mended_without_traces(pushing: Pushing, clean: dict[str, Any]) -> None:
    """An artifact that was refused only once is sent again by the same push."""
    pushing.server.fail(_creates("model"), status=400)

    done = pushing.push()

    assert (done.code, _status(done)) == (0, "synced"), done.err
    assert pushing.snapshot() == clean


_KILLS = [
    ("mfwb", "file_stream"),
    pytest.param("wandb-core", "CommitArtifact", marks=pytest.mark.exhaustive),
    pytest.param("mfwb", "MfwbClaimRun", marks=pytest.mark.exhaustive),
    pytest.param("mfwb", "upload", marks=pytest.mark.exhaustive),
    pytest.param("mfwb", "UpdateArtifact", marks=pytest.mark.exhaustive),
    pytest.param("mfwb", "mark", marks=pytest.mark.exhaustive),
    pytest.param("uploader", "CommitArtifact", marks=pytest.mark.exhaustive),
    pytest.param("uploader", "file_stream", marks=pytest.mark.exhaustive),
    pytest.param("wandb-core", "file_stream", marks=pytest.mark.exhaustive),
]


@pytest.mark.parametrize(("who", "moment"), _KILLS)
def test_killed_and_pushed_again(
    who: str, moment: str, pushing: Pushing, clean: dict[str, Any]
) -> None:
    """Whoever is killed, whenever: in the end it is as if nothing had been."""
    held = pushing.server.hold(_marks if moment == "mark" else moment, times=None)
    with subprocess.Popen(
        [sys.executable, "-m", "mfwb", *pushing.command],
        cwd=pushing.sandbox.root,
        env=pushing.sandbox.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        held.wait(_PATIENCE)
        children = psutil.Process(process.pid).children(recursive=True)
        victim = psutil.Process(process.pid) if who == "mfwb" else _named(children, who)
        victim.kill()
        if who == "mfwb":
            assert psutil.wait_procs(children, timeout=_PATIENCE)[1] == []
        held.release()
        process.wait(_PATIENCE)

    done = pushing.push()

    assert done.code == 0, done.err
    assert differences(pushing.snapshot(), clean) == []


@pytest.mark.parametrize(
    "touched", [30, *(pytest.param(n, marks=pytest.mark.exhaustive) for n in (20, 26, 34, 40, 50))]
)
def test_a_sync_that_was_killed(touched: int, pushing: Pushing, clean: dict[str, Any]) -> None:
    """Whatever it had written down by then: run again, it leaves a bundle that can be pushed."""
    shutil.rmtree(pushing.bundle)
    to = (
        "--mode",
        "offline",
        "--dir",
        str(pushing.bundle),
        "--entity",
        "acme",
        "--project",
        "push",
    )
    command = ("sync", pushing.pathspec, *to, "--metadata", metadata_of(pushing.flow_runs))
    killed = pushing.sandbox.run(
        *(sys.executable, "-m", "tests.faults.killer", str(touched), *command),
        PYTHONPATH=str(Path(__file__).parents[2]),
    )
    again = pushing.sync()
    done = pushing.push()

    assert killed.code == -signal.SIGKILL, killed.err
    assert done.code == 0, again.err + done.err
    assert differences(_without_place(pushing.snapshot()), _without_place(clean)) == []


def test_several_syncs_into_one_bundle(
    pushing: Pushing, flow_run: FlowRuns, flows_root: Path
) -> None:
    """At once, of two flow runs: each W&B run has a manifest of its own."""
    shutil.rmtree(pushing.bundle)
    to = ("--mode", "offline", "--dir", str(pushing.bundle), "--entity", "acme")
    processes = [
        pushing.sandbox.start_mfwb("sync", pathspec, *to, "--metadata", metadata_of(flows_root))
        for pathspec in (pushing.pathspec, flow_run("fan_flow"))
    ]
    codes = [end(process).code for process in processes]

    done = pushing.push()

    assert (codes, done.code) == ([0, 0], 0), done.err
    assert len(done.document["flow_runs"]) == 2
    texts = pushing.server.state.artifact("acme/LinearFlow/words:latest")
    assert texts.files["words"] == b"eins\nzwei\n"
    assert pushing.server.state.artifact("acme/FanFlow/total:latest").version == "v0"


def test_nothing_is_left_behind(pushing: Pushing) -> None:
    """The bundle has its ledger and its locks besides, and there is no temporary file."""
    temporary = pushing.sandbox.root / "tmp"
    temporary.mkdir()
    before = _tree(pushing.bundle)

    done = pushing.sandbox.mfwb(*pushing.command, TMPDIR=str(temporary))

    assert done.code == 0, done.err
    assert list(temporary.iterdir()) == []
    assert {item for item in _tree(pushing.bundle) if not item.startswith("locks")} == {
        item for item in before if not item.startswith("locks")
    }


@pytest.mark.exhaustive
def test_an_unreachable_server(pushing: Pushing) -> None:
    """It is said at once, and what is there to be pushed stays so."""
    done = pushing.sandbox.mfwb(*pushing.command, WANDB_BASE_URL="http://127.0.0.1:9")

    assert done.code == 4
    assert "http://127.0.0.1:9" in done.err
    assert pushing.push().code == 0


def test_no_credentials(pushing: Pushing) -> None:
    """As for a sync."""
    done = pushing.sandbox.mfwb(*pushing.command, WANDB_API_KEY="")

    assert done.code == 4
    assert "no W&B credentials" in done.err


@pytest.mark.parametrize("arguments", [["nowhere"], []])
def test_no_bundle(arguments: list[str], sandbox: Sandbox) -> None:
    """One line, and no folder is made."""
    done = sandbox.mfwb("push", *arguments)

    assert done.code == 2
    assert "bundle" in done.err
    assert not (sandbox.root / "nowhere").exists()


def _status(done: Finished) -> str:
    [flow_run] = done.document["flow_runs"]
    return str(flow_run["status"])


def _without_place(snapshot: dict[str, Any]) -> Any:
    """Return what is on a server but for who wrote it: the ledger of another bundle."""
    return json.loads(
        re.sub(r'"writer": "[^"]*"', '"writer": ""', json.dumps(snapshot, default=str))
    )


def _account(done: Finished) -> dict[str, dict[str, int]]:
    """Return how the items of the only flow run ended."""
    return dict(done.document["flow_runs"][0]["account"])


def _sums(done: Finished) -> dict[str, int]:
    """Return the number of items by kind."""
    return {kind: sum(numbers.values()) for kind, numbers in _account(done).items()}


def _runs(done: Finished) -> list[dict[str, Any]]:
    [flow_run] = done.document["flow_runs"]
    return list(flow_run["wandb_runs"])


def _creates(name: str) -> Callable[[Incoming], bool]:
    def creates(incoming: Incoming) -> bool:
        reported = incoming.variables.get("input", incoming.variables)
        return incoming.operation == "CreateArtifact" and name in json.dumps(reported)

    return creates


def _marks(incoming: Incoming) -> bool:
    """Whether a request says that a W&B run is complete."""
    return incoming.operation == "UpsertBucket" and "complete" in str(
        incoming.variables.get("summaryMetrics", "")
    )


def _claims_start(incoming: Incoming) -> bool:
    return incoming.operation == "MfwbClaimRun" and "-start-" in incoming.variables["name"]


def _delete(pushing: Pushing, path: str) -> None:
    program = "import sys, wandb; wandb.Api().run(sys.argv[1]).delete()"
    done = pushing.sandbox.python(program, path)
    assert done.code == 0, done.err


def _named(processes: list[psutil.Process], name: str) -> psutil.Process:
    """Return the one that belongs to the upload: mfwb has a wandb-core of its own."""
    uploader = next(
        process for process in processes if "wandb_sync/child.py" in " ".join(process.cmdline())
    )
    if name == "uploader":
        return uploader
    [core] = [child for child in uploader.children() if "wandb-core" in child.name()]
    return core


def _tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
