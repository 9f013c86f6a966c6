"""Addresses of consoles in Metaflow's configuration, for links in W&B.

Metaflow 2.19.39 calls them `METAFLOW_UI_URL` and `METAFLOW_ARGO_WORKFLOWS_UI_URL`. A settings file
of a stranger's folder may set neither of them: mfwb.settings_files.metaflow_config.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

from metaflow import metaflow_config

from mfwb.planning import Consoles

__all__ = ["configured_consoles"]

_NEVER_IN_URLS = re.compile(r"[\\\s\x00-\x1f\x7f]")
_IN_PATHS = "/%~!$&'*+,;=:@"  # without brackets, which end a link of Markdown


def configured_consoles() -> Consoles:
    """Return the addresses; those that are not plain URLs of a web page are left out."""
    return Consoles(
        metaflow_ui=_address(getattr(metaflow_config, "UI_URL", None)),
        argo_workflows=_address(getattr(metaflow_config, "ARGO_WORKFLOWS_UI_URL", None)),
    )


def _address(configured: Any) -> str:
    """Return a URL without a slash at its end, and without what only one person may know."""
    if not isinstance(configured, str) or _NEVER_IN_URLS.search(configured):
        return ""
    try:
        parts = urlsplit(configured)
        is_page = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # the port is not a number
        return ""
    if not is_page or "@" in parts.netloc or parts.query or parts.fragment:
        return ""
    path = quote(parts.path.rstrip("/"), safe=_IN_PATHS)
    return f"{parts.scheme}://{parts.netloc}{path}"
