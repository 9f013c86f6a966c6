"""The HTML that notebooks show."""

from __future__ import annotations

import re

import pytest

from mfwb import api
from mfwb.diagnosis import Check, CheckStatus, Diagnosis
from mfwb.outcome import FlowRunOutcome, Result, Status, WandbRunOutcome
from mfwb.ports import Destination, Entry, SyncState
from mfwb.report.notebook import to_html
from mfwb.snapshot import Loss
from mfwb.sync_status import KnownFlowRun
from mfwb.verification_outcome import Difference, FlowRunVerification, Verdict, Verification
from tests.unit.sync_statuses import summarize

EVIL = "<script>alert('x')</script>&\"\x1b[31m\n"
URL = "https://wandb.example/acme/wines/runs/id"
RUN = WandbRunOutcome("id", f"F/1/{EVIL}", EVIL, "finished", url=URL, losses=(Loss(EVIL, EVIL),))
FAILED = FlowRunOutcome(f"F/{EVIL}", Status.FAILED, reason=f"W&B refuses it: {EVIL}")
DONE = FlowRunOutcome("F/1", Status.SYNCED, group="F/1", wandb_runs=(RUN,), project="wines")
WHERE = Destination("online", "https://wandb.example", f"acme{EVIL}", "wines")
STATUS = summarize(
    f"/state/{EVIL}",
    [
        KnownFlowRun(
            Entry("F/2", "", WHERE, SyncState.FAILED, reason=EVIL, at="2026-11-01T00:00:00Z"), 3
        )
    ],
    (),
)
DIFFERENT = FlowRunVerification(
    f"F/{EVIL}", Verdict.DIFFERENT, differences=(Difference("tags", EVIL, EVIL, 1, 2, EVIL),)
)
DIAGNOSIS = Diagnosis(
    (
        Check("W&B", f"credentials{EVIL}", CheckStatus.FAILED, EVIL, f"log in{EVIL}", 4),
        Check("W&B", "server", CheckStatus.PASSED, "not shown"),
    )
)
ALL = [
    Result("sync", (DONE, FAILED), notes=(EVIL,)),
    Result("sync", (DONE,)),
    Result("plan", ()),
    STATUS,
    Verification((DIFFERENT,), notes=(EVIL,)),
    DIAGNOSIS,
]

_TAGS = {*["div", "style", "p", "b", "span", "a", "table", "thead", "tbody", "tr", "th", "td"]}


@pytest.mark.parametrize("value", ALL, ids=repr)
def test_nothing_of_a_flow_run_is_html(value: object) -> None:
    """Strings of strangers are shown as they are, and no tag is theirs."""
    html = to_html(value)

    assert "<script" not in html
    assert "\x1b" not in html
    assert {*re.findall(r"<(\w+)", html)} <= _TAGS
    assert len(html) < 6_000
    assert "\n" not in repr(value)
    assert repr(value).isprintable()


def test_failures_come_first_in_red() -> None:
    """With the reason, which says what to do; the text says it, too."""
    result = Result("sync", (DONE, FAILED))
    html = to_html(result)

    assert html.index('<span class="bad">failed</span>') < html.index(">F/1<")
    assert '<span class="bad">W&amp;B refuses it: ' in html
    assert repr(result).startswith("<mfwb sync: 1 synced, 1 failed, 1 loss; F/<script>")


def test_links() -> None:
    """Flow runs lead to their group, W&B runs to their page; other addresses lead nowhere."""
    assert 'href="https://wandb.example/acme/wines/groups/F%2F1/workspace"' in to_html(
        Result("sync", (DONE, FAILED))
    )
    assert f'href="{URL}"' in to_html(Result("sync", (DONE,)))
    evil = WandbRunOutcome("id", "F/1/a", "a", "finished", url="javascript:alert(1)")
    flow_run = FlowRunOutcome("F/1", Status.SYNCED, wandb_runs=(evil,))
    for flow_runs in ((flow_run,), (flow_run, FAILED)):
        assert "href" not in to_html(Result("sync", flow_runs))


def test_many_rows() -> None:
    """The rest is counted."""
    html = to_html(Result("sync", (DONE,) * 1025))

    assert html.count("<tr>") == 21
    assert "… and 1,005 more" in html


def test_what_passed_is_counted() -> None:
    """Of checks only those are shown that did not pass, each with what to do."""
    html = to_html(DIAGNOSIS)

    assert "1 passed" in html
    assert "not shown" not in html
    assert "log in" in html


def test_notebooks_ask_the_value() -> None:
    """What users get has the method that notebooks call, as soon as the functions are imported."""
    assert api.SyncStatus is type(STATUS)
    for value in ALL:
        assert value._repr_html_() == to_html(value)


def test_anything_else() -> None:
    """There is no HTML of other values."""
    with pytest.raises(TypeError, match="no HTML of int"):
        to_html(1)
