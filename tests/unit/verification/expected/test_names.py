"""Names in W&B, by the rules of docs/mapping.md."""

from __future__ import annotations

import pytest

from mfwb.verification.expected import names


def test_a_long_line_ends_in_a_hash() -> None:
    """Two long names with the same beginning stay different."""
    first, second = names.line("a" * 200, 64), names.line("a" * 201, 64)

    assert len(first) == len(second) == 64
    assert first[:51] == second[:51] == "a" * 51
    assert first != second
    assert names.line("a" * 64, 64) == "a" * 64


@pytest.mark.parametrize("name", ["größe", "a b", "..", ""])
def test_letters_that_w_and_b_refuses(name: str) -> None:
    """They are replaced, and a hash keeps such names apart."""
    made = names.artifact_name(name)

    assert made.isascii()
    assert " " not in made
    assert made != name
    assert len(made.rpartition("-")[2]) == 12


def test_keys_that_are_taken() -> None:
    """A value that has the name of W&B's or mfwb's own key gets another one."""
    assert names.summary_key("_step") == "_step_"
    assert names.config_key("_step") == "_step"
    assert names.config_key("metaflow") == "metaflow_"
    assert names.free("x", {"x", "x_"}) == "x__"


def test_names_with_the_kind() -> None:
    """An artifact may have its own name, or one that ends in its kind."""
    assert names.artifact_names("net", ("model",)) == ("net", "net-model")
    assert names.alias("1:2/3") == "run-1-2-3"
