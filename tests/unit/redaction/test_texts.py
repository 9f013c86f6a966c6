"""Texts without the secrets in them."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mfwb.redaction.texts import MASK, mask_text, may_have_secret
from tests.support.examples import examples
from tests.support.secret_kinds import (
    INNOCENT,
    INNOCENT_LINES,
    NAMED,
    SHAPED,
    SecretText,
    letters,
)

_KINDS = [pytest.param(secret, id=secret.kind) for secret in SHAPED]


_AROUND = [("", ""), ("12:00:01 INFO got ", " from it"), ("x\n", "\ny"), ("('", "')"), ('"', '",')]
_FORMS = (
    *("{}={}", "{} = '{}'", "{}: {}", '{{"{}": "{}"}}', "f({}={})", "--{}={}"),
    "{}='{}' and more",
)


@pytest.mark.parametrize("secret", _KINDS)
def test_each_kind(secret: SecretText) -> None:
    """The secret is gone, wherever the text stands, and what is around it stays."""
    for before, after in _AROUND:
        masked = mask_text(f"{before}{secret.text}{after}")

        assert secret.secret not in masked, (before, after)
        assert MASK in masked, (before, after)
        assert masked.startswith(before), (before, after)
        assert masked.endswith(after), (before, after)
        assert secret.left in masked, (before, after)
    assert may_have_secret(secret.text)


@pytest.mark.parametrize("secret", _KINDS)
def test_masked_twice(secret: SecretText) -> None:
    """To mask once more changes nothing."""
    masked = mask_text(secret.text)

    assert mask_text(masked) == masked


@pytest.mark.parametrize(("name", "value"), NAMED)
def test_names(name: str, value: str) -> None:
    """What a text gives to the name of a secret is masked, and the name stays."""
    for form in _FORMS:
        text = form.format(name, value)
        masked = mask_text(text)

        assert value not in masked, form
        assert name in masked, form
        assert masked == text.replace(value, MASK), form


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


@pytest.mark.timeout(120)  # quadratic, one of them alone would take minutes
@settings(max_examples=examples(60), deadline=None)
@given(st.lists(_PARTS, min_size=1, max_size=4))
def test_time_is_linear(parts: list[str]) -> None:
    """A line of 100,000 letters, as long as lines get, is masked at all."""
    text = "".join(parts) * (100_000 // len("".join(parts)))

    mask_text(text)


_SECRET = letters("layout", 24)
_TOKEN = f"ghp_{letters('layout', 36)}"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"\x1b[32mAPI_KEY\x1b[0m=\x1b[1m{_SECRET}\x1b[0m", "API_KEY=***"),
        (f"password:\x1b[33m {_SECRET}\x1b[0m", "password: ***"),
        (f"got \x1b[1;32m{_TOKEN}\x1b[0m", "got ***"),
        (f"done\x1b[0m{_TOKEN}", "done***"),
        (
            f'{{"api_keys": ["{_SECRET}", "x{_SECRET}"], "n": 1}}',
            '{"api_keys": ["***", "***"], "n": 1}',
        ),
        (f"credentials={{'user': {{'a': '{_SECRET}'}}}}", "credentials={'user': {'a': '***'}}"),
        (f"DB_PASSWORD=p@ss;{_SECRET}&x(1)|y,z", "DB_PASSWORD=***"),
        (f'password="abc\\"{_SECRET}"', 'password="***"'),
        (f"[('DB_PASSWORD', '{_SECRET}')]", "[('DB_PASSWORD', '***')]"),
        (f"['train.py', '--api-key', '{_SECRET}']", "['train.py', '--api-key', '***']"),
        (f"q=client_secret%3D{_SECRET}", "q=client_secret%3D***"),
        (f"postgresql%3A%2F%2Fapp%3A{_SECRET}%40db", "postgresql%3A%2F%2Fapp%3A***%40db"),
        (f"jdbc:oracle:thin:scott/{_SECRET}@//db", "jdbc:oracle:thin:scott/***@//db"),
        (f"postgresql://app:p/{_SECRET}@db/prod", "postgresql://app:***@db/prod"),
        (f"<password>{_SECRET}</password>", "<password>***</password>"),
        (f'<add key="ApiKey" value="{_SECRET}" />', '<add key="ApiKey" value="***" />'),
        (f"password          : {_SECRET}", "password          : ***"),
        (f"API key: {_SECRET}", "API key: ***"),
        (f"the password is {_SECRET}", "the password is ***"),
        (f"&quot;password&quot;: &quot;{_SECRET}&quot;", "&quot;password&quot;: &quot;***&quot;"),
        (f"SERVER=x;PWD={{{_SECRET}}};E=1", "SERVER=x;PWD={***};E=1"),
    ],
)
def test_layouts(text: str, left: str) -> None:
    """Colours, lists, shells, URLs, XML, HTML and columns do not hide what a name gives away."""
    assert mask_text(text) in {left, left.replace("{***}", "***}")}
    assert mask_text(mask_text(text)) == mask_text(text)
    assert may_have_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mtoken: the\x1b[0m, id: 3",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf",
        "{'tokens': ['the', 'cat']}",
        "('key', 'value') ('max_tokens', '12') ['--max-tokens', '512']",
        "password is required; token is expired at 12:30; the secret is out",
        "<token>the</token><key>name</key>",
        "password:\nhost: db1",
        "https://example.com/a%3Db%26c%3Dd?q=token%3Dthe",
        "('password', 'confirm2')",
        "sort key: name, primary key: id",
        "redis://cache:6379/0?mail=a@b.example",
        "hf://datasets:v1/x@main",
    ],
)
def test_innocent_layouts(text: str) -> None:
    """What only looks like one of these stays."""
    assert mask_text(text) == text


def test_a_long_text_takes_little_memory() -> None:
    """Its words are not listed: ten million letters in words would take a hundred million bytes."""
    text = "word and more " * 700_000
    tracemalloc.start()
    try:
        assert mask_text(text) == text
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 3 * len(text)
