"""The first bytes of a pickled text or of pickled bytes, from the first bytes of the pickle.

Nothing is unpickled: text and bytes lie in a pickle as they are, behind one opcode and a length.
"""

from __future__ import annotations

import re

__all__ = ["leading_content"]

_PROTOCOL = rb"\x80[\x02-\x05](?:\x95.{8})?"
_BYTES = re.compile(_PROTOCOL + rb"(?:C.|B.{4}|\x8e.{8})", re.DOTALL)
_TEXT = re.compile(_PROTOCOL + rb"(?:\x8c.|X.{4}|\x8d.{8})", re.DOTALL)
_BYTES_AS_TEXT = re.compile(rb"\x80\x02c_codecs\nencode\nq\x00X.{4}", re.DOTALL)
"""Protocol 2, of old versions of Metaflow, has bytes as text, a letter for each byte."""


def leading_content(head: bytes) -> bytes | str | None:
    """Return the start of the bytes or of the text that a pickle holds; None for a container.

    Args:
        head: the first bytes of the pickle, whose type is known: that of an object begins with the
            name of its module, which looks like a text. If the value is short, the end of the
            result may be what follows it.
    """
    if match := _BYTES_AS_TEXT.match(head):
        text = head[match.end() :].decode("utf-8", "ignore")
        return text.encode("latin-1", "ignore")
    if match := _BYTES.match(head):
        return head[match.end() :]
    if match := _TEXT.match(head):
        return head[match.end() :].decode("utf-8", "ignore")
    return None
