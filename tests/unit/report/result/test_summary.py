"""A result as a summary for CI."""

from __future__ import annotations

from hypothesis import given, settings
from markdown_it import MarkdownIt

from mfwb.account import Account, Ending, Kind
from mfwb.errors import UsageError
from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.report.result.summary import error_to_markdown, result_to_markdown
from tests.support.examples import examples
from tests.support.strangers import anything, assert_inert, poisoned
from tests.unit.report.samples import BIG, RUNS, SYNCED, flow_run

ACCOUNT: Account = {
    Kind.ARTIFACTS: {Ending.WRITTEN: 1_000, Ending.LOST: 1},
    Kind.TASKS: {Ending.WRITTEN: 4},
}


def rows_of(document: str) -> list[list[str]]:
    """Return the cells of all rows, as people see them."""
    rows: list[list[str]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(document):
        if token.type == "tr_open":
            rows.append([])
        elif rows and token.type == "inline" and token.level > 3:
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


def test_table() -> None:
    """A row for each flow run; a number that is not known is no 0; no column is all zeros."""
    result = Result(
        "sync",
        (
            flow_run(*RUNS, account=ACCOUNT),
            FlowRunOutcome("F/2", Status.FAILED, reason="gone | away"),
        ),
        notes=("a note",),
    )
    document = result_to_markdown(result)
    head, first, second = rows_of(document)

    assert dict(zip(head, first, strict=True)) == {
        "Flow run": "WineFlow/7",
        "State": "synced",
        "W&B project": "acme/wines",
        "W&B runs": "4",
        "Items": "1,005",
        "Written": "1,004",
        "Lost": "1",
        "Losses": "1",
    }
    assert second == ["F/2", "failed", "", "0", "", "", "", "0"]
    assert "](<https://wandb.example/acme/wines>)" in document
    text = MarkdownIt("commonmark").render(document)
    assert "<li>F/2 failed: gone | away</li>" in text
    assert f"<li>lost {BIG.item}: " in text
    assert "<li>a note</li>" in text
    assert "2 flow runs: 1 synced, 1 failed; " in text


def test_error_without_a_result() -> None:
    """It is the whole summary."""
    assert error_to_markdown(UsageError("no")) == "### mfwb\n\nfailed&#58; no\n\n"
    assert "failed&#58; KeyError&#58; &#39;x&#39;" in error_to_markdown(KeyError("x"))


@given(anything())
@settings(max_examples=examples(50), deadline=None)
def test_any_text(text: str) -> None:
    """A flow run's row stays one row of as many cells."""
    document = result_to_markdown(poisoned(SYNCED, text))

    assert_inert(document)
    assert [len(row) for row in rows_of(document)] == [5, 5]
