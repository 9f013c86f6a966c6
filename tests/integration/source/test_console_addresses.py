"""Addresses of consoles in Metaflow's configuration."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from mfwb.planning import Consoles

with warnings.catch_warnings():  # what Metaflow imports warns
    warnings.simplefilter("ignore")
    from metaflow import metaflow_config

    from mfwb.source.console_addresses import configured_consoles


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets both addresses."""

    def configure(value: Any) -> Consoles:
        monkeypatch.setattr(metaflow_config, "UI_URL", value)
        monkeypatch.setattr(metaflow_config, "ARGO_WORKFLOWS_UI_URL", value)
        return configured_consoles()

    return configure


@pytest.mark.parametrize(
    ("configured", "address"),
    [
        ("https://ui.example.com", "https://ui.example.com"),
        ("http://localhost:8083/mf/", "http://localhost:8083/mf"),
        ("https://ui.example.com/a(b)", "https://ui.example.com/a%28b%29"),
    ],
)
def test_addresses(configure: Any, configured: str, address: str) -> None:
    """A slash at the end does not count, and brackets would end a link of Markdown."""
    assert configure(configured) == Consoles(address, address)


@pytest.mark.parametrize(
    "configured",
    [
        *(None, "", 5, "ui.example.com", "javascript:alert(1)", "file:///etc/passwd"),
        *("https://ada:secret@ui.example.com", "https://ui.example.com/?token=x", "https://"),
        *("https://ui.example.com/ a", "https://one\\\\@other", "https://x:port", "https://x/#y"),
    ],
)
def test_no_address(configure: Any, configured: Any) -> None:
    """What is no plain address of a page, or has a secret in it, makes no link."""
    assert configure(configured) == Consoles()


def test_metaflow_has_these_settings() -> None:
    """Both names are Metaflow's own; without them there are no links."""
    assert hasattr(metaflow_config, "UI_URL")
    assert hasattr(metaflow_config, "ARGO_WORKFLOWS_UI_URL")
