"""The artifact of type `code` in a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfwb.planning import Content, Form
from mfwb.snapshot import CodePackage
from tests.support.flow_runs import data_frame, flow_run, sha, spec, task
from tests.unit.planning.plans import plan_of, runs_of

LINE = flow_run(task("start/1", to="end"), task("end/2"))
PACKAGE = CodePackage(spec("end/2"), sha("aa"), "local")
PACKAGED = replace(LINE, code_packages=(PACKAGE,))


@pytest.mark.parametrize("granularity", ["step", "task"])
def test_the_first_wandb_run_logs_the_code(granularity: str) -> None:
    """Once for a flow run, with the aliases of all artifacts; nothing uses it."""
    first, last = plan_of(PACKAGED, granularity=granularity).runs

    [code] = first.outputs
    assert (code.name, code.type, code.aliases) == ("DemoFlow-code", "code", ("latest", "run-7"))
    [file] = code.files
    assert file.form is Form.CODE
    assert file.content == Content(spec("end/2"), "code-package", sha("aa"), 0)
    assert code.metadata["metaflow"]["task"] == spec("end/2")
    assert (last.outputs, last.inputs) == ((), ())


def test_without_a_package_there_is_none() -> None:
    """A local flow run has no package by default, and its plan is as it was."""
    assert runs_of(LINE)["start"].outputs == ()
    assert plan_of(PACKAGED, code=False).digest == plan_of(LINE).digest
    assert plan_of(PACKAGED, flow={"DemoFlow": {"code": False}}).digest == plan_of(LINE).digest
    assert plan_of(PACKAGED).digest != plan_of(LINE).digest


def test_several_packages_have_a_folder_each() -> None:
    """None is lost."""
    other = CodePackage(spec("start/1"), sha("bb"), "local")
    [code] = runs_of(replace(LINE, code_packages=(PACKAGE, other)))["start"].outputs

    assert [file.stem for file in code.files] == [sha("aa")[:12], sha("bb")[:12]]
    assert code.metadata["metaflow"]["sha1"] == [sha("aa"), sha("bb")]


def test_an_artifact_of_the_user_has_the_name() -> None:
    """W&B keeps one type for a name."""
    run = flow_run(task("start/1", has=[data_frame("DemoFlow-code")]))
    outputs = runs_of(replace(run, code_packages=(PACKAGE,)))["start"].outputs

    assert [(output.name, output.type) for output in outputs] == [
        ("DemoFlow-code", "dataset"),
        ("DemoFlow-code-code", "code"),
    ]
