"""The browser, and pages for it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mfwb.report.html import build_report
from tests.browser.window import Window, open_window
from tests.unit.report.html.samples import HOSTILE, entry, failed_run, large_run, material


@pytest.fixture(scope="session")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """Return the window of a browser without a screen."""
    browser, driver = map(shutil.which, ("chromium", "chromedriver"))
    if browser is None or driver is None:
        pytest.fail("these tests need chromium and chromedriver; `make test-browser` says how")
    with open_window(str(browser), str(driver), tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="session")
def requests() -> Iterator[tuple[str, list[str]]]:
    """Return the address of a server that nobody may ask, and the paths that it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()


@pytest.fixture(scope="session")
def page(
    tmp_path_factory: pytest.TempPathFactory, requests: tuple[str, list[str]]
) -> Callable[[str], Path]:
    """Return a function that writes a page: failed, hostile, large or compared."""
    folder = tmp_path_factory.mktemp("pages")
    address, _ = requests
    attack = (
        f"{HOSTILE}<img src={address}/image><link rel=stylesheet href={address}/style>"
        f"<meta http-equiv=refresh content='0;url={address}/refresh'>"
        f"<iframe src={address}/frame></iframe><style>@import '{address}/css';</style>"
        f"<a href={address}/link target=_top ping={address}/ping>a link</a>"
        f"<video autoplay src={address}/film></video><object data={address}/object></object>"
        f"<form action={address}/form><button autofocus>b</button></form>"
        "<script>parent.pwned=1;top.pwned=1</script><body onload=top.pwned=1>"
    )
    makers = {
        "failed": lambda: build_report([material(failed_run("some_name"), "a text")], [[entry()]]),
        "hostile": lambda: build_report([material(failed_run(attack), attack)], [[entry(attack)]]),
        "large": lambda: build_report([material(large_run(300, 10), "0.5")], [[]]),
        "compared": lambda: build_report(
            [material(failed_run("a"), "1"), material(failed_run("b"), "2")], [[], []]
        ),
    }

    def write(name: str) -> Path:
        path = folder / f"{name}.html"
        return path if path.exists() else makers[name]().save(path)

    return write
