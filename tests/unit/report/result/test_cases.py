"""A result as test cases for CI."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given, settings

from mfwb.account import Account, Ending, Kind
from mfwb.errors import UsageError
from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.report.result.cases import error_to_junit, result_to_junit
from tests.support.examples import examples
from tests.support.strangers import anything, poisoned
from tests.unit.report.junit_schema import assert_junit, parse
from tests.unit.report.samples import BIG, PLANNED, RUNS, SYNCED, URL, flow_run, run

ACCOUNT: Account = {Kind.ARTIFACTS: {Ending.WRITTEN: 2, Ending.LOST: 1}}


def read(*flow_runs: FlowRunOutcome, strict: bool = False) -> ET.Element:
    """Return the document of a sync."""
    document = result_to_junit(Result("sync", flow_runs), strict=strict)
    assert_junit(document)
    return parse(document)


def test_a_suite_for_each_flow_run() -> None:
    """It has a case for the flow run as a whole, and one for each W&B run."""
    root = read(flow_run(*RUNS, account=ACCOUNT), FlowRunOutcome("F/2", Status.UNCHANGED))
    first, second = root

    assert [case.get("name") for case in first.iter("testcase")] == [
        *("sync", "start", "split", "train", "end")
    ]
    assert [case.get("name") for case in second.iter("testcase")] == ["sync"]
    assert {item.get("name"): item.get("value") for item in first.iter("property")} == {
        "status": "synced",
        "entity": "acme",
        "project": "wines",
        "group": "WineFlow/7",
        "mode": "online",
        "artifacts.written": "2",
        "artifacts.lost": "1",
    }


def test_what_a_case_says() -> None:
    """State, place, items and losses."""
    [case] = [
        item
        for item in read(flow_run(run("train", account=ACCOUNT, losses=(BIG,)))).iter("testcase")
        if item.get("name") == "train"
    ]

    assert (case.findtext("system-out") or "").splitlines() == [
        "state: finished",
        f"see: {URL}/WineFlow-7-train-0-abcd1234",
        "artifacts: 2 written, 1 lost",
        f"lost {BIG.item}: {BIG.reason}",
    ]


def test_losses_under_strict() -> None:
    """They are failures, those of the flow run as a whole, too."""
    root = read(flow_run(*RUNS, losses=(BIG,)), strict=True)
    failures = [(item.get("type"), item.get("message")) for item in root.iter("failure")]

    assert failures == [("loss", f"lost {BIG.item}: {BIG.reason}")] * 2
    assert read(flow_run(*RUNS, losses=(BIG,))).find(".//failure") is None


def test_flow_runs_that_were_not_synced() -> None:
    """A failure, a bug, a flow run that is still running."""
    root = read(
        FlowRunOutcome("F/1", Status.FAILED, reason="gone", losses=(BIG,)),
        FlowRunOutcome("F/2", Status.FAILED, reason="a bug", bug=True),
        FlowRunOutcome("F/3", Status.SKIPPED, reason="it is still running"),
    )
    result = [(child.tag, child.get("message")) for case in root.iter("testcase") for child in case]

    assert result == [
        ("failure", "gone"),
        ("error", "a bug"),
        ("skipped", "it is still running"),
        ("system-out", None),
    ]


def test_wandb_runs_that_are_not_whole() -> None:
    """One that is incomplete, and one that somebody deleted."""
    root = read(flow_run(run("a", complete=False, losses=(BIG,)), run("b", deleted=True)))
    [failure], [skipped] = root.iter("failure"), root.iter("skipped")

    assert (failure.get("type"), failure.text) == (
        "incomplete",
        f"W&B did not take all of it\nlost {BIG.item}: {BIG.reason}",
    )
    assert (skipped.get("message") or "").startswith("it was deleted in W&B")


def test_error_without_a_result() -> None:
    """An error of mfwb's own has the name of its type in its message."""
    for error, message in ((UsageError("no"), "no"), (KeyError("x"), "KeyError: 'x'")):
        document = error_to_junit(error)
        assert_junit(document)
        [element] = parse(document).iter("error")
        assert element.attrib == {"message": message, "type": type(error).__name__}


@given(anything())
@settings(max_examples=examples(50), deadline=None)
def test_any_text(text: str) -> None:
    """Whatever a flow run holds, the document is one."""
    for result in (SYNCED, PLANNED):
        for strict in (True, False):
            assert_junit(result_to_junit(poisoned(result, text), strict=strict))
