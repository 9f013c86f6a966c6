"""Room for flow runs: as many as workers need, and as memory allows."""

from threading import Thread

from mfwb.pipeline.flow_run_room import FlowRunRoom, bytes_of
from tests.support.flow_runs import data_frame, flow_run, task
from tests.unit.planning.plans import plan_of

_LONG = 60.0


def test_a_flow_run_waits_until_workers_need_it() -> None:
    """Its plan would only take memory."""
    needed = [False]
    room = FlowRunRoom(8, 100, is_needed=lambda: needed[0])
    room.take(1)
    waiting = Thread(target=room.take, args=(1,))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    needed[0] = True
    waiting.join(_LONG)
    assert not waiting.is_alive()


def test_plans_take_no_more_than_their_bytes_and_a_larger_one_is_alone() -> None:
    """Memory stays bounded, and each flow run is written some time."""
    room = FlowRunRoom(8, 100, is_needed=lambda: True)
    room.take(60)
    waiting = Thread(target=room.take, args=(500,))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    room.give_back(60)
    waiting.join(_LONG)
    assert not waiting.is_alive()


def test_a_flow_run_with_a_table_counts_the_process_that_converts_it() -> None:
    """Eight of them have room at a time."""
    without = bytes_of(plan_of(flow_run(task("start/1", to="end"), task("end/2"))))
    with_table = bytes_of(
        plan_of(flow_run(task("start/1", to="end", has=[data_frame("x")]), task("end/2")))
    )
    assert without < 10**6
    assert 10**9 // 9 < with_table <= 10**9 // 8
