"""Room for flow runs: as many as workers need, and as memory allows."""

from threading import Thread

from mfwb.pipeline.flow_run_room import FlowRunRoom

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
