"""Uploaded artifacts become versions in their order, several by one request."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from mfwb.errors import SinkError
from mfwb.planning import WandbRunId
from mfwb.sink.online.commits import Commits
from mfwb.sink.online.version_order import VersionOrder

IDS = [WandbRunId(str(number)) for number in range(30)]


@dataclass
class Server:
    """Gives numbers to drafts, which are ids here, unless it refuses one of them."""

    refused: frozenset[str] = frozenset()
    requests: list[list[str]] = field(default_factory=list)
    numbered: list[str] = field(default_factory=list)

    def send(self, drafts: Sequence[Any]) -> Sequence[Any]:
        """Commit drafts in their order; whatever comes before a refused one stays committed."""
        time.sleep(0.005)
        self.requests.append(list(drafts))
        for draft in drafts:
            if draft in self.refused:
                raise SinkError(f"{draft} is refused")
            if draft not in self.numbered:
                self.numbered.append(draft)
        return [f"v{self.numbered.index(draft)}" for draft in drafts]


def commit_all(server: Server, *, seed: int) -> dict[WandbRunId, Any]:
    """Commit a draft of each W&B run, of which each is ready at another time."""
    order = VersionOrder()
    commits, chance = Commits(order, server.send), random.Random(seed)  # noqa: S311 - of a test
    delays = {run_id: chance.random() / 20 for run_id in IDS}
    for run_id in IDS:
        order.enqueue(run_id, ["model"])
    together = threading.Barrier(len(IDS))

    def commit(run_id: WandbRunId) -> Any:
        together.wait()
        time.sleep(delays[run_id])
        try:
            draft: Any = run_id
            return commits.commit(run_id, "model", draft)
        except SinkError as error:
            return error
        finally:
            order.dequeue(run_id, ["model"])

    with ThreadPoolExecutor(len(IDS)) as pool:
        return dict(zip(IDS, pool.map(commit, IDS), strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_each_gets_the_number_of_its_place(seed: int) -> None:
    """With fewer requests than drafts."""
    server = Server()

    assert commit_all(server, seed=seed) == {run_id: f"v{run_id}" for run_id in IDS}
    assert server.numbered == IDS
    assert len(server.requests) < len(IDS)


@pytest.mark.parametrize("seed", range(5))
def test_one_that_is_refused_harms_no_other(seed: int) -> None:
    """Each of a request that fails is sent alone, in its order."""
    refused = frozenset({IDS[3], IDS[17]})
    server = Server(refused)

    versions = commit_all(server, seed=seed)

    accepted = [run_id for run_id in IDS if run_id not in refused]
    assert server.numbered == accepted
    assert {run_id for run_id in IDS if isinstance(versions[run_id], SinkError)} == refused
    assert [versions[run_id] for run_id in accepted] == [f"v{n}" for n in range(len(accepted))]
