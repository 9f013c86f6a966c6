"""W&B runs get version numbers in the order in which they were added."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from mfwb.planning import WandbRunId
from mfwb.sink.online.version_order import VersionOrder

IDS = [WandbRunId(str(number)) for number in range(20)]


def test_the_order_holds_whoever_is_first() -> None:
    """Each waits for all before it, and for no other name."""
    order, lock = VersionOrder(), threading.Lock()
    numbered: list[WandbRunId] = []
    for run_id in IDS:
        order.enqueue(run_id, ["model", "table"])

    def commit(run_id: WandbRunId) -> None:
        order.offer(run_id, "model")
        if group := order.take(run_id, "model"):
            with lock:
                numbered.extend(group)
            order.give_back("model", group, alone=False)
        order.dequeue(run_id, ["model"])

    with ThreadPoolExecutor(len(IDS)) as pool:
        list(pool.map(commit, reversed(IDS)))

    assert numbered == IDS
    assert order.has_to_wait(IDS[1], "table")


def test_whoever_gives_up_blocks_no_other() -> None:
    """Also if it gives up twice, or never was there."""
    order = VersionOrder()
    for run_id in IDS[:3]:
        order.enqueue(run_id, ["model"])
    assert order.has_to_wait(IDS[2], "model")

    for _ in range(2):
        order.dequeue(IDS[0], ["model", "x"])
    order.dequeue(IDS[1], ["model"])

    assert not order.has_to_wait(IDS[2], "model")
    assert not order.has_to_wait(IDS[9], "model")
    order.offer(IDS[2], "model")
    assert order.take(IDS[2], "model") == (IDS[2],)


def test_those_that_are_ready_are_taken_along() -> None:
    """As far as none is missing; those that were tried in vain come one by one."""
    order = VersionOrder()
    for run_id in IDS[:5]:
        order.enqueue(run_id, ["model"])
    for run_id in (IDS[0], IDS[1], IDS[3]):
        order.offer(run_id, "model")

    group = order.take(IDS[0], "model")
    assert group == (IDS[0], IDS[1])
    order.give_back("model", group, alone=True)

    assert order.take(IDS[1], "model") == ()
    assert order.take(IDS[0], "model") == (IDS[0],)
    order.give_back("model", [IDS[0]], alone=False)
    order.dequeue(IDS[0], ["model"])
    assert order.take(IDS[1], "model") == (IDS[1],)


def test_a_place_is_yielded_to_a_later_one() -> None:
    """It comes where the earlier one would: after all before that one, and before the others."""
    order = VersionOrder()
    for run_id in IDS[:4]:
        order.enqueue(run_id, ["model", "table"])
    order.yield_turn(IDS[1], IDS[3], "model")
    assert order.has_to_wait(IDS[3], "model")

    order.dequeue(IDS[0], ["model", "table"])

    assert not order.has_to_wait(IDS[3], "model")
    assert order.has_to_wait(IDS[3], "table")
    assert order.has_to_wait(IDS[2], "model")
    order.dequeue(IDS[3], ["model"])
    assert not order.has_to_wait(IDS[1], "model")
    order.dequeue(IDS[1], ["model"])
    assert not order.has_to_wait(IDS[2], "model")


def test_a_place_that_is_yielded_wakes_who_waits() -> None:
    """Whoever waits at that moment goes on; a place that is gone can't be yielded."""
    order = VersionOrder()
    for run_id in IDS[:2]:
        order.enqueue(run_id, ["model"])
    order.yield_turn(IDS[5], IDS[1], "model")
    assert order.has_to_wait(IDS[1], "model")
    order.offer(IDS[1], "model")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(order.take, IDS[1], "model")
        order.yield_turn(IDS[0], IDS[1], "model")
        assert waiting.result(timeout=10) == (IDS[1],)


def test_contents_of_earlier_ones_are_waited_for() -> None:
    """Until they are known, or will never be; those of later ones and other names don't matter."""
    order = VersionOrder()
    first, second, third, fourth = IDS[:4]
    for run_id in (first, second, third, fourth):
        order.enqueue(run_id, ["model", "table"])
    began: list[WandbRunId] = []

    def begin(run_id: WandbRunId) -> None:
        order.wait_for_contents(run_id, ["model"], seconds=30)
        began.append(run_id)
        order.note_contents(run_id, ["model"])

    with ThreadPoolExecutor(2) as pool:
        later = [pool.submit(begin, run_id) for run_id in (fourth, third)]
        order.wait_for_contents(third, ["model"], seconds=0.01)
        assert began == []
        order.note_contents(first, ["model", "never seen"])
        order.wait_for_contents(third, ["model"], seconds=0.01)
        assert began == []
        order.dequeue(second, ["model"])
        for done in later:
            done.result(timeout=10)

    assert began == [third, fourth]
    assert order.has_to_wait(third, "model")
