"""Links to W&B's pages: as links of the terminal where there is one, in full elsewhere."""

from __future__ import annotations

import re

from rich.console import Console
from rich.style import Style
from rich.text import Text

from mfwb.destination.addresses import is_web_address
from mfwb.report.console import is_limited

__all__ = ["linked"]

_PLAIN = re.compile("[!-~]{1,2000}")
"""None of these letters ends an escape sequence."""


def linked(text: Text, url: str | None, console: Console) -> Text:
    """Return a text that leads to a page on a terminal; elsewhere, the text as it is.

    Args:
        text: what is shown.
        url: the page; what strangers could have made of it is not linked.
        console: where it is shown.
    """
    if url is None or not _PLAIN.fullmatch(url) or not is_web_address(url):
        return text
    if not (console.is_terminal and is_limited(console)):
        return text
    copy = text.copy()
    copy.stylize(Style(link=url))
    return copy
