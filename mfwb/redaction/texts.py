"""Secrets in a text, by their form: the text stays, and the secrets in it become stars."""

from __future__ import annotations

import re
from collections.abc import Callable

from mfwb.redaction.assignments import has_name_hint, mask_assigned, mask_headers
from mfwb.redaction.mark import MASK
from mfwb.redaction.names import is_secret_name
from mfwb.redaction.private_keys import mask_private_keys
from mfwb.redaction.token_forms import HINTS, mask_tokens
from mfwb.redaction.tries import any_of
from mfwb.redaction.urls import mask_credentials

__all__ = ["MASK", "mask_text", "may_have_secret"]

_FORM_HINT = re.compile(any_of([*HINTS, "-us", "SK", "@", "-----BEGIN", "ig=", "ignature="]))
_SHORTEST_WORD = 20  # letters; but for URLs and private keys, no secret with a form is shorter


def mask_text(text: str, is_secret: Callable[[str], bool] = is_secret_name) -> str:
    """Return the text with stars in place of the secrets in it.

    Args:
        text: a value, a line of a log, a message.
        is_secret: whether a name is that of a secret, for `name=value` in the text.
    """
    has_form, has_name = _hints(text)
    if has_form:
        if "-----BEGIN" in text:
            text = mask_private_keys(text)
        text = mask_tokens(text)
        text = mask_credentials(text)
    if has_name:
        text = mask_assigned(text, is_secret)
        text = mask_headers(text)
    return text


def may_have_secret(text: str) -> bool:
    """Whether `mask_text` could change the text: a quick look that is right in nearly all cases."""
    return any(_hints(text))


def _hints(text: str) -> tuple[bool, bool]:
    """Return whether a text may have a secret of a known form, or one behind a name.

    Nearly all lines of logs have only short words, so that the long expression is not needed.
    """
    is_candidate = (
        "@" in text
        or "-----BEGIN" in text
        or len(max(text.split(), key=len, default="")) >= _SHORTEST_WORD
    )
    return is_candidate and _FORM_HINT.search(text) is not None, has_name_hint(text)
