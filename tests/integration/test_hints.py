"""A name that nothing has: what it may have been; an end that is down: what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.sandbox import Finished, Sandbox

_NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, flow_run: Callable[[str], str], flows_root: Path
) -> Callable[..., Finished]:
    """Return a function that runs mfwb beside a flow run, with a settings file."""
    flow_run("two_flow")
    root = tmp_path_factory.mktemp("hints")
    own = {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(flows_root), "WANDB_API_KEY": "0" * 40}
    sandbox = Sandbox(root, own)

    def call(*arguments: str, settings: str = "", **variables: str) -> Finished:
        (root / "mfwb.toml").write_text(settings, encoding="utf-8")
        return sandbox.mfwb(*arguments, **variables)

    return call


def test_names(run: Callable[..., Finished], flow_run: Callable[[str], str]) -> None:
    """Flows, flow runs, steps and artifacts; the code is one for all of them."""
    pathspec = flow_run("two_flow")
    for arguments, hint in (
        (("lineage", "TwoFlwo/latest"), "did you mean TwoFlow?"),
        (("lineage", "TwoFlwo/12"), "did you mean TwoFlow?"),
        (("lineage", f"{pathspec}0"), f"did you mean {pathspec}?"),
        (("lineage", "TwoFlow/7"), f"the newest are {pathspec}"),
        (
            ("lineage", pathspec, "--artifact", "numbr"),
            "has no artifact 'numbr'; did you mean number?",
        ),
        (("explain", f"{pathspec}/start/numbr"), "has no artifact 'numbr'; did you mean number?"),
        (("explain", f"{pathspec}/strat/number"), "has no step 'strat'; did you mean start?"),
        (
            ("plan", "TwoFlow/latest", "--tag", "nothere", "--quiet"),
            "none has the tag 'nothere', 1 flow",
        ),
    ):
        done = run(*arguments)

        assert (done.code, done.err.count("\n")) == (1, 1), done
        assert hint in done.err, done


def test_what_matches_nothing(run: Callable[..., Finished]) -> None:
    """It is said, and is no error: tags of a selection, and tables of the settings."""
    tables = "[flow.TwoFlwo]\ndatasets = false\n[flow.TwoFlow.step.strat]\nmodels = false\n"

    plan = run("plan", "TwoFlow/latest", "--json", settings=tables)
    tagged = run("plan", "TwoFlow", "--all", "--tag", "nothere", "--json")

    assert plan.code == tagged.code == 0
    assert [line.partition(";")[2] for line in plan.document["notes"]] == [
        " did you mean start?",
        " did you mean TwoFlow?",
    ]
    assert tagged.document["notes"][0].startswith("none has the tag 'nothere', 1 flow run of 1")


def test_ends_that_are_down(run: Callable[..., Finished]) -> None:
    """The time limit is what was given, and the reason is the system's own."""
    service = {"METAFLOW_DEFAULT_METADATA": "service", "METAFLOW_SERVICE_URL": _NOWHERE}
    limit = ("--timeout", "2s")

    wandb = run("sync", "TwoFlow/latest", *limit, WANDB_BASE_URL=_NOWHERE)
    metaflow = run("sync", "TwoFlow/latest", *limit, **service)

    assert (wandb.code, metaflow.code) == (4, 4)
    assert wandb.err == f"mfwb: {_NOWHERE} did not answer within 2 s: Connection refused\n"
    assert metaflow.err == f"mfwb: service@{_NOWHERE} can't be reached: Connection refused\n"


def test_a_broken_settings_file(run: Callable[..., Finished]) -> None:
    """The doctor says once what is wrong with it."""
    done = run("doctor", "--json", settings="= broken")

    failed = [check for check in done.document["checks"] if check["status"] == "failed"]
    assert done.code == 2
    assert len(failed) == 1
    assert "not valid TOML" in failed[0]["detail"]
