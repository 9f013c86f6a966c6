"""A window of chromium: what it shows, and what went wrong in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

_ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
    "--disable-dev-shm-usage",
)
_WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
"""


@dataclass
class Window:
    """A window; `driver` is Selenium's."""

    driver: Any

    def show(self, path: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Open a file, in a window of that size."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        self.driver.get_log("browser")
        self.driver.get("about:blank")
        self.driver.get(path.as_uri())
        # On a busy machine, `get` may come back before the page is there, and its script has run.
        self.until(
            f"return location.href === '{path.as_uri()}' && document.readyState === 'complete'"
        )

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what a script returns."""
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[Any]:
        """Return the elements of a selector."""
        result: list[Any] = self.driver.find_elements("css selector", selector)
        return result

    def until(self, script: str) -> None:
        """Wait until a script returns something true."""
        end = time.monotonic() + 30
        while not self.run(script):
            assert time.monotonic() < end, f"it never came: {script}"
            time.sleep(0.05)

    def faults(self) -> list[str]:
        """Return errors of the console, and violations of the page's policy."""
        log = [entry["message"] for entry in self.driver.get_log("browser")]
        return [*log, *self.run("return window.violations")]

    @contextmanager
    def without_scripts(self) -> Iterator[None]:
        """Show pages without JavaScript, in a tab of its own: a tab may switch back too late."""
        before = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        try:
            yield
        finally:
            self.driver.close()
            self.driver.switch_to.window(before)

    def overflow(self) -> list[str]:
        """Return the elements that make the page wider than the window, as it scrolls sideways."""
        result: list[str] = self.run(
            """
            const width = innerWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            return [...document.querySelectorAll("body *")]
              .filter((item) => item.getBoundingClientRect().right > width + 1)
              .map((item) => `${item.tagName} ${item.className}`);
            """
        )
        return result


@contextmanager
def open_window(browser: str, driver: str, profile: Path) -> Iterator[Window]:
    """Yield a window of a browser with an empty profile, and end the browser."""
    options = Options()
    options.binary_location = browser
    for argument in (*_ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    try:
        chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
        yield Window(chrome)
    finally:
        chrome.quit()
