"""Private keys in the form of PEM, in one text or on several lines."""

from __future__ import annotations

import re

from mfwb.redaction.mark import MASK

__all__ = ["BEGIN", "END", "is_inside", "mask_private_keys"]

BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BODY = re.compile(r"[A-Za-z0-9+/=_\-]{16,}")
_INSIDE = re.compile(
    r"[\s>|]*(?:[A-Za-z0-9+/=]*|(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset):.*)\s*"
)


def mask_private_keys(text: str) -> str:
    """Return the text without what is between the marks of private keys.

    If the end of a key is missing, whatever may be a line of it is masked.
    """
    begin = BEGIN.search(text)
    if begin is None:
        return text
    pieces: list[str] = []
    position = 0
    while begin is not None:
        end = END.search(text, begin.end())
        pieces.append(text[position : begin.end()])
        if end is None:
            return "".join([*pieces, _BODY.sub(MASK, text[begin.end() :])])
        pieces.append(MASK)
        position = end.start()
        begin = BEGIN.search(text, end.end())
    return "".join([*pieces, text[position:]])


def is_inside(line: str) -> bool:
    """Whether a line may be one between the marks of a private key."""
    return _INSIDE.fullmatch(line) is not None
