"""A verification as test cases for CI."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from mfwb.report.verification import verification_to_junit
from mfwb.verification_outcome import FlowRunVerification, Verdict, Verification
from tests.unit.report.junit_schema import assert_junit, parse
from tests.unit.report.verification.samples import DIFFERENT, SAME, named


def read(*flow_runs: FlowRunVerification) -> ET.Element:
    """Return the document of a verification."""
    document = verification_to_junit(Verification(flow_runs))
    assert_junit(document)
    return parse(document)


def test_a_case_for_each_wandb_run() -> None:
    """Its differences are its failure; those of the flow run as a whole have a case, too."""
    same, different = read(named(SAME), named(DIFFERENT))

    assert [case.get("name") for case in same.iter("testcase")] == ["verify", "start", "train"]
    assert same.get("failures") == same.get("errors") == "0"
    assert [case.get("name") for case in different.iter("testcase")] == ["verify", "start", "train"]
    failures = {
        case.get("name"): case.findtext("failure")
        for case in different.iter("testcase")
        if case.find("failure") is not None
    }
    assert failures == {
        "verify": 'run stray: Metaflow nothing, W&B "stray"; somebody added it',
        "train": "summary WineFlow/8/train accuracy: Metaflow 0.91, W&B 0.19; "
        "somebody changed it in W&B",
    }
    assert {item.get("name"): item.get("value") for item in different.iter("property")} == {
        "verdict": "different",
        "entity": "acme",
        "project": "wines",
        "group": "WineFlow/8",
        "written_by": "0.1.0",
        "compared.run": "5",
        "compared.summary": "209",
    }
    assert "train model" in ET.tostring(different, encoding="unicode")


def test_a_strange_wandb_run_has_a_case() -> None:
    """It is none of those that the flow run should have."""
    stray = replace(DIFFERENT.differences[0], wandb_run="stray")
    [suite] = read(replace(named(DIFFERENT), differences=(stray,)))

    assert [case.get("name") for case in suite.iter("testcase")][-1] == "stray"
    assert suite.get("failures") == "1"


def test_nothing_is_known_of_a_flow_run() -> None:
    """What failed is an error, and what was skipped is skipped."""
    failed, bug, skipped = read(
        FlowRunVerification("F/1", Verdict.FAILED, "no answer"),
        FlowRunVerification("F/2", Verdict.FAILED, "a bug", bug=True),
        FlowRunVerification("F/3", Verdict.SKIPPED, "it is still running"),
    )

    assert (failed.get("errors"), bug.get("errors"), skipped.get("skipped")) == ("1", "1", "1")
    [error] = bug.iter("error")
    assert (error.get("type"), error.get("message")) == ("bug", "a bug")
