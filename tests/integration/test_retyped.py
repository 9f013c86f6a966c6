"""An artifact that changes its kind, a join that fails behind its choice, objects in a foreach."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.results import metadata_of
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import WandbServer

_RULES = """
[flow.RetypedFlow.artifact.result]
metadata = ["count"]
"""


@pytest.fixture(scope="module")
def retyped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Return a folder with a flow run that finished, and one whose join failed."""
    root = tmp_path_factory.mktemp("retyped")
    result = []
    for arguments in ((), ("--fails", "true")):
        Sandbox(root).flow("retyped_flow", "run", *arguments, "--run-id-file", "id.txt")
        result.append(f"RetypedFlow/{(root / 'id.txt').read_text(encoding='utf-8')}")
    finished, failed = result
    return root, finished, failed


def test_verify_agrees(
    retyped: tuple[Path, str, str], online: Sandbox, w_and_b: WandbServer, project: str
) -> None:
    """Both names have the aliases, and the failed join has in its summary what it chose."""
    root, *pathspecs = retyped
    rules = online.root / "rules.toml"
    rules.write_text(_RULES, encoding="utf-8")
    destination = ("--entity", "acme", "--project", project, "--metadata", metadata_of(root))
    common = ("--json", *destination, "--overview", "--config", str(rules))
    done = online.mfwb("sync", *pathspecs, *common)
    assert done.code == 0, done.err

    verified = online.mfwb("verify", *pathspecs, *common)
    finished, failed = (pathspec.split("/")[1] for pathspec in pathspecs)
    final = {
        version.path.split("/")[2].split(":")[0]: version.metadata
        for version in w_and_b.state.artifacts(f"acme/{project}")
        if f"run-{finished}" in version.aliases and "/result" in version.path
    }
    assert len(final) == 2
    assert str(10**400) in [metadata.get("count") for metadata in final.values()]
    [join] = (
        run
        for run in w_and_b.state.runs(f"acme/{project}").values()
        if run.display_name == f"RetypedFlow/{failed}/join"
    )
    assert join.summary["accuracy"] == 0.5
    assert [run["differences"] for run in verified.document["flow_runs"]] == [[], []]
    assert verified.code == 0, verified.err
