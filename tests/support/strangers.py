"""Text as a stranger may write it into any name, message or path of a flow run."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from hypothesis import strategies as st

from mfwb.snapshot.identifiers import is_sha1

__all__ = ["HOSTILE", "anything", "assert_inert", "poisoned", "without_rich"]

HOSTILE = (
    "\x1b[2J\x1b[31mred",
    "\x1b]0;title\x07",
    "\x1b]52;c;aGFja2Vk\x07",
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1bP1$r0m\x1b\\",
    "\x9b31m\x9d0;title\x9c",
    "back\b\b\bspace\rreturn\x00\x7f",
    "two\nlines\r\nthree\u2028four\x0bfive\x85six",
    "\u202egnp.exe\u202c \u2066x\u2069",
    "zero\u200bwidth\ufeff\u00ad",
    "lone \ud800 and \udcff",
    "[bold red]markup[/] [link=http://evil.example]x[/link] :smile:",
    "tab\tand\tmore",
    '"]; click A href "javascript:alert(1)"\nA["',
    "%%{init: {'securityLevel': 'loose'}}%%",
    "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "`` ` ``` [x](javascript:alert(1)) ![](http://evil.example/x.png) <http://evil.example>",
    "```\n# heading\n> quote\n| a | b |\n|---|---|",
    "'); import os; os.system('touch x'); ('",
    "../../../../etc/passwd",
    "/absolute",
    "C:\\windows\\..\\x",
    "..",
    "",
    " ",
    "x" * 300,
)

_CHECKED = frozenset({"sha1"})
"""Fields that a stranger can't give a text of their own: whoever reads them makes sure of that."""

_RICH = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;(?:id=[0-9]+)?;[!-~]*\x1b\\")


def anything() -> st.SearchStrategy[str]:
    """Return text of all letters that Python has, and what is known to do harm."""
    letters = st.text(st.characters(), max_size=30)
    return st.one_of(
        st.sampled_from(HOSTILE), letters, st.tuples(st.sampled_from(HOSTILE), letters).map("".join)
    )


def without_rich(text: str) -> str:
    """Return what was printed without the colours and links that rich itself makes."""
    return _RICH.sub("", text)


def assert_inert(text: str) -> None:
    """Make sure that nothing but line breaks steers a terminal."""
    odd = {letter for letter in text if not letter.isprintable()} - {"\n"}
    assert odd == set(), text[:500]


def poisoned(value: Any, text: str) -> Any:
    """Return a value with a text behind each of its own: in dataclasses, tuples, lists, dicts.

    But for sha1s: nothing comes into being with one that is none.
    """
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return value if is_sha1(value) else value + text
    if isinstance(value, (tuple, list, frozenset)):
        return type(value)(poisoned(item, text) for item in value)
    if isinstance(value, dict):
        return {poisoned(key, text): poisoned(item, text) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        facts = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        return type(value)(
            **{
                name: fact if name in _CHECKED else poisoned(fact, text)
                for name, fact in facts.items()
            }
        )
    return value
