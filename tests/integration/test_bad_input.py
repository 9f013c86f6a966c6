"""Bad input: a line that says what is wrong and what to do, exit code, nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.integration.results import losses_of, metadata_of
from tests.support.sandbox import FLOWS, Finished, Sandbox
from tests.support.wandb_server import WandbServer

FlowRuns = Callable[[str], str]

also = partial(pytest.param, marks=pytest.mark.exhaustive)


def _assert_one_line(finished: Finished, code: int, *words: str) -> None:
    waits = "mfwb: connecting to "  # one that takes long says so
    lines = [line for line in finished.err.splitlines() if not line.startswith(waits)]
    assert finished.code == code, finished.err
    assert len(lines) == 1, finished.err
    assert "Traceback" not in finished.err
    for word in words:
        assert word in finished.err


def _written(sandbox: Sandbox) -> set[str]:
    return {
        str(path.relative_to(sandbox.root))
        for path in sandbox.root.rglob("*")
        if path.is_file() and path.name != "ledger.sqlite"
    }


@pytest.mark.parametrize("text", ["not a flow", "A/1/step", also("1Flow/2"), also("Flow/a b"), ""])
def test_no_pathspec(online: Sandbox, w_and_b: WandbServer, text: str) -> None:
    """What is no pathspec is wrong usage, found before either SDK is asked."""
    w_and_b.clear_requests()

    done = online.mfwb("sync", text)

    words = {"A/1/step": "whole runs", "": "PATHSPEC]...': it is empty"}
    _assert_one_line(done, 2, words.get(text, "pathspec"))
    assert w_and_b.requests_without_metrics == []
    assert _written(online) == set()


def test_no_pathspec_at_all(sandbox: Sandbox) -> None:
    """Without a pathspec, mfwb says what to say."""
    _assert_one_line(sandbox.mfwb("sync"), 2, "Flow/123")


def test_a_flow_without_a_run(sandbox: Sandbox, flows_root: Path, flow_run: FlowRuns) -> None:
    """A flow alone could mean any of its runs."""
    flow_run("linear_flow")

    done = sandbox.mfwb("plan", "LinearFlow", "--metadata", metadata_of(flows_root))

    _assert_one_line(done, 2, "LinearFlow/latest", "--last")


@pytest.mark.parametrize("pathspec", ["LinearFlow/999", also("NoSuchFlow/1"), "NoSuchFlow/latest"])
def test_what_is_not_there(
    sandbox: Sandbox, flows_root: Path, flow_run: FlowRuns, pathspec: str
) -> None:
    """A flow or flow run that does not exist fails by itself."""
    flow_run("linear_flow")

    done = sandbox.mfwb("plan", pathspec, "--json", "--metadata", metadata_of(flows_root))

    [outcome] = done.document["flow_runs"]
    assert done.code == 1
    assert outcome["status"] == "failed"
    assert "there is no" in outcome["reason"]


def test_the_others_go_on(sync: Callable[..., Finished], flow_run: FlowRuns) -> None:
    """One flow run that does not exist does not keep the others from W&B."""
    pathspec = flow_run("linear_flow")

    done = sync("LinearFlow/999", pathspec)

    assert done.code == 1
    assert [item["status"] for item in done.document["flow_runs"]] == ["failed", "synced"]


def test_a_root_without_metaflow(sandbox: Sandbox) -> None:
    """A folder without .metaflow is a wrong setting."""
    done = sandbox.mfwb("plan", "LinearFlow/1", "--metadata", metadata_of(sandbox.root))

    _assert_one_line(done, 2, ".metaflow")


def test_no_metaflow_anywhere(tmp_path: Path) -> None:
    """In a folder where no flow ever ran, mfwb says how to point it elsewhere."""
    sandbox = Sandbox(tmp_path, without=("METAFLOW_DATASTORE_SYSROOT_LOCAL",))

    done = sandbox.mfwb("plan", "LinearFlow/1")

    _assert_one_line(done, 2, ".metaflow", "--metadata")


def test_an_unknown_provider(sandbox: Sandbox) -> None:
    """Metaflow goes on with another provider when it does not know one; mfwb does not."""
    _assert_one_line(sandbox.mfwb("plan", "LinearFlow/1", "--metadata", "nosuch@x"), 2, "nosuch@x")


def test_an_unreachable_service(sandbox: Sandbox) -> None:
    """A metadata service that does not answer is an end that can't be reached."""
    done = sandbox.mfwb(
        "plan",
        "LinearFlow/1",
        "--metadata",
        "service@http://127.0.0.1:9",
        METAFLOW_SERVICE_RETRY_COUNT="1",
    )

    _assert_one_line(done, 4, "127.0.0.1:9")


def test_no_credentials(
    sandbox: Sandbox, w_and_b: WandbServer, flows_root: Path, flow_run: FlowRuns
) -> None:
    """Without a key, mfwb says how to log in, and nothing is written."""
    pathspec = flow_run("linear_flow")

    done = sandbox.mfwb(
        "sync", pathspec, "--metadata", metadata_of(flows_root), WANDB_BASE_URL=w_and_b.base_url
    )

    _assert_one_line(done, 4, "wandb login", "WANDB_API_KEY")
    assert _written(sandbox) == set()


@pytest.mark.parametrize("key", ["short", "0123456789" * 4])
def test_bad_credentials(online: Sandbox, flows_root: Path, flow_run: FlowRuns, key: str) -> None:
    """A key that is malformed or refused is bad credentials, and nothing is written."""
    pathspec = flow_run("linear_flow")

    done = online.mfwb("sync", pathspec, "--metadata", metadata_of(flows_root), WANDB_API_KEY=key)

    _assert_one_line(done, 4, "credentials")
    assert _written(online) == set()


def test_an_unreachable_server(online: Sandbox, flows_root: Path, flow_run: FlowRuns) -> None:
    """A W&B that does not answer is an end that can't be reached, and said within a minute."""
    pathspec = flow_run("linear_flow")
    begin = time.monotonic()

    done = online.mfwb(
        "sync",
        pathspec,
        "--metadata",
        metadata_of(flows_root),
        WANDB_BASE_URL="http://127.0.0.1:9",
    )

    _assert_one_line(done, 4, "127.0.0.1:9")
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 'red'", ["mfwb.toml", "colour"]),
        also("granularity = 'run'", ["mfwb.toml", "granularity"]),
        also("max_artifact_size = 'huge'", ["max_artifact_size", "500MB"]),
        also("[settings]\nnosuch = 1", ["nosuch", "wandb.Settings"]),
        also("[settings]\nrun_tags = 5", ["mfwb.toml: [settings] run_tags", "a list"]),
        ("[flow.A.step.b.settings]\nnosuch = 1", ["flow.A.step.b.settings", "wandb.Settings"]),
        also("= broken", ["mfwb.toml", "TOML"]),
    ],
)
def test_a_wrong_setting(
    sandbox: Sandbox, flows_root: Path, flow_run: FlowRuns, text: str, words: list[str]
) -> None:
    """A setting that is unknown or wrong is named, with where it was said."""
    flow_run("linear_flow")
    (sandbox.root / "mfwb.toml").write_text(text, encoding="utf-8")

    where = ("--metadata", metadata_of(flows_root), "--config", "mfwb.toml")
    done = sandbox.mfwb("plan", "LinearFlow/latest", *where)

    _assert_one_line(done, 2, *words)


@pytest.mark.parametrize(
    ("name", "value"),
    [("WANDB_BASE_URL", "no url"), also("WANDB_MODE", "ONLINE"), also("WANDB_CONFIG_PATHS", "/x")],
)
def test_a_wrong_variable_of_wandbs(
    online: Sandbox, flows_root: Path, flow_run: FlowRuns, name: str, value: str
) -> None:
    """It is named, in W&B's words."""
    where = ("--metadata", metadata_of(flows_root))

    done = online.mfwb("plan", flow_run("linear_flow"), *where, **{name: value})

    _assert_one_line(done, 2, name)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        also(["--mode", "offline"], ["--dir"]),
        (["--dir", "somewhere"], ["--mode offline"]),
        also(["--nosuch"], ["--nosuch"]),
        also(["--workers", "0"], ["workers"]),
        (["--config", "nosuch.toml"], ["nosuch.toml"]),
    ],
)
def test_wrong_usage(sandbox: Sandbox, arguments: list[str], words: list[str]) -> None:
    """Flags that make no sense are told apart from trouble."""
    sandbox.root.joinpath(".metaflow").mkdir()

    _assert_one_line(sandbox.mfwb("sync", "LinearFlow/1", *arguments), 2, *words)


def test_an_offline_sync_without_an_entity(
    sandbox: Sandbox, flows_root: Path, flow_run: FlowRuns
) -> None:
    """A bundle whose artifacts would be refused later is not written."""
    pathspec = flow_run("linear_flow")
    bundle = str(sandbox.root / "bundle")

    done = sandbox.mfwb(
        "sync",
        pathspec,
        "--mode",
        "offline",
        "--dir",
        bundle,
        "--metadata",
        metadata_of(flows_root),
    )

    _assert_one_line(done, 2, "--entity", "WANDB_ENTITY")
    assert _written(sandbox) == set()


def test_a_disabled_w_and_b(sandbox: Sandbox) -> None:
    """WANDB_MODE=disabled would write nothing in silence; mfwb says so."""
    sandbox.root.joinpath(".metaflow").mkdir()

    done = sandbox.mfwb("sync", "LinearFlow/1", WANDB_MODE="disabled")

    _assert_one_line(done, 2, "disabled")


def test_a_missing_and_a_corrupt_blob(w_and_b: WandbServer, project: str, online: Sandbox) -> None:
    """Bytes that are gone or damaged are losses with their reason; the rest arrives."""
    (online.root / "words.txt").write_text("x", encoding="utf-8")
    ran = online.flow("linear_flow")
    assert ran.code == 0, ran.err
    root = online.root / ".metaflow" / "LinearFlow"
    made = _shas(_only_task(root, "start"))
    _blob(root, made["thing"]).unlink()
    _blob(root, made["frame"]).write_bytes(b"not gzip")

    done = online.mfwb("sync", "LinearFlow/latest", "--json", "--project", project)

    reasons = {loss["item"].rsplit("/", 1)[-1]: loss["reason"] for loss in losses_of(done.document)}
    assert done.code == 0, done.err
    assert "gone" in reasons["thing"]
    assert "damaged" in reasons["frame"]
    assert w_and_b.state.artifact(f"acme/{project}/model:v0").files


@pytest.mark.exhaustive  # `source/test_is_it_over.py` says the same of one that was killed
def test_a_flow_run_that_still_goes_on(sandbox: Sandbox) -> None:
    """A running flow run is skipped, and said so; that is no error."""
    flow = subprocess.Popen(
        [sys.executable, str(FLOWS / "sleeping_flow.py"), "--quiet", "run"],
        cwd=sandbox.root,
        env=sandbox.environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        begun = sandbox.root / ".metaflow" / "SleepingFlow"
        while not list(begun.glob("*/start/1/_meta/sysmeta_attempt_*")):
            assert flow.poll() is None
            time.sleep(0.1)

        done = sandbox.mfwb("plan", "SleepingFlow/latest", "--json")
    finally:
        os.killpg(flow.pid, signal.SIGKILL)
        flow.wait()

    [outcome] = done.document["flow_runs"]
    assert done.code == 0, done.err
    assert (outcome["status"], outcome["reason"]) == ("skipped", "it is still running")


def _only_task(root: Path, step: str) -> Path:
    [task] = (root / (root / "latest_run").read_text() / step).glob("[0-9]*")
    return task


def _shas(task: Path) -> dict[str, str]:
    return dict(json.loads((task / "0.data.json").read_text())["objects"])


def _blob(root: Path, sha: str) -> Path:
    return root / "data" / sha[:2] / sha
