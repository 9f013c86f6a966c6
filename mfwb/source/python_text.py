"""Decode a Python file as Python does, but only with codecs for plain character sets.

A file declares its own encoding, and Python uses any codec: `zip` unpacks data, `punycode` takes
hours for some hundred KB, and any package may add codecs.
"""

from __future__ import annotations

import codecs
import re

__all__ = ["SIZE_LIMIT", "decode_python"]

SIZE_LIMIT = 1_000_000  # bytes; no source that a person wrote is longer

_SUPPORTED = re.compile(
    r"""utf-?8(-sig)? | (us-)?ascii | latin-?1 | iso-?8859-\d{1,2} | iso-latin-1 | koi8-[ru]
    | (cp|windows-)?125[0-8] | (ms|cp)?9(32|36|49|50) | mac-roman | gb2312 | gbk | gb18030 | big5
    | euc-(jp|kr) | s(hift)?-?jis""",
    re.VERBOSE,
)
_CODING_COMMENT = re.compile(rb"[ \t\f]*#[^\r\n]{0,200}?coding[:=][ \t]*([-\w.]{1,40})")
_HEAD = 1_000  # bytes of the first two lines, which may declare the encoding
_EMPTY = re.compile(rb"[ \t\f]*(#|$)")


def decode_python(data: bytes) -> str:
    """Return the text of a Python file; ValueError with the reason if it can't be decoded."""
    if len(data) > SIZE_LIMIT:
        raise ValueError(f"is larger than {SIZE_LIMIT // 1_000_000} MB")
    encoding = _encoding(data)
    if not _SUPPORTED.fullmatch(encoding):
        raise ValueError(f"is written in {encoding!r}, which mfwb does not read")
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode(encoding)
    except (UnicodeDecodeError, LookupError):
        raise ValueError("is not text") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _encoding(data: bytes) -> str:
    """Return the encoding that a comment in the first two lines declares (PEP 263)."""
    for line in data[:_HEAD].removeprefix(codecs.BOM_UTF8).splitlines()[:2]:
        comment = _CODING_COMMENT.match(line)
        if comment:
            return comment[1].decode("ascii", "replace").lower().replace("_", "-")
        if not _EMPTY.match(line):
            break
    return "utf-8"
