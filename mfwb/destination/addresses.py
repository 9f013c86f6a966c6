"""Addresses of W&B's web pages: of a project, of a group, of a W&B run; and folders of these."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from urllib.parse import quote, urlsplit

from mfwb.url_origins import origin_of

__all__ = [
    "bundle_folder",
    "group_url",
    "is_web_address",
    "project_url",
    "project_url_of_group",
    "project_url_of_run",
    "run_url",
]

_RUNS = "/runs/"
_GROUPS = "/groups/"
_INVISIBLE = re.compile(r"[\s\x00-\x1f\x7f]")

_FORGE_HOSTS = {
    host: forge
    for forge, api in (
        ("forge.coreweave.com", "api.wandb.ai"),
        ("qa.forge.coreweave.com", "api.qa.wandb.ai"),
    )
    for host in (forge, f"api.{forge}", api)
}
"""The host of the web pages of W&B's own cloud, by the host of its API (wandb 0.31)."""


def project_url(
    base_url: str, entity: str, project: str, environ: Mapping[str, str] = os.environ
) -> str:
    """Return the page of a project.

    Args:
        base_url: of the server, as W&B's settings have it: `https://api.wandb.ai`.
        entity: its owner.
        project: its name.
        environ: variables; WANDB_APP_URL has the web pages of a server that has them elsewhere.
    """
    pages = environ.get("WANDB_APP_URL", "").strip("/") or _pages_of(base_url)
    return f"{pages}/{_quoted(entity)}/{_quoted(project)}"


def project_url_of_run(url: str) -> str:
    """Return the page of the project of a W&B run, whose own page is given."""
    return url.rpartition(_RUNS)[0] or url


def group_url(project: str, group: str) -> str:
    """Return the page of a group in a project, whose page is given."""
    return f"{project}{_GROUPS}{_quoted(group)}/workspace"


def project_url_of_group(url: str) -> str:
    """Return the page of the project of a group, whose own page is given."""
    return url.rpartition(_GROUPS)[0] or url


def run_url(project: str, run_id: str) -> str:
    """Return the page of a W&B run in a project, whose page is given."""
    return f"{project}{_RUNS}{_quoted(run_id)}"


def is_web_address(url: str) -> bool:
    """Return whether a browser may be given this URL: http or https, a host, and nothing else.

    A server said what the URL is, and `file:` or `javascript:` would be opened, too.
    """
    if _INVISIBLE.search(url) or origin_of(url)[0] not in {"http", "https"}:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and not (parts.username or parts.password)


def bundle_folder(run_folders: Iterable[str | None]) -> str | None:
    """Return the folder of a bundle that holds the folders of W&B runs; None if they have none."""
    folders = {str(PurePath(folder).parent) for folder in run_folders if folder}
    return os.path.commonpath(folders) if folders else None


def _quoted(name: str) -> str:
    return quote(name, safe="", errors="replace")


def _pages_of(base_url: str) -> str:
    """Return the server of the web pages that belong to an API, as wandb 0.31 does."""
    base = base_url.rstrip("/")
    if host := _FORGE_HOSTS.get(urlsplit(base).hostname or ""):
        return f"https://{host}/wandb"
    if "://api.wandb." in base and "://api.wandb.test" not in base:
        return base.replace("://api.", "://")
    return base.replace("://api.", "://app.")
