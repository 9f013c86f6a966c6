"""How many W&B runs are written at a time while W&B refuses requests."""

from mfwb.pipeline.open_limit import OpenLimit


def test_it_is_halved_once_for_all_that_were_open() -> None:
    """They were refused for the same reason."""
    limit = OpenLimit(64)
    for _ in range(64):
        limit.note(3)
    assert limit.now == 32


def test_it_grows_by_one_for_each_round_without_a_refusal() -> None:
    """A round is as many W&B runs as are written at a time."""
    limit = OpenLimit(64)
    for _ in range(64):
        limit.note(1)
    for _ in range(33):
        limit.note(0)
    assert limit.now == 33


def test_it_stays_between_one_and_the_highest() -> None:
    """Something is always written, and never more than the workers."""
    limit = OpenLimit(4)
    limit.note(0)
    assert limit.now == 4
    for _ in range(20):
        limit.note(1)
    assert limit.now == 1
    for _ in range(20):
        limit.note(0)
    assert limit.now == 4
