"""What a browser would make of a page of the report, by Python's own parser of HTML."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "img", "br", "input", "hr", "base"})
_LEADS_AWAY = frozenset({"src", "href", "action", "data", "poster", "srcset", "xlink:href"})


@dataclass
class ParsedPage(HTMLParser):
    """A page that was read.

    Attributes:
        tags: every element, with its attributes.
        texts: all texts beside scripts and styles.
        scripts: contents of script elements.
        styles: contents of style elements.
        unclosed: elements that no end tag closed in their order.
    """

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    unclosed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []

    @classmethod
    def of(cls, html: str) -> ParsedPage:
        """Return a page that was read to its end."""
        page = cls()
        page.feed(html)
        page.close()
        page.unclosed += page._open
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element of SVG that has nothing inside."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Note an end."""
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.unclosed.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        """Note a text."""
        inside = self._open[-1] if self._open else ""
        {"script": self.scripts, "style": self.styles}.get(inside, self.texts).append(data)

    @property
    def text(self) -> str:
        """All that is shown, with single blanks."""
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of all elements of that kind."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def policy(self) -> dict[str, list[str]]:
        """The policy of the page, by directive."""
        [content] = [
            meta["content"]
            for meta in self.all("meta")
            if meta.get("http-equiv") == "Content-Security-Policy"
        ]
        return {name: values for name, *values in (part.split() for part in content.split(";"))}

    def faults(self) -> list[str]:
        """Return what must not be in a page, whatever a flow has in its strings."""
        faults = [f"not closed: {tag}" for tag in self.unclosed]
        for tag, attributes in self.tags:
            if tag in {"object", "embed", "base", "link", "form", "applet", "math", "use", "image"}:
                faults.append(f"a {tag}")
            for name, value in attributes.items():
                if name.startswith("on") or name == "style":
                    faults.append(f"{name} of {tag}")
                is_fine = value.startswith(("#", "data:image/", "https://", "http://"))
                if name in _LEADS_AWAY and not is_fine:
                    faults.append(f"{name} of {tag}: {value[:60]}")
                if name in {"src", "data"} and not value.startswith("data:image/"):
                    faults.append(f"{tag} loads {value[:60]}")
            if tag == "iframe" and (attributes.get("sandbox") != "" or "src" in attributes):
                faults.append("a frame that is not shut in")
        allowed = self.policy.get("script-src", [])
        if [f"'{digest(script)}'" for script in self.scripts] != allowed:
            faults.append("scripts that are not those of the policy")
        styles = self.policy.get("style-src", [])
        faults += [f"style {s[:40]}" for s in self.styles if f"'{digest(s)}'" not in styles]
        if self.policy["default-src"] != ["'none'"] or re.search("unsafe|\\*", str(self.policy)):
            faults.append("a policy that is not strict")
        return faults


def digest(text: str) -> str:
    """Return the digest of a script as a policy has it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
