"""Texts without the secrets in them."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mfwb.redaction.texts import MASK, mask_text, may_have_secret
from tests.support.secret_kinds import (
    INNOCENT,
    INNOCENT_LINES,
    NAMED,
    SHAPED,
    SecretText,
)

_KINDS = [pytest.param(secret, id=secret.kind) for secret in SHAPED]


@pytest.mark.parametrize("secret", _KINDS)
@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ("12:00:01 INFO got ", " from it"), ("x\n", "\ny"), ("('", "')"), ('"', '",')],
)
def test_each_kind(secret: SecretText, before: str, after: str) -> None:
    """The secret is gone, wherever the text stands, and what is around it stays."""
    masked = mask_text(f"{before}{secret.text}{after}")

    assert secret.secret not in masked
    assert MASK in masked
    assert masked.startswith(before)
    assert masked.endswith(after)
    assert secret.left in masked
    assert may_have_secret(secret.text)


@pytest.mark.parametrize("secret", _KINDS)
def test_masked_twice(secret: SecretText) -> None:
    """To mask once more changes nothing."""
    masked = mask_text(secret.text)

    assert mask_text(masked) == masked


@pytest.mark.parametrize(("name", "value"), NAMED)
@pytest.mark.parametrize(
    "form",
    ["{}={}", "{} = '{}'", "{}: {}", '{{"{}": "{}"}}', "f({}={})", "--{}={}", "{}='{}' and more"],
)
def test_names(name: str, value: str, form: str) -> None:
    """What a text gives to the name of a secret is masked, and the name stays."""
    text = form.format(name, value)
    masked = mask_text(text)

    assert value not in masked
    assert name in masked
    assert masked == text.replace(value, MASK)


@pytest.mark.parametrize("line", INNOCENT_LINES)
def test_innocent_lines(line: str) -> None:
    """Code, numbers, prose and variables stay."""
    assert mask_text(line) == line


@pytest.mark.parametrize(("name", "value"), INNOCENT)
def test_innocent_values(name: str, value: object) -> None:
    """So do innocent values with a name in front."""
    text = f"{name}={value}"

    assert mask_text(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "[{'name': 'DB_PASSWORD',\n    'value': 'abc1'}]",
            f"[{{'name': 'DB_PASSWORD',\n    'value': '{MASK}'}}]",
        ),
        ('{"key": "API_KEY", "value": "abc1"}', f'{{"key": "API_KEY", "value": "{MASK}"}}'),
        ('{"name": "sort", "value": "abc1"}', '{"name": "sort", "value": "abc1"}'),
        ('{"name": "token", "value": "${T}"}', '{"name": "token", "value": "${T}"}'),
    ],
)
def test_entries(text: str, masked: str) -> None:
    """A name may stand in an entry of its own, before the value."""
    assert mask_text(text) == masked


_PARTS = st.sampled_from(
    [
        *("sk-", "eyJ", "eyJ.", "://", "@", ":", "=", "password", "token=", "'", '"', "\\", "\n"),
        *("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "AKIA", "A" * 16, "Bearer "),
        *("login x password ", "--api-key ", "?sig=", "ghp_", "a" * 40, "0123456789", " ", MASK),
        *("İ", "ß", "\0", "é", "***", "<", "{", "(", ";", ",", "Q~", "hooks.slack.com/services/"),
    ]
)
_TEXTS = st.one_of(st.text(max_size=200), st.lists(_PARTS, max_size=30).map("".join))


@given(_TEXTS)
@example("password='" + "a" * 10)
@example("login a password password=b")
def test_any_text(text: str) -> None:
    """It never fails, and to mask once more changes nothing."""
    masked = mask_text(text)

    assert mask_text(masked) == masked


@settings(max_examples=60, deadline=None)
@given(st.lists(_PARTS, min_size=1, max_size=4))
def test_time_is_linear(parts: list[str]) -> None:
    """A line of 100,000 letters, as long as lines get, takes less than a second."""
    text = "".join(parts) * (100_000 // len("".join(parts)))
    start = time.perf_counter()

    mask_text(text)

    assert time.perf_counter() - start < 5
