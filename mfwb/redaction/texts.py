"""Secrets in a text, by their form: the text stays, and the secrets in it become stars."""

from __future__ import annotations

import re

from mfwb.redaction.assignments import SecretNames, mask_assigned, mask_headers
from mfwb.redaction.blocks import mask_blocks
from mfwb.redaction.commands import HINTS as COMMANDS
from mfwb.redaction.commands import mask_commands
from mfwb.redaction.mark import MASK
from mfwb.redaction.private_keys import mask_private_keys
from mfwb.redaction.token_forms import HINTS, mask_tokens
from mfwb.redaction.tries import any_of
from mfwb.redaction.urls import mask_credentials

__all__ = ["MASK", "mask_forms", "mask_text", "may_have_secret"]

_FORM_HINT = re.compile(any_of([*HINTS, "-us", "SK", "@", "-----BEGIN", "ig=", "ignature=", "%40"]))
_NAMES = SecretNames()
_COMMAND_HINT = re.compile(any_of(COMMANDS))
_COLOUR = re.compile(r"\x1b(?:\[[0-?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\\\))")
"""What a terminal takes for a colour, a movement or a link."""

_LONG = 100_000
"""Characters; the list of the words of a longer text would take ten times its memory."""

_SHORTEST_WORD = 20  # letters; but for URLs and private keys, no secret with a form is shorter


def mask_text(text: str, secret: SecretNames = _NAMES) -> str:
    """Return the text with stars in place of the secrets in it.

    Args:
        text: a value, a line of a log, a message. If something in it is masked, it comes without
            its colours.
        secret: the names of secrets, for `name=value` in the text.
    """
    if "\x1b" not in text:
        return _mask_plain(text, secret)
    apart = _mask_plain(_COLOUR.sub("\x1b", text), secret)  # a colour may end a word, ...
    masked = _mask_plain(apart.replace("\x1b", ""), secret)  # ... or stand within `name=value`
    return text if masked == _COLOUR.sub("", text).replace("\x1b", "") else masked


def _mask_plain(text: str, secret: SecretNames) -> str:
    has_form, has_name = _hints(text, secret)
    if has_form:
        text = mask_forms(text)
    if has_name:
        text = mask_assigned(text, secret)
        text = mask_headers(text)
        text = mask_blocks(text, secret)
    return mask_commands(text)


def mask_forms(text: str) -> str:
    """Return the text without the secrets that their form alone shows, whatever is around them."""
    if "-----BEGIN" in text:
        text = mask_private_keys(text)
    return mask_credentials(mask_tokens(text))


def may_have_secret(text: str, secret: SecretNames = _NAMES) -> bool:
    """Whether `mask_text` could change the text: a quick look that is right in nearly all cases."""
    has_command = _COMMAND_HINT.search(text.lower()) is not None
    return has_command or any(_hints(text, secret))


def _hints(text: str, secret: SecretNames) -> tuple[bool, bool]:
    """Return whether a text may have a secret of a known form, or one behind a name.

    Nearly all lines of logs have only short words, so that the long expression is not needed.
    """
    is_candidate = (
        len(text) > _LONG
        or "@" in text
        or "-----BEGIN" in text
        or len(max(text.split(), key=len, default="")) >= _SHORTEST_WORD
    )
    has_name = secret.hint.search(text.lower()) is not None
    return is_candidate and _FORM_HINT.search(text) is not None, has_name
