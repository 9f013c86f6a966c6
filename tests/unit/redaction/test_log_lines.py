"""Lines of logs without secrets."""

from __future__ import annotations

import pytest

from mfwb.redaction import MASK, LogMasker, Masker
from tests.support.secret_kinds import INNOCENT_LINES, SHAPED

KEYS = [secret for secret in SHAPED if secret.kind.startswith(("pem", "pgp"))]


@pytest.mark.parametrize("kind", [secret.kind for secret in KEYS if "escaped" not in secret.kind])
def test_a_private_key_on_several_lines(kind: str) -> None:
    """Each of its lines is masked; those of the other stream between them are not."""
    lines = next(secret.text for secret in KEYS if secret.kind == kind).split("\n")
    masker = LogMasker(Masker())
    masked = []
    for line in lines:
        masked.append(masker.mask("stdout", line))
        assert masker.mask("stderr", "QUJDREVGRw==") == "QUJDREVGRw=="
    assert masker.mask("stdout", "QUJDREVGRw==") == "QUJDREVGRw=="

    assert [masked[0], masked[-1]] == [lines[0], lines[-1]]
    assert masked[1:-1] == [MASK] * (len(lines) - 2)
    assert masker.marks == len(lines) - 2


def test_a_private_key_without_an_end() -> None:
    """It ends where a line can't be one of it; there are blanks in all that people write."""
    begin = next(secret.text for secret in KEYS).split("\n")[0]
    masker = LogMasker(Masker())

    assert masker.mask("stdout", begin) == begin
    assert masker.mask("stdout", "Proc-Type: 4,ENCRYPTED") == MASK
    assert masker.mask("stdout", "") == ""
    assert masker.mask("stdout", "A" * 64) == MASK
    assert masker.mask("stdout", "epoch 3, loss 0.5") == "epoch 3, loss 0.5"
    assert masker.mask("stdout", "A" * 64) == "A" * 64
    assert masker.mask("stdout", f"{begin} is missing") == f"{begin} is missing"
    assert masker.mask("stdout", "Done") == "Done"


def test_other_lines() -> None:
    """Of a line with a secret, only that is masked; the lines are counted."""
    masker = LogMasker(Masker())

    assert masker.mask("stdout", f"a {SHAPED[0].text} b {SHAPED[7].text}") == f"a {MASK} b {MASK}"
    assert [masker.mask("stdout", line) for line in INNOCENT_LINES] == [*INNOCENT_LINES]
    assert masker.mask("stderr", f"10%\r{SHAPED[0].text}\r100%") == f"10%\r{MASK}\r100%"
    assert masker.marks == 2


def test_off() -> None:
    """Without masks, a line stays."""
    masker = LogMasker(Masker(enabled=False))

    assert masker.mask("stdout", SHAPED[0].text) == SHAPED[0].text
    assert masker.marks == 0
