"""Cards without scripts: a page cannot let a stranger's script run, however it is shut in.

A script in a frame could look up names on the network, which no policy of a page forbids. The cards
that Metaflow draws with a script keep their data in it; so they are drawn from that data.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mfwb.report.html.model import CardComponent
from mfwb.report.html.texts import text_block

__all__ = ["card_components", "styles_in", "without_scripts"]

_DATA = re.compile(r'__MF_DATA__\["[^"]{1,200}"\]\s{0,4}=\s{0,4}"([A-Za-z0-9+/=]+)"')
_SCRIPT = re.compile(r"<script\b.*?(?:</script\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_LINKED = re.compile(r"<(?:link|meta|base)\b[^>]*>", re.IGNORECASE)
_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style\s*>", re.IGNORECASE | re.DOTALL)
_TEXT = 20_000  # letters of a part
_ROWS = 200
_DEPTH = 12
_COMPONENTS = 400
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+\Z")


def card_components(html: str) -> tuple[CardComponent, ...] | None:
    """Return the parts of a card that Metaflow draws with its script; None if it is another one."""
    match = _DATA.search(html)
    if match is None:
        return None
    try:
        data = json.loads(base64.b64decode(match[1], validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    parts = data.get("components") if isinstance(data, dict) else None
    if not isinstance(parts, list):
        return None
    components: list[CardComponent] = []
    for component in _all_components(parts, 0):
        components.append(component)
        if len(components) >= _COMPONENTS:
            components.append(CardComponent("note", "the rest of this card is left out"))
            break
    return tuple(components)


def _all_components(parts: list[Any], depth: int) -> Iterator[CardComponent]:
    for part in parts:
        if isinstance(part, Mapping):
            yield from _components(part, depth)
        elif isinstance(part, (str, int, float)):
            yield CardComponent("text", text_block(str(part), _TEXT))


def _components(part: Mapping[str, Any], depth: int) -> Iterator[CardComponent]:
    kind = part.get("type")
    inside = part.get("contents")
    if isinstance(inside, list):  # a page or a section
        if isinstance(part.get("title"), str):
            yield CardComponent("heading", text_block(part["title"], _TEXT))
        if depth < _DEPTH:
            yield from _all_components(inside, depth + 1)
    elif kind == "table":
        yield _table(part, depth)
    elif kind == "artifacts":
        yield _artifacts(part)
    elif kind == "image":
        yield from _image(part)
    elif kind == "dag":
        return
    else:
        shown = {
            "title": "title",
            "subtitle": "subtitle",
            "pythonCode": "code",
            "log": "code",
            "html": "html",
        }.get(str(kind), "text")
        text = next((part[key] for key in ("text", "data", "source", "value") if key in part), None)
        if isinstance(text, (str, int, float)) and str(text).strip():
            is_html = shown == "html"
            shown_text = (
                without_scripts(str(text)[:_TEXT]) if is_html else text_block(str(text), _TEXT)
            )
            yield CardComponent(shown, shown_text)
        elif text is None or not isinstance(text, str):
            yield CardComponent("note", f"a {str(kind)[:40]} is not shown here")


def _table(part: Mapping[str, Any], depth: int) -> CardComponent:
    columns, rows = part.get("columns"), part.get("data")
    rows = rows if isinstance(rows, list) else []
    return CardComponent(
        "table",
        columns=tuple(
            text_block(str(column), 200)
            for column in (columns if isinstance(columns, list) else ())
        ),
        rows=tuple(
            tuple(_cell(cell, depth) for cell in row)
            for row in rows[:_ROWS]
            if isinstance(row, list)
        ),
    )


def _cell(cell: Any, depth: int) -> tuple[CardComponent, ...]:
    if isinstance(cell, Mapping):
        return tuple(_components(cell, depth + 1)) if depth < _DEPTH else ()
    return (CardComponent("text", text_block(str(cell), 2_000)),)


def _artifacts(part: Mapping[str, Any]) -> CardComponent:
    entries = part.get("data")
    rows = []
    for entry in (entries if isinstance(entries, list) else ())[:_ROWS]:
        if isinstance(entry, Mapping):
            cells = (entry.get("name"), entry.get("type"), entry.get("data"))
            rows.append(
                tuple(
                    (CardComponent("text", text_block(str(cell or ""), 2_000)),) for cell in cells
                )
            )
    return CardComponent("table", columns=("name", "type", "value"), rows=tuple(rows))


def _image(part: Mapping[str, Any]) -> Iterator[CardComponent]:
    source, label = part.get("src"), part.get("label")
    if isinstance(source, str) and _IMAGE.match(source):
        yield CardComponent("image", source)
    else:
        yield CardComponent("note", "an image is not shown here")
    if isinstance(label, str) and label:
        yield CardComponent("text", text_block(label, _TEXT))


def without_scripts(html: str) -> str:
    """Return a page without scripts and links, which a sandbox would only refuse to load.

    This saves room and messages in the browser's console. What keeps the page safe is the sandbox.
    """
    return _LINKED.sub("", _SCRIPT.sub("", html))


def styles_in(html: str) -> list[str]:
    """Return the contents of the style elements of a page."""
    return _STYLE.findall(html)
