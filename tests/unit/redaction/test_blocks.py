"""Secrets on lines of their own: YAML, netrc, tables of two columns."""

from __future__ import annotations

import pytest

from mfwb.redaction import MASK, LogMasker, Masker
from tests.support.secret_kinds import letters

SECRET = letters("block", 24)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"private_key: |\n  {SECRET}\n  abc\nx: 1", f"private_key: |\n  {MASK}\n  {MASK}\nx: 1"),
        (f"  api_key: >-\n    {SECRET}", f"  api_key: >-\n    {MASK}"),
        (f"api_keys:\n  - {SECRET}\n- '{SECRET}'", f"api_keys:\n  - {MASK}\n- '{MASK}'"),
        (f"login bob\n  password {SECRET}", f"login bob\n  password {MASK}"),
        (f"api_key    {SECRET}\nhost   h", f"api_key    {MASK}\nhost   h"),
        (f"| api_key | {SECRET} |", f"| api_key | {MASK} |"),
        ("secrets:\n  - the first of them\nx: 1", None),
        ("tokens:\n  - vocabulary\n", None),
        ("password:\nhost: db1", None),
        ("token   word2vec", None),
        ("password   required", None),
        ("api_key: |\nx: 1", None),
    ],
)
def test_blocks(text: str, masked: str | None) -> None:
    """A name gives its secret to the lines after it, in a text and in a log line by line."""
    masker = Masker()
    log = LogMasker(masker)

    assert masker.mask_text(text) == (text if masked is None else masked)
    lines = [log.mask("stdout", line) for line in text.split("\n")]
    assert lines == (text if masked is None else masked).split("\n")
