"""Links of the pages that lead out of docs/, to files of the repository.

On GitHub they are relative. On the site they lead to the repository, if its address is known, as
in a release; else they are text.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping
from typing import Any

from pygments.lexers.shell import BashLexer

__all__ = ["setup", "with_repository_links"]

_LINK = re.compile(r"\[([^\]\n]+)\]\(((?:\.\./)+[^)\s#]*)(#[^)\s]*)?\)")
_CODE = re.compile(r"(^(?:```|~~~).*?^(?:```|~~~)\s*$)", re.MULTILINE | re.DOTALL)


def with_repository_links(text: str, page: str, address: str) -> str:
    """Return the text of a page with links to files outside of docs/ made absolute.

    Args:
        text: Markdown.
        page: its name below docs/, such as `decisions/README`.
        address: where the files are read, such as `https://host/owner/name/blob/v1`; empty: a link
            becomes its text.
    """
    parts = _CODE.split(text)
    parts[::2] = [_linked(part, page, address) for part in parts[::2]]
    return "".join(parts)


def _linked(text: str, page: str, address: str) -> str:
    folder = posixpath.dirname(f"docs/{page}")

    def absolute(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, link[2]))
        if path.startswith("docs/"):
            return link[0]
        return f"[{link[1]}]({address}/{path}{link[3] or ''})" if address else link[1]

    return _LINK.sub(absolute, text)


def _address(environment: Mapping[str, str]) -> str:
    repository = environment.get("MFWB_REPOSITORY_URL", "").rstrip("/")
    tag = environment.get("MFWB_RELEASE_TAG") or "main"
    return f"{repository}/blob/{tag}" if repository else ""


def _on_source_read(app: Any, name: str, source: list[str]) -> None:
    source[0] = with_repository_links(source[0], name, app.config.repository_files)


def setup(app: Any) -> dict[str, bool]:
    """Have Sphinx call it for each page it reads."""
    app.add_config_value("repository_files", _address(os.environ), "env")
    app.connect("source-read", _on_source_read)
    app.add_lexer("crontab", BashLexer)  # which Pygments does not know
    return {"parallel_read_safe": True, "parallel_write_safe": True}
