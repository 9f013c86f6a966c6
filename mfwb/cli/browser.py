"""The user's browser."""

from __future__ import annotations

import os
import sys

__all__ = ["open_in_browser"]

_DESKTOPS = ("DISPLAY", "WAYLAND_DISPLAY")


def open_in_browser(url: str) -> bool:
    """Open a page in the user's browser; return whether one was started.

    Without a desktop, Python would start a browser for terminals.
    """
    import webbrowser  # noqa: PLC0415 - hardly ever needed

    has_desktop = sys.platform == "darwin" or any(map(os.environ.get, _DESKTOPS))
    if not (has_desktop or os.environ.get("BROWSER")):
        return False
    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError, ValueError):  # $BROWSER may be anything
        return False
