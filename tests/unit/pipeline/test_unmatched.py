"""What the user named and nothing matches."""

from __future__ import annotations

from typing import Any

import pytest

from mfwb.config import load_settings
from mfwb.errors import Unreachable
from mfwb.pipeline.unmatched import TableUse, describe_unmatched_tags
from mfwb.ports import ListedFlowRun
from mfwb.snapshot.pathspec import Pathspec
from tests.support.flow_runs import flow_run, task


def _listed(number: int, *tags: str) -> ListedFlowRun:
    return ListedFlowRun(Pathspec("Demo", str(number)), number, tags, ("runtime:dev",))


@pytest.mark.parametrize(
    ("tags", "condition", "line"),
    [
        (["prodd"], "", "none has the tag 'prodd', 2 flow runs of 1 flow looked at; did you mean"),
        (["zz"], "", "2 flow runs of 1 flow looked at; their tags are prod and test"),
        (["prod", "test"], "", "none has the tags 'prod' and 'test', 2 flow runs"),
        (["prod"], "started in that time", "none has the tag 'prod', and started in that time, 2"),
    ],
)
def test_tags(tags: list[str], condition: str, line: str) -> None:
    """How many flow runs were looked at, and which tags these have."""
    listed = [_listed(1, "prod"), _listed(2, "test")]

    assert line in describe_unmatched_tags(tags, listed, condition)


def test_no_tags() -> None:
    """Flow runs without any tag of users."""
    line = describe_unmatched_tags(["prod"], [_listed(1)], "")

    assert line == (
        "none has the tag 'prod', 1 flow run of 1 flow looked at; they have no tags of users"
    )


def _use(**flows: dict[str, Any]) -> TableUse:
    return TableUse(load_settings({"flow": flows}, environ={}))


def test_tables_of_flows() -> None:
    """Those of other flows are fine, unless Metaflow has none of that name, or it is similar."""
    use = _use(DemoFlwo={"datasets": False}, Other={"datasets": False})

    assert list(use.notes({"DemoFlow"})) == [
        "[flow.DemoFlwo] is for none of the flows that were selected; did you mean DemoFlow?"
    ]
    assert list(use.notes({"DemoFlow"}, lambda: ["DemoFlow", "Other"])) == [
        "[flow.DemoFlwo] matches nothing: Metaflow has no such flow; did you mean DemoFlow?"
    ]

    def fail() -> list[str]:
        raise Unreachable("no service")

    assert list(use.notes({"DemoFlow"}, fail)) == []


def test_tables_of_steps_and_artifacts() -> None:
    """They are held against the flow runs that were read; without any, nothing is known."""
    ran = flow_run(task("start/1", has="model=1"))
    flow, name = ran.flow, "model"
    rules = {name: {"aliases": ["a"]}, "nosuch*": {"aliases": ["a"]}, "*": {"aliases": ["b"]}}
    table = {"step": {"strat": {"datasets": False}, "start": {"models": False}}, "artifact": rules}
    use = _use(**{flow: table})
    assert list(use.notes({flow})) == []

    use.add(ran)

    assert list(use.notes({flow})) == [
        f"[flow.{flow}.step.strat] matches nothing: {flow} has no such step; did you mean start?",
        f"[flow.{flow}.artifact.nosuch*] matches nothing: {flow} has no such artifact",
    ]
