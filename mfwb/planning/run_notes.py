"""Notes of a W&B run: what the step is for, and how to open the same step in Metaflow. Pure.

W&B shows notes as Markdown. A docstring may come from a stranger: it is shown as text, in a block
of code, where links, images and HTML have no effect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from mfwb.planning.console_links import LINK_TITLES
from mfwb.planning.size_limits import shorten_text
from mfwb.redaction import mask_url_users
from mfwb.safe_text import printable

__all__ = ["build_notes"]

_DOC_LIMIT = 10_000  # characters; config has the whole docstring
_SLASHES_OF_TASK = 3  # `Flow/123/train/4`
_BACKTICKS = re.compile("`+")


def build_notes(
    pathspec: str, provider: str, doc: str, links: Mapping[str, Sequence[str]], own: str | None
) -> str:
    """Return the notes of a W&B run, in Markdown.

    Args:
        pathspec: of the step or task.
        provider: of its metadata.
        doc: the docstring of the step.
        links: its links to consoles, as `build_links` returns them.
        own: the user's setting `run_notes`, which stands in front; if it is empty, there are no
            notes at all; None: not set.
    """
    if own is not None and not own.strip():
        return ""
    text = printable(shorten_text(doc.strip(), _DOC_LIMIT))
    parts = [
        own or "",
        _block("text", text) if text else "",
        f"Open it in Metaflow:\n\n{_block('python', _opening_lines(pathspec, provider))}",
        " · ".join(f"[{LINK_TITLES[name]}]({urls[0]})" for name, urls in _single(links)),
    ]
    return "\n\n".join(part for part in parts if part)


def _opening_lines(pathspec: str, provider: str) -> str:
    kind = "Task" if pathspec.count("/") == _SLASHES_OF_TASK else "Step"
    return "\n".join(
        [
            f"from metaflow import {kind}, metadata, namespace",
            "",
            f"metadata({_literal(mask_url_users(provider))})",
            "namespace(None)",
            f"{kind.lower()} = {kind}({_literal(pathspec)})",
        ]
    )


def _literal(text: str) -> str:
    """Return a text as a literal of Python: JSON in ASCII is one."""
    return json.dumps(text)


def _single(links: Mapping[str, Sequence[str]]) -> list[tuple[str, Sequence[str]]]:
    """Return the links to consoles that have one only: config has all links of many tasks."""
    return [(name, urls) for name, urls in links.items() if len(urls) == 1]


def _block(language: str, text: str) -> str:
    """Return a block of code in Markdown that no text can end."""
    longest = max(map(len, _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
