"""What goes wrong with one flow run on its way to a server goes wrong with that one alone."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from mfwb.errors import SinkError, Unreachable
from mfwb.outcome import FlowRunOutcome, Status
from mfwb.ports import Cargo, Destination, Entry, Standing
from mfwb.sink.offline.manifest import Checksums
from mfwb.sink.push.batch import Batches, Load, look_up
from mfwb.sink.push.bundle_run import Title
from mfwb.sink.push.project import Project
from mfwb.sink.push.shipment import Shipment, load
from mfwb.sink.server.existing_runs import ExistingRuns
from mfwb.sink.wandb_sync.sender import Sender
from tests.unit.memory import MemoryProgress

NAMES = ["F/1", "F/2", "F/3"]
WHERE = Destination("online", "https://x", "acme", "wines")


def cargo(name: str) -> Cargo:
    """Return a flow run without W&B runs."""
    entry = Entry(name, "local@/data", WHERE, Standing.SYNCED)
    return Cargo(entry, WHERE, FlowRunOutcome(name, Status.SYNCED))


@pytest.fixture
def shipments() -> list[Shipment]:
    """Return three flow runs on their way."""
    return [Shipment(cargo(name), ()) for name in NAMES]


class Answers:
    """A server's answers, of which one can't be read."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def fetch(self, titles: Iterable[str]) -> None:
        """Read the answer about some W&B runs."""
        if "F/2" in list(titles):
            raise self.error


def asked(shipments: list[Shipment]) -> Any:
    """Return what is asked for, by names rather than titles."""
    return [(one, [one.cargo.entry.flow_run]) for one in shipments]


def test_an_answer_that_can_not_be_read(shipments: list[Shipment]) -> None:
    """Only the flow run that it is about fails, by a bug."""
    error = KeyError("odd")
    look_up(cast("ExistingRuns", Answers(error)), asked(shipments))

    assert [one.bug for one in shipments] == [None, error, None]
    assert [one.is_over and bool(one.reason) for one in shipments] == [False, True, False]
    assert shipments[1].as_pushed().bug is error


def test_a_server_that_refuses(shipments: list[Shipment]) -> None:
    """No answer is no bug, and is not asked for again by each."""
    look_up(cast("ExistingRuns", Answers(SinkError("down"))), asked(shipments))

    assert [one.reason for one in shipments] == ["down"] * 3
    assert [one.bug for one in shipments] == [None] * 3
    with pytest.raises(Unreachable):
        look_up(cast("ExistingRuns", Answers(Unreachable("off"))), asked(shipments))


class Preparing:
    """A project that has everything already but trips over one flow run."""

    def prepare(self, shipment: Shipment, _: Title) -> None:
        """Say that nothing is to be sent."""
        if shipment.cargo.entry.flow_run == "F/2":
            raise RecursionError("deep")


def test_a_batch(shipments: list[Shipment]) -> None:
    """The others of a batch go on."""
    with ThreadPoolExecutor(2) as pool:
        batches = Batches(cast("Sender", None), pool, MemoryProgress())
        project, title = cast("Project", Preparing()), cast("Title", None)
        batches.send([Load(one, title, project) for one in shipments])

    assert [one.reason for one in shipments] == ["", "deep", ""]
    assert isinstance(shipments[1].bug, RecursionError)


def test_a_bundle_that_can_not_be_read(tmp_path: Path) -> None:
    """What is odd about a bundle's files is that flow run's failure."""
    broken = cargo("F/2")
    object.__setattr__(broken, "outcome", None)

    shipment = load(broken, tmp_path, Checksums(tmp_path))

    assert isinstance(shipment.bug, AttributeError)
    assert shipment.reason
