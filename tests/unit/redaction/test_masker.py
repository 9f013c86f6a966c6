"""Values without secrets."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfwb.redaction import MASK, Masker
from tests.support.secret_kinds import INNOCENT, NAMED, SHAPED, letters

TOKEN = SHAPED[0].text


@pytest.mark.parametrize(("name", "value"), NAMED)
def test_named(name: str, value: str) -> None:
    """A text with the name of a secret is masked as a whole, at any depth."""
    assert Masker().mask_value(name, value) == (MASK, 1)
    assert Masker().mask_value("x", {"a": [{name: value}]}) == ({"a": [{name: MASK}]}, 1)


@pytest.mark.parametrize(("name", "value"), INNOCENT)
def test_innocent(name: str, value: object) -> None:
    """The very object is returned for a value without secrets."""
    masked, marks = Masker().mask_value(name, value)

    assert masked is value
    assert marks == 0
    assert Masker().mask_value("x", {name: value}) == ({name: value}, 0)


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        (
            "credentials",
            {"user": "bob", "key": "abc", "port": 5},
            {"user": MASK, "key": MASK, "port": 5},
        ),
        ("secrets", ["a1", ["b2"], None, True, 3], [MASK, [MASK], None, True, 3]),
        ("password", 123456, MASK),
        ("token", 123456, 123456),
        ("x", {"name": "API_KEY", "value": "abc1"}, {"name": "API_KEY", "value": MASK}),
        ("x", {"key": "sort", "value": "abc1"}, {"key": "sort", "value": "abc1"}),
        ("x", {TOKEN: 1, f"{TOKEN} ": 2}, {MASK: 1, f"{MASK} ": 2}),
        ("x", {TOKEN: 1, SHAPED[1].text: 2}, {MASK: 1, f"{MASK} (2)": 2}),
        ("api_key", "", ""),
        ("api_key", "none", "none"),
        ("api_key", "${API_KEY}", "${API_KEY}"),
        ("api_key", MASK, MASK),
    ],
)
def test_parts(name: str, value: Any, masked: Any) -> None:
    """What is masked in a value, and what stays."""
    assert Masker().mask_value(name, value)[0] == masked


def test_bytes() -> None:
    """Bytes are text in base64: they are masked as a whole if a secret is in them."""
    secret = {"_type": "bytes", "base64": base64.b64encode(TOKEN.encode()).decode()}
    innocent = {"_type": "bytes", "base64": base64.b64encode(b"abc").decode()}

    assert Masker().mask_value("x", [secret, innocent]) == ([MASK, innocent], 1)
    assert Masker().mask_value("password", innocent) == (MASK, 1)
    assert Masker().mask_value("x", {"_type": "bytes", "base64": "no base64!"})[1] == 0


def test_secret_key_of_aws_beside_its_id() -> None:
    """It has no form of its own; beside an id of an access key it is one."""
    key_id, key = (
        next(secret.text for secret in SHAPED if secret.kind.startswith("aws")),
        letters("k", 40),
    )

    assert Masker().mask_value("x", [key_id, key]) == ([MASK, MASK], 2)
    assert Masker().mask_value("x", {"a": key_id, "b": key}) == ({"a": MASK, "b": MASK}, 2)
    assert Masker().mask_value("x", [key]) == ([key], 0)
    assert key not in Masker().mask_text(f"id {key_id} and {key}")


def test_rules_of_the_user() -> None:
    """Patterns and names are added, and names are exempted."""
    masker = Masker(
        patterns=[r"EMP-\d+"], names=["*_pin", "Customer"], exempt=["*_token", "api_key"]
    )

    assert masker.mask_text("EMP-12 and EMP-x") == f"{MASK} and EMP-x"
    assert masker.mask_value("card_pin", "1234") == (MASK, 1)
    assert masker.mask_value("customer", "Bob") == (MASK, 1)
    assert masker.mask_text("card_pin=abc1") == f"card_pin={MASK}"
    assert masker.mask_value("api_key", TOKEN) == (TOKEN, 0)
    assert masker.mask_value("x", {"my_token": "abc", "password": "abc"})[0] == {
        "my_token": "abc",
        "password": MASK,
    }
    assert masker.mask_text("my_token=abc1") == "my_token=abc1"
    assert masker.mask_text(f"my_token={TOKEN}") == f"my_token={MASK}"


def test_off() -> None:
    """Nothing is masked if the user says so."""
    masker = Masker(enabled=False, patterns=["."])

    assert masker.mask_value("password", TOKEN) == (TOKEN, 0)
    assert masker.mask_text(TOKEN) == TOKEN
    assert not masker.is_secret_name("password")
    assert not masker.is_candidate("password", TOKEN)


def test_digest() -> None:
    """Equal rules have equal digests; without masks there is none."""
    digests = [
        Masker().digest,
        Masker(patterns=["a"]).digest,
        Masker(names=["a"]).digest,
        Masker(exempt=["a"]).digest,
        Masker(enabled=False, exempt=["a"]).digest,
    ]

    assert len(set(digests)) == len(digests)
    assert Masker(names=["a"]).digest == digests[2]
    assert digests[-1] == ""


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "password", "api_key", "name", "value"]), inner)
    ),
    max_leaves=10,
)


@given(st.sampled_from(["x", "token", "password"]), _JSON)
def test_any_value(name: str, value: Any) -> None:
    """It never fails, keeps the form, and to mask once more changes nothing."""
    masked, marks = Masker().mask_value(name, value)

    assert Masker().mask_value(name, masked) == (masked, 0)
    assert (marks == 0) == (masked is value)
