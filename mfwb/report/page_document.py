"""The document of `mfwb open`, and its type; its schema is made from it."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

__all__ = ["PageDocument", "page_document"]


class PageDocument(TypedDict):
    """What `mfwb open` prints with `--json`: the page, which is not opened then.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        command: open.
        pathspec: as it was given.
        url: address of the page in W&B.
    """

    version: Literal[1]
    command: str
    pathspec: str
    url: str


def page_document(pathspec: str, url: str) -> PageDocument:
    """Return the document for a page in W&B."""
    return {"version": 1, "command": "open", "pathspec": pathspec, "url": url}
