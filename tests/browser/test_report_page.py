"""The report in a browser: it loads without a fault, and what one clicks does what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.window import Window
from tests.integration.results import metadata_of
from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.browser

Page = Callable[[str], Path]


def test_the_graph_of_a_real_flow_run(
    window: Window, flow_run: Callable[[str], str], flows_root: Path, sandbox: Sandbox
) -> None:
    """The command writes a page with a node for each step and artifact of `mfwb lineage`."""
    pathspec = flow_run("fan_flow")
    metadata = ("--metadata", metadata_of(flows_root))
    path = sandbox.root / "run.html"
    written = sandbox.mfwb("report", pathspec, "-o", str(path), "--json", *metadata)
    lineage = sandbox.mfwb("lineage", pathspec, "--format", "json", *metadata).document
    window.show(path)

    assert (written.code, written.document["bytes"]) == (0, path.stat().st_size)
    assert window.faults() == []
    steps = {task["pathspec"].split("/")[2] for task in lineage["tasks"]}
    artifacts = {
        (task["pathspec"].split("/")[2], name)
        for task in lineage["tasks"]
        for name in task["writes"]
    }
    assert len(window.all("svg.graph a.node.step")) == len(steps)
    assert len(window.all("svg.graph a.node.artifact")) == len(artifacts)
    rows = window.all("table.tasks tbody tr")
    assert len(rows) == len(lineage["tasks"])


@pytest.mark.parametrize("name", ["failed", "large", "compared"])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1280])
def test_it_fits_and_has_no_faults(
    window: Window, page: Page, name: str, width: int, *, dark: bool
) -> None:
    """Narrow or wide, dark or light: no error, no violation, nothing to scroll sideways."""
    window.show(page(name), width=width, dark=dark)

    assert window.faults() == []
    assert window.overflow() == []
    background = window.run("return getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") is not dark
    contrast = window.run(_LOWEST_CONTRAST)
    assert contrast[0] >= 4.5, contrast


_LOWEST_CONTRAST = """
const luminance = (color) => {
  const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((n) => n / 255)
    .map((n) => (n <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (item) => {
  for (; item; item = item.parentElement) {
    const color = getComputedStyle(item).backgroundColor;
    if (!/, 0\\)|transparent/.test(color)) return color;
  }
  return "rgb(255, 255, 255)";
};
let lowest = [99, ""];
for (const item of document.querySelectorAll("main *, header *, nav *, footer")) {
  const hasText = [...item.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!hasText || !item.checkVisibility() || item.closest("svg")) continue;
  const colors = [getComputedStyle(item).color, behind(item)];
  const [a, b] = colors.map(luminance).sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  const name = `${item.tagName}.${item.className} ${item.textContent.slice(0, 30)}`;
  if (ratio < lowest[0]) lowest = [ratio, name, ...colors];
}
return lowest;
"""


def test_clicks_in_the_graph(window: Window, page: Page) -> None:
    """A click shows what is known of a node and what it is linked with; so does the keyboard."""
    window.show(page("failed"))
    step = next(
        node for node in window.all("a.node.step") if "failed" in node.get_attribute("class")
    )
    window.run("arguments[0].focus()", step)
    step.send_keys(Keys.ENTER)

    shown = [item for item in window.all(".node-facts") if item.is_displayed()]
    assert len(shown) == 1
    assert "train" in shown[0].text
    assert "failed" in shown[0].text
    assert len(window.all("path.near")) >= 3
    window.until(
        "const frame = document.querySelector('.graph-frame').getBoundingClientRect();"
        "const node = document.querySelector('.node.chosen rect').getBoundingClientRect();"
        "return node.left >= frame.left && node.right <= frame.right + 1"
    )
    window.all(".graph-side .close")[0].click()
    assert not window.all(".node-facts.shown")
    artifact = next(node for node in window.all("a.node.artifact") if "wines" in node.text)
    window.run(
        "arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))",
        artifact,
    )
    link = next(item for item in window.all(".node-facts.shown a.more") if item.is_displayed())
    link.click()
    window.until("return document.querySelector('details.artifact[open]') !== null")
    assert window.faults() == []


def test_zoom_and_move(window: Window, page: Page) -> None:
    """The buttons and keys zoom, dragging moves, and `fit` shows all again."""
    window.show(page("failed"))
    view = (
        "const svg = document.querySelector('.graph-frame svg');"
        "return svg.getAttribute('viewBox').split(' ').map(Number)"
    )
    begin = window.run(view)
    plus, minus, fit = window.all(".tools button")
    plus.click()
    zoomed = window.run(view)
    assert zoomed[2] < begin[2]
    frame = window.all(".graph-frame")[0]
    window.run("arguments[0].focus()", frame)
    frame.send_keys(Keys.ARROW_RIGHT)
    assert window.run(view)[0] > zoomed[0]
    minus.click()
    fit.click()
    fitted = window.run(view)
    full = window.run(
        "return [...document.querySelectorAll('.graph-frame svg rect')]"
        ".map((rect) => rect.getBBox()).map((box) => box.x + box.width)"
    )
    assert fitted[0] + fitted[2] >= max(full)
    window.run(
        """
        const frame = arguments[0];
        const send = (type, x) => (type === "pointerdown" ? frame : window).dispatchEvent(
          new PointerEvent(type, {clientX: x, clientY: 300, button: 0, bubbles: true}));
        send("pointerdown", 300); send("pointermove", 350); send("pointerup", 350);
        """,
        frame,
    )
    assert window.run(view)[0] < fitted[0]


def test_sort_and_filter(window: Window, page: Page) -> None:
    """A click on a heading sorts by numbers, and a filter leaves what has the words."""
    window.show(page("large"))
    took = window.all("table.tasks thead button")[5]
    took.click()
    took.click()
    values = window.run(
        "return [...document.querySelectorAll('table.tasks tbody tr')]"
        ".map((row) => +row.cells[5].dataset.value)"
    )
    assert values == sorted(values, reverse=True)
    assert len(values) == 302
    task_filter = window.all("#run1-tasks input.filter")[0]
    task_filter.send_keys("work 299")
    shown = [row for row in window.all("table.tasks tbody tr") if row.is_displayed()]
    assert ["work/" in row.text for row in shown] == [True] * len(shown)
    assert 1 <= len(shown) <= 2
    assert window.faults() == []


def test_hostile_strings_do_nothing(
    window: Window, page: Page, requests: tuple[str, list[str]]
) -> None:
    """No script of a flow run runs, in the page or in a card, and no request leaves."""
    window.show(page("hostile"))
    for details in window.all("details:not([open]) > summary"):
        window.run("arguments[0].click()", details)
    window.run(
        "document.querySelectorAll('iframe').forEach((frame) => { frame.loading = 'eager'; })"
    )
    frames = window.all("iframe")
    assert len(frames) == 2
    for frame in frames:
        window.run("arguments[0].scrollIntoView()", frame)
        window.driver.switch_to.frame(frame)
        assert window.run("return document.body.textContent").strip()
        window.driver.switch_to.default_content()

    assert window.run("return typeof window.pwned") == "undefined"
    assert window.run("return location.protocol") == "file:"
    window.run("return new Promise((done) => setTimeout(done, 1000))")
    assert requests[1] == []
    assert len(window.driver.window_handles) == 1


def test_without_javascript(window: Window, page: Page) -> None:
    """All is there without a script: a link of the graph shows what is known of a node."""
    with window.without_scripts():
        window.show(page("failed"))
        node = window.all("a.node.step")[0]
        window.driver.get(f"{page('failed').as_uri()}{node.get_dom_attribute('href')}")
        shown = [item for item in window.all(".node-facts") if item.is_displayed()]
        assert len(shown) == 1
        assert len(window.all("svg.timeline rect")) == 5
        assert not window.all("input.filter")


def test_printing_opens_what_is_folded(window: Window, page: Page) -> None:
    """On paper, details are open."""
    window.show(page("failed"))
    window.run("window.dispatchEvent(new Event('beforeprint'))")
    assert not window.all("details:not([open])")
    window.run("window.dispatchEvent(new Event('afterprint'))")
    assert window.all("details:not([open])")
