"""An error of one flow run in a push is the failure of that flow run alone."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from mfwb.errors import SinkError, Unreachable
from mfwb.outcome import FlowRunOutcome, Status
from mfwb.ports import BundledFlowRun, Destination, Entry, SyncState
from mfwb.sink.offline.manifest import Checksums
from mfwb.sink.push.batch import BatchSender, look_up_runs
from mfwb.sink.push.bundle_run import RunHeader
from mfwb.sink.push.project import Project
from mfwb.sink.push.shipment import Shipment, load
from mfwb.sink.server.existing_runs import ExistingRuns
from mfwb.sink.wandb_sync.sender import Sender
from tests.support.fakes import MemoryProgress

NAMES = ["F/1", "F/2", "F/3"]
WHERE = Destination("online", "https://x", "acme", "wines")


def cargo(name: str) -> BundledFlowRun:
    """Return a flow run without W&B runs."""
    entry = Entry(name, "local@/data", WHERE, SyncState.SYNCED)
    return BundledFlowRun(entry, WHERE, FlowRunOutcome(name, Status.SYNCED))


@pytest.fixture
def shipments() -> list[Shipment]:
    """Return three flow runs that are pushed."""
    return [Shipment(cargo(name), ()) for name in NAMES]


class Answers:
    """The answers of a server; one of them can't be read."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def fetch(self, headers: Iterable[str]) -> None:
        """Read the answer about some W&B runs."""
        if "F/2" in list(headers):
            raise self.error


def run_names(shipments: list[Shipment]) -> Any:
    """Return the W&B runs to look up, as names in place of headers."""
    return [(shipment, [shipment.cargo.entry.flow_run]) for shipment in shipments]


def test_an_answer_that_can_not_be_read(shipments: list[Shipment]) -> None:
    """Only the flow run with the unreadable answer fails, with a bug."""
    error = KeyError("odd")
    look_up_runs(cast("ExistingRuns", Answers(error)), run_names(shipments))

    assert [shipment.bug for shipment in shipments] == [None, error, None]
    assert [bool(item.is_done and item.reason) for item in shipments] == [False, True, False]
    assert shipments[1].result().bug is error


def test_a_server_that_refuses(shipments: list[Shipment]) -> None:
    """A missing answer is not a bug, and there is no second look-up for each flow run."""
    look_up_runs(cast("ExistingRuns", Answers(SinkError("down"))), run_names(shipments))

    assert [shipment.reason for shipment in shipments] == ["down"] * 3
    assert [shipment.bug for shipment in shipments] == [None] * 3
    with pytest.raises(Unreachable):
        look_up_runs(cast("ExistingRuns", Answers(Unreachable("off"))), run_names(shipments))


class Preparing:
    """A project that has everything already; one flow run raises an error."""

    def prepare(self, shipment: Shipment, _: RunHeader) -> None:
        """Return None: nothing has to be sent."""
        if shipment.cargo.entry.flow_run == "F/2":
            raise RecursionError("deep")


class Header:
    """The header of a W&B run, of which only the name is needed."""

    name = "F/1/start"


def test_a_batch(shipments: list[Shipment]) -> None:
    """The other flow runs of the batch go on."""
    with ThreadPoolExecutor(2) as pool:
        projects = {shipments[0].project_path: cast("Project", Preparing())}
        sender = BatchSender(cast("Sender", None), projects, pool, MemoryProgress())
        sender.send([(item, cast("RunHeader", Header())) for item in shipments])

    assert [shipment.reason for shipment in shipments] == ["", "deep", ""]
    assert isinstance(shipments[1].bug, RecursionError)


def test_a_bundle_that_can_not_be_read(tmp_path: Path) -> None:
    """An error in reading a bundle is the failure of that flow run."""
    broken = cargo("F/2")
    object.__setattr__(broken, "outcome", None)

    shipment = load(broken, tmp_path, Checksums(tmp_path))

    assert isinstance(shipment.bug, AttributeError)
    assert shipment.reason
