"""Logs and cards of real flow runs, as W&B gets them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from tests.integration.results import Synced
from tests.support.versions import since

SyncedFlow = Callable[..., Synced]


@since("metaflow", "2.16", "it records its cards")
def test_the_cards_of_the_last_attempt(synced: SyncedFlow) -> None:
    """Each once, under its own name, whatever the order of a listing."""
    flow_run = synced("carded_flow")
    run = flow_run.run("start")

    html = {name: data for name, data in run.files.items() if name.endswith(".html")}
    result = {
        key: _said(next(data for name, data in html.items() if name == value["path"]))
        for key, value in run.summary.items()
        if key.startswith("card")
    }
    assert result.keys() == {"card/blank", "card/details"}
    assert "MAIN CARD OF ATTEMPT 1" in result["card/blank"]
    assert "DETAILS OF ATTEMPT 1" in result["card/details"]
    assert flow_run.losses == []


def _said(html: bytes) -> str:
    """Return what a card shows: Metaflow keeps that in its HTML in base64."""
    parts = re.findall(rb'__MF_DATA__\["[^"]*"\] = "([A-Za-z0-9+/=]+)"', html)
    return "".join(base64.b64decode(part).decode("utf-8", "replace") for part in parts)


def test_a_log_of_any_bytes(synced: SyncedFlow) -> None:
    """What is no UTF-8 is spelled out."""
    console = synced("carded_flow").run("start").console

    assert any("caf\\xe9" in item.line for item in console)
