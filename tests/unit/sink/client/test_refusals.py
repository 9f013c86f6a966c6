"""Final refusals, their explanations, and answers of `null`."""

from __future__ import annotations

import pytest
from wandb.errors import CommError

from mfwb.errors import SinkError
from mfwb.sink.client.core_log import find_first_error
from mfwb.sink.client.refusals import explain_error, is_access_denied, is_final
from mfwb.sink.client.responses import nodes, require


@pytest.mark.parametrize(
    ("text", "is_for_good"),
    [
        ("upload: returned error 403: AccessDenied", True),
        ("upload: returned error 413: too large", True),
        ('Cannot query field "x" on type "Run".', True),
        ('Unknown argument "x" on field "Run.y".', True),
        ("upload: returned error 503: slow down", False),
        ("upload: returned error 429: slow down", False),
        ("connection reset by peer", False),
    ],
)
def test_what_stays_refused(text: str, *, is_for_good: bool) -> None:
    """A server that lacks a field will not get it; a busy server may soon be idle."""
    assert is_final(CommError(text)) is is_for_good


def test_it_is_said_what_a_refusal_means() -> None:
    """Statuses are explained, after W&B's own message."""
    assert explain_error(CommError("returned error 413: x")).startswith(
        "returned error 413: x (too"
    )
    assert "too old" in explain_error(CommError('Cannot query field "x" on type "Run".'))
    assert explain_error(CommError("no way")) == "no way"
    assert is_access_denied(CommError("returned error 401: who?"))
    assert not is_access_denied(CommError("returned error 404: what?"))


@pytest.mark.parametrize("answer", [None, {}, {"a": None}, {"a": {"b": None}}, {"a": []}])
def test_null_is_no_answer(answer: object) -> None:
    """It never counts as "does not exist"."""
    with pytest.raises(SinkError, match="answered null for a"):
        require(answer, "a", "b")


def test_null_among_nodes_is_no_answer() -> None:
    """Nor in a list."""
    with pytest.raises(SinkError, match="null"):
        list(nodes({"edges": [{"node": {"name": "x"}}, {"node": None}]}))


def test_first_complaint() -> None:
    """Failed single requests don't count, since wandb-core retries them; nor do broken lines."""
    log = (
        '{"level":"INFO","msg":"x"}\n'
        '{"level":"ERROR","msg":"api: got 503"}\n'
        '["ERROR"]\n{"level":"ERR\n'
        '{"level":"ERROR","msg":"upload failed","error":"status 403"}\n'
    )
    assert find_first_error(log) == "upload failed status 403"
    assert find_first_error("") == ""
