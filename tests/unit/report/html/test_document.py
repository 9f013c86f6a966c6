"""The page: nothing of a flow run escapes into it, and it needs nothing else."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path

import pytest

from mfwb.errors import MfwbError
from mfwb.report.html import build_report, report_fragment
from mfwb.report.html.document import HtmlReport, report_file_name
from mfwb.report.lineage.document import to_dict
from mfwb.snapshot import FlowRunState
from mfwb.snapshot.pathspec import step_of
from tests.support.flow_runs import flow_run, ref, task
from tests.support.html_pages import ParsedPage
from tests.unit.report.html.samples import (
    HOSTILE,
    entry,
    failed_run,
    large_run,
    material,
)
from tests.unit.report.lineage.samples import BROKEN, KNOWN, traced


def test_all_that_a_page_shows() -> None:
    """Header, graph, timeline, failures, tables, logs, cards, losses, and what W&B has."""
    report = build_report([material(failed_run("some text"), "some text")], [[entry("some text")]])
    page = ParsedPage.of(report.html)

    assert page.faults() == []
    for section in (
        *("failures", "lineage", "timeline", "parameters", "charts", "artifacts", "tasks"),
        *("cards", "logs", "losses", "wandb"),
    ):
        assert f'id="run1-{section}"' in report.html
        assert f'href="#run1-{section}"' in report.html
    for text in (
        *("DemoFlow/7", "failed", "2023-11-14 22:13:20 UTC", "1 min", "some text"),
        *("train/3", "attempt 1", "retried", "Traceback some text", "index 2", "no reader"),
        *("the last 1 line of 4", "9 B in its middle are left out", "not shown: some text"),
        *("some text:v1", "min", "sha1", "a note some text"),
    ):
        assert text in page.text, text
    assert "https://wandb.test/acme/wines" in [link.get("href") for link in page.all("a")]
    assert len(page.all("iframe")) == 2
    assert report.flow_runs == ("DemoFlow/7",)
    assert len(report.html) < 100_000


def test_nothing_escapes() -> None:
    """A string that ends whatever it is put into is shown as it is, wherever it is."""
    report = build_report(
        [material(failed_run(HOSTILE), HOSTILE)], [[entry(HOSTILE, url=f"javascript:{HOSTILE}")]]
    )
    page = ParsedPage.of(report.html)

    assert page.faults() == []
    assert report.html.count("<script") == 1
    assert report.html.count("</script") == 1
    assert "javascript:" not in [link.get("href", "")[:11] for link in page.all("a")]
    for _, attributes in page.tags:
        attributes.pop("srcdoc", None)  # a card's own bytes
    assert "\u202e" not in f"{page.tags}{page.texts}"
    assert "\\u202e" in page.text
    assert "{{7*7}}" in page.text
    assert "49" not in page.text.split("{{7*7}}")[0][-5:]


def test_cards_have_no_scripts() -> None:
    """They are cut out, and the rest is shut in."""
    report = build_report([material(failed_run(), HOSTILE)], [[]])
    frames = ParsedPage.of(report.html).all("iframe")

    assert len(frames) == 2
    for frame in frames:
        assert frame["sandbox"] == ""
        assert "<script" not in frame["srcdoc"]
        assert "evil.test" not in frame["srcdoc"]


def test_a_fragment_escapes_nothing_either() -> None:
    """The form for notebooks has no scripts, and its styles have effect only inside."""
    html = report_fragment(traced(failed_run(HOSTILE)))
    page = ParsedPage.of(html)

    assert "<script" not in html
    assert page.unclosed == []
    assert all(name[:2] != "on" for _, attributes in page.tags for name in attributes)
    assert page.text.count("failed") >= 2
    rules = [line for line in page.styles[0].splitlines() if line]
    assert all(line.startswith(".mfwb-fragment") for line in rules)
    assert not {tag for tag, _ in page.tags} & {"a", "iframe", "img", "link"}


def test_the_graph_has_the_nodes_of_lineage() -> None:
    """There is a node for each step and each artifact that `mfwb lineage --json` has."""
    for sample in (KNOWN, traced(BROKEN, {})):
        document = to_dict(sample)
        steps = {step_of(task["pathspec"]) for task in document["tasks"]}
        artifacts = {
            (step_of(task["pathspec"]), name)
            for task in document["tasks"]
            for name in task["writes"]
        }
        page = ParsedPage.of(
            build_report([replace(material(sample.flow_run), traced=sample)], [[]]).html
        )
        kinds = [
            attributes["class"].split()[1]
            for attributes in page.all("a")
            if attributes.get("class", "").startswith("node ")
        ]

        assert kinds.count("step") == len(steps)
        assert kinds.count("artifact") == len(artifacts)
        assert kinds.count("parameters") == any(
            "_parameters" in edge["producer"] for edge in document["edges"]
        )


@pytest.mark.timeout(240)
def test_many_tasks() -> None:
    """Three hundred tasks with ten artifacts each are a page of less than a megabyte."""
    run = material(large_run(300, 10), "0.123456789")
    report = build_report([run], [[]])

    assert len(report.data) < 1_000_000
    assert report.html.count("<tr id=") == 302
    assert ParsedPage.of(report.html).faults() == []


@pytest.mark.timeout(240)
def test_a_graph_of_many_nodes_is_bounded() -> None:
    """Of too many artifacts some are one node, and a long flow is laid out."""
    names = [f"a{number}" for number in range(30)]
    tasks = []
    for number in range(40):
        step = "start" if number == 0 else f"step{number}"
        has = [ref(f"{name}_{own}", f"{own}{name}") for own in range(number + 1) for name in names]
        tasks.append(task(f"{step}/{number + 1}", to=f"step{number + 1}", has=has[-900:]))
    run = flow_run(*tasks)
    page = ParsedPage.of(report_fragment(traced(run)))

    nodes = [
        group["class"] for group in page.all("g") if group.get("class", "").startswith("node ")
    ]
    assert 40 + 40 * 4 <= len(nodes) <= 40 * 2 + 40 * 20
    assert "more" in page.text


def test_more_than_fits_is_said() -> None:
    """A page with too many tasks has those that failed, and says how many there are."""
    run = large_run(2_100, 1)
    page = ParsedPage.of(build_report([material(run)], [[]]).html)

    assert "2,000 of 2,102 tasks are here" in page.text
    assert "602 more attempts are not drawn" in page.text


def test_equal_flow_runs_make_equal_pages() -> None:
    """The page has no time, no random ids and no order that changes."""
    pages = {build_report([material(failed_run())], [[entry()]]).html for _ in range(3)}

    assert len(pages) == 1


def test_a_comparison() -> None:
    """What differs comes first and is marked; each flow run has its graph."""
    first, second = failed_run("a"), replace(failed_run("b"), id="8")
    report = build_report([material(first, "1"), material(second, "2")], [[], []])
    page = ParsedPage.of(report.html)

    assert page.faults() == []
    assert report.file_name == "DemoFlow-comparison.html"
    for title in ("Parameters", "Results", "Durations", "Artifacts"):
        assert title in page.text
    assert report.html.count('class="differs"') >= 3
    assert len([svg for svg in page.all("svg") if svg.get("class") == "timeline"]) == 2
    hostile = build_report([material(first, HOSTILE), material(failed_run(HOSTILE))], [[], []])
    assert ParsedPage.of(hostile.html).faults() == []


def test_what_is_running_has_no_end() -> None:
    """The last task that ended is not the end, alone or in a comparison."""
    ended, running = failed_run(), replace(failed_run(), id="8", state=FlowRunState.RUNNING)
    running = replace(running, finished_at=None)
    alone = ParsedPage.of(build_report([material(running)], [[]]).html).text
    both = ParsedPage.of(build_report([material(ended), material(running)], [[], []]).html).text

    assert "started 2023-11-14" in alone
    assert " ended 19" not in alone  # as its tasks do
    assert both.count(" ended 2023-11-14") == 1
    assert " ended 19" not in both


def test_without_tasks() -> None:
    """A flow run that has done nothing yet has a header, and no more."""
    run = replace(failed_run(), steps=())
    report = build_report(
        [
            replace(
                material(failed_run()),
                traced=replace(traced(failed_run()), flow_run=run),
                runs=(),
                logs={},
                cards=(),
            )
        ],
        [[]],
    )

    assert "DemoFlow/7" in ParsedPage.of(report.html).text


def test_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name, the file is called like the flow run; an error says why."""
    monkeypatch.chdir(tmp_path)
    report = HtmlReport(("Flow/12",), f"<p>{escape(HOSTILE)}\ud800", "<p>")

    assert report.save() == Path("Flow-12.html")
    assert Path("Flow-12.html").read_bytes() == report.data
    assert Path("Flow-12.html").stat().st_mode & 0o777 == 0o644
    assert report._repr_html_() == "<p>"
    assert report_file_name(["Flo w/..x"]) == "Flo_w-..x.html"
    with pytest.raises(MfwbError, match="can't be written"):
        report.save(tmp_path / "nothing" / "here.html")
