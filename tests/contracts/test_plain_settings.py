"""Settings that are passed without a check are settings that `wandb.Settings` accepts."""

from __future__ import annotations

from typing import Any

import pytest
import wandb
from hypothesis import given, settings
from hypothesis import strategies as st

from mfwb.sink.setup.plain_settings import is_surely_valid

FIELDS = ["entity", "host", "mode", "project", "run_group", "run_job_type", "run_name"]
FIELDS += ["run_notes", "run_tags", "username"]
_TEXTS = st.text("aZ09 ./_-:#%é\n", max_size=70)
_VALUES = _TEXTS | st.lists(_TEXTS, max_size=3) | st.sampled_from(["offline", "online", 7, None])


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*FIELDS, "api_key", "x_a"]), _VALUES, max_size=4))
def test_wandb_accepts_them(given_fields: dict[str, Any]) -> None:
    """All that are valid one by one are so together."""
    valid = {name: value for name, value in given_fields.items() if is_surely_valid(name, value)}

    accepted = wandb.Settings(**valid)

    for name, value in valid.items():
        kept = getattr(accepted, name)
        assert (list(kept) if name == "run_tags" else kept) == value


@pytest.mark.parametrize("name", FIELDS)
def test_most_people_need_no_check(name: str) -> None:
    """A value as people give it."""
    values = {"run_tags": ["nightly", "prod"], "mode": "offline", "run_group": "Flow/123"}

    assert is_surely_valid(name, values.get(name, "my-team"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("entitty", "acme"),
        ("mode", "disabled"),
        ("project", "a/b"),
        ("run_tags", "nightly"),
        ("run_tags", ["x" * 65]),
        ("run_group", 5),
        ("entity", ""),
        ("base_url", "https://w.example"),
        ("api_key", "k" * 40),
    ],
)
def test_wandb_checks_the_rest(name: str, value: Any) -> None:
    """What is unknown, unusual or a secret."""
    assert not is_surely_valid(name, value)
