"""`mfwb report` on real flow runs: what the page has, before and after a sync."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.results import metadata_of
from tests.support.html_pages import ParsedPage
from tests.support.sandbox import Finished, Sandbox

FlowRuns = Callable[[str], str]
Report = Callable[..., Finished]


@pytest.fixture
def report(sandbox: Sandbox, flows_root: Path) -> Report:
    """Return `mfwb report` of shared flow runs."""

    def report(*arguments: str) -> Finished:
        return sandbox.mfwb("report", *arguments, "--metadata", metadata_of(flows_root))

    return report


def test_a_flow_run(report: Report, flow_run: FlowRuns, sandbox: Sandbox) -> None:
    """Without a sync: values, tables, images, charts, logs and cards are in the page."""
    pathspec = flow_run("rich_flow")
    done = report("RichFlow/latest", "--json")
    name = f"{pathspec.replace('/', '-')}.html"

    assert done.code == 0, done.err
    path = sandbox.root / name
    assert done.document == {
        "version": 1,
        "command": "report",
        "path": name,
        "bytes": path.stat().st_size,
        "flow_runs": [pathspec],
    }
    page = ParsedPage.of(path.read_text("utf-8"))
    assert page.faults() == []
    for text in (
        *("RichFlow", "finished", "rate", "0.5", "blue", "label"),  # the header and parameters
        *("first line", "a warning", "working on b"),  # logs
        *('"x": 1', "min 10, mean 15, max 20", "index 1"),  # values, of one task and of two
        *("curve", "score", "an item each"),
    ):
        assert text in page.text, text
    assert len(page.all("img")) >= 3  # a picture, and an album
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert "W&B run" not in page.text
    assert len(page.all("iframe")) >= 1  # cards
    assert report(pathspec, "-o", "-").out == path.read_text("utf-8")


def test_what_went_to_wandb(
    online: Sandbox, project: str, flow_run: FlowRuns, flows_root: Path
) -> None:
    """After a sync, the W&B runs are linked, as the ledger has them."""
    pathspec = flow_run("fan_flow")
    source = ("--metadata", metadata_of(flows_root))
    done = online.mfwb("sync", pathspec, "--json", "--project", project, *source)
    page = ParsedPage.of(online.mfwb("report", pathspec, "-o", "-", *source).out)

    urls = {run["url"] for run in done.document["flow_runs"][0]["wandb_runs"]}
    assert urls <= {link.get("href") for link in page.all("a")}
    assert f"acme/{project} on {online.extra['WANDB_BASE_URL']} synced" in page.text
    assert page.faults() == []


def test_a_comparison(report: Report, flow_run: FlowRuns, sandbox: Sandbox) -> None:
    """Two flow runs side by side; the same one twice is one."""
    first, second = flow_run("fan_flow"), flow_run("rich_flow")
    done = report(first, second, "-o", "both.html")

    assert (done.code, done.out) == (0, "both.html\n"), done.err
    page = ParsedPage.of((sandbox.root / "both.html").read_text("utf-8"))
    assert page.faults() == []
    assert {first, second} <= {text.strip() for text in page.texts}
    assert "2 flow runs" in page.text


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("FanFlow/latest", "-o", "nothing/run.html"), 2, "no file in a folder that exists"),
        (("FanFlow/latest", "-o", "-", "--json"), 2, "leave out --json"),
        (("FanFlow",), 2, "which runs of FanFlow?"),
        (("NoFlow/1",), 1, "NoFlow"),
    ],
)
def test_wrong_use(
    report: Report,
    flow_run: FlowRuns,
    arguments: tuple[str, ...],
    code: int,
    error: str,
) -> None:
    """One line says what is wrong, and nothing is written."""
    flow_run("fan_flow")
    done = report(*arguments)

    assert done.code == code, done.err
    assert error in done.err
    assert done.out == ""
