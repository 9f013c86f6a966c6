"""The page of a whole flow run for W&B: made of its plan alone, and as safe as the other one."""

from __future__ import annotations

from mfwb.report.html import render_overview
from tests.support.html_pages import ParsedPage
from tests.unit.planning.plans import plan_of
from tests.unit.report.html.samples import HOSTILE, failed_run, large_run


def test_what_it_shows() -> None:
    """State, graph, timeline, failures, values and tasks; equal each time."""
    run = plan_of(failed_run("some text"), overview=True).runs[-1]
    html = render_overview(run, {"train/score": {"min": 1, "max": 3, "mean": 2}})
    page = ParsedPage.of(html)

    assert page.faults() == []
    assert html == render_overview(run, {"train/score": {"min": 1, "max": 3, "mean": 2}})
    for text in ("DemoFlow/7", "failed", "train/3", "some text", "alpha", '"mean": 2', "wines"):
        assert text in page.text, text
    nodes = [link["class"] for link in page.all("a") if link.get("class", "").startswith("node")]
    assert sum("node step" in kind for kind in nodes) == 2
    assert sum("failed" in kind for kind in nodes) == 1


def test_nothing_escapes() -> None:
    """A string that ends whatever it is put into is shown as it is."""
    run = plan_of(failed_run(HOSTILE), overview=True).runs[-1]
    html = render_overview(run, {"train/score": HOSTILE, HOSTILE: 1})

    assert ParsedPage.of(html).faults() == []
    assert html.count("<script") == 1


def test_many_tasks() -> None:
    """The page is bounded, and says what is left out."""
    run = plan_of(large_run(2_500, 1), overview=True).runs[-1]
    html = render_overview(run, {})

    assert len(html) < 2_000_000
    assert "2,000 of 2,502 tasks are here" in ParsedPage.of(html).text
