"""Addresses of W&B's web pages: as W&B itself makes them, escaped, and only for a browser."""

from __future__ import annotations

import pytest
import wandb

from mfwb.destination.addresses import (
    group_url,
    is_web_address,
    project_url,
    project_url_of_run,
    run_url,
)

_OWN_CLOUD = ("https://api.wandb.ai", "https://api.forge.coreweave.com", "https://api.qa.wandb.ai")
"""Their web pages have moved; wandb 0.30 does not know it."""


@pytest.mark.parametrize(
    "base",
    [
        *(() if wandb.__version__.startswith("0.30") else _OWN_CLOUD),
        "https://api.wandb.test",
        "https://api.acme.com",
        "https://w.example.com",
        "http://127.0.0.1:8080",
    ],
)
def test_web_pages_are_where_wandb_says(base: str) -> None:
    """The SDK has the same rule for the address of a project."""
    settings = wandb.Settings(base_url=base, entity="acme", project="red wines")

    assert project_url(base, "acme", "red wines", {}) == settings.project_url


def test_another_server_of_web_pages() -> None:
    """W&B's variable for it is followed."""
    environ = {"WANDB_APP_URL": "https://pages.example.com/"}

    assert (
        project_url("https://api.example.com", "acme", "wines", environ)
        == "https://pages.example.com/acme/wines"
    )


def test_names_are_escaped() -> None:
    """No name can lead elsewhere."""
    project = project_url("https://w.example.com", "a/b", "../c?d#e", {})

    assert project == "https://w.example.com/a%2Fb/..%2Fc%3Fd%23e"
    assert group_url(project, "Flow/1?x") == f"{project}/groups/Flow%2F1%3Fx/workspace"
    assert run_url(project, "a/../b") == f"{project}/runs/a%2F..%2Fb"
    assert project_url_of_run(run_url(project, "ab")) == project


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://wandb.ai/acme", True),
        ("http://127.0.0.1:8080/acme", True),
        ("HTTPS://wandb.ai/acme", True),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
        ("https:///acme", False),
        ("https://wandb.ai@evil.example/acme", False),
        ("https://wandb.ai/a b", False),
        ("https://wandb.ai\\@evil.example", False),
        ("https://[", False),
        ("--new-window", False),
        ("", False),
    ],
)
def test_only_web_addresses_are_for_a_browser(url: str, is_safe: bool) -> None:  # noqa: FBT001 - a case
    """What a server said may be a command or a file."""
    assert is_web_address(url) is is_safe
