"""Modules of the current folder: anybody's `pandas.py` is not what mfwb means by pandas."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.results import metadata_of, run_id_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer

FlowRuns = Callable[[str], str]

_SCRIPT = str(Path(sys.executable).with_name("mfwb"))
_PROGRAMS = {"module": (sys.executable, "-m", "mfwb"), "script": (_SCRIPT,)}
_HOSTILE = (
    *("click", "rich", "pandas", "numpy", "pyarrow", "wandb", "metaflow", "pydantic", "requests"),
    *("platformdirs", "filelock", "yaml", "boto3", "google", "sitecustomize", "usercustomize"),
    *("typing", "json", "tempfile", "sqlite3", "configparser", "netrc", "tomllib", "tomli"),
)
_PACKAGES = ("metaflow_extensions", "metaflow_extensions/evil", "metaflow_custom")


@pytest.fixture
def ran(online: Sandbox) -> Path:
    """Return a file that hostile modules of the current folder write."""
    marker = online.root / "ran"
    code = f"open({str(marker)!r}, 'a').write(__name__ + ' ')\n"
    for name in _HOSTILE:
        (online.root / f"{name}.py").write_text(code, encoding="utf-8")
    for name in _PACKAGES:
        folder = online.root / name
        folder.mkdir()
        (folder / "__init__.py").write_text(code, encoding="utf-8")
    return marker


@pytest.mark.parametrize("how", [pytest.param("module", marks=pytest.mark.exhaustive), "script"])
def test_no_module_of_the_current_folder_runs(
    online: Sandbox, ran: Path, flows_root: Path, flow_run: FlowRuns, how: str
) -> None:
    """From help to a sync that converts tables in another process, and to what `push` starts."""
    requested = ("--metadata", metadata_of(flows_root), "--entity", "acme")
    to = ("--mode", "offline", "--dir", "bundle")

    def mfwb(*arguments: str) -> Finished:
        return online.run(*_PROGRAMS[how], *arguments)

    helped = mfwb("--help")
    synced = mfwb("sync", flow_run("linear_flow"), *requested, *to)
    pushed = mfwb("push", "bundle")

    assert [item.code for item in (helped, synced, pushed)] == [0, 0, 0], synced.err + pushed.err
    assert not ran.exists(), ran.read_text(encoding="utf-8")


def test_modules_of_a_folder_that_was_named(online: Sandbox, ran: Path) -> None:
    """Who wants them says so: this is also what shows that they would run."""
    online.run(*_PROGRAMS["script"], "--help", PYTHONPATH=str(online.root))

    assert "typing" in ran.read_text(encoding="utf-8").split()


def test_wandbs_defaults_of_the_current_folder(
    online: Sandbox,
    w_and_b: WandbServer,
    sync: Callable[..., Finished],
    project: str,
    flow_run: FlowRuns,
) -> None:
    """Its config-defaults.yaml speaks of runs that are made here, not of replayed ones."""
    pathspec = flow_run("linear_flow")
    (online.root / "config-defaults.yaml").write_text("sneaked:\n  value: 7\n", encoding="utf-8")

    done = sync(pathspec)

    assert done.code == 0, done.err
    run_id = run_id_of(done.document, f"{pathspec}/end")
    assert "sneaked" not in w_and_b.state.run(f"acme/{project}/{run_id}").config
