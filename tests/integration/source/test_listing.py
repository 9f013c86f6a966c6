"""Which flow runs there are: a real local datastore, listed without reading any of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox import Sandbox

_MANY = 300
_DAY = 86_400_000_000  # µs, as the ids of local flow runs are

_PROBE = """
import json, sys
from mfwb.config import load_settings
from mfwb.errors import MfwbError
from mfwb.snapshot.pathspec import parse
from mfwb.source import open_source

namespace, *questions = sys.argv[1:]
answers = []
with open_source(load_settings({"namespace": namespace or None})) as source:
    for question in questions:
        verb, _, about = question.partition(" ")
        try:
            if verb == "flows":
                answers.append(source.flows())
            elif verb == "list":
                answers.append([
                    [str(one.pathspec), one.started_at, one.tags, one.system_tags]
                    for one in source.list(about)
                ])
            elif verb == "tag":
                import metaflow
                metaflow.Run(about).add_tags(["zeta", "alpha"])
                answers.append(metaflow.Run(about)._object["ts_epoch"])
            else:
                answers.append(source.read(parse(about)).started_at)
        except MfwbError as error:
            answers.append([type(error).__name__, str(error)])
print(json.dumps(answers))
"""


class Lister:
    """A folder of flow runs, and a program that asks `mfwb.source` about them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.flow = sandbox.root / ".metaflow" / "LinearFlow"

    def ask(self, *questions: str, namespace: str = "") -> list[Any]:
        """Return the answers to some questions, asked by one program."""
        done = self.sandbox.python(_PROBE, namespace, *questions)
        assert done.code == 0, done.err
        return list(json.loads(done.out))

    @property
    def run(self) -> str:
        """The id of the flow run that was really made."""
        return (self.flow / "latest_run").read_text(encoding="utf-8")

    def another(self, run_id: str, epoch_ms: int) -> None:
        """Put a flow run beside it of which only the listing can be read."""
        meta = self.flow / run_id / "_meta"
        meta.mkdir(parents=True)
        reported = json.loads((self.flow / self.run / "_meta" / "_self.json").read_bytes())
        reported |= {"run_number": run_id, "ts_epoch": epoch_ms}
        (meta / "_self.json").write_text(json.dumps(reported), encoding="utf-8")
        step = self.flow / run_id / "start" / "_meta"
        step.mkdir(parents=True)
        (step / "_self.json").write_text("damaged", encoding="utf-8")


@pytest.fixture
def lister(sandbox: Sandbox, flow_run: Callable[[str], str], flows_root: Path) -> Lister:
    """Return a folder with one flow run of its own."""
    name, _, run_id = flow_run("linear_flow").partition("/")
    existing, here = flows_root / ".metaflow" / name, sandbox.root / ".metaflow" / name
    shutil.copytree(existing / "_meta", here / "_meta")
    shutil.copytree(existing / run_id, here / run_id)
    shutil.copytree(existing / "data", here / "data")
    (here / "latest_run").write_text(run_id, encoding="utf-8")
    return Lister(sandbox)


def test_many(lister: Lister) -> None:
    """All are listed, newest first, and none is read: what they hold is damaged."""
    first = int(lister.run)
    ids = [first - location * _DAY for location in range(1, _MANY)]
    for location, run_id in enumerate(ids):
        lister.another(str(run_id), epoch_ms=first // 1000 + location)  # as if tagged since

    flows, listed, oldest = lister.ask("flows", "list LinearFlow", f"read LinearFlow/{ids[-1]}")

    assert flows == ["LinearFlow"]
    assert [item[0] for item in listed] == [f"LinearFlow/{item}" for item in (first, *ids)]
    assert [item[1] for item in listed] == [item // 1000 for item in (first, *ids)]
    assert oldest[0] == "SourceError"


def test_tags(lister: Lister) -> None:
    """The user's and Metaflow's are told apart; a tag does not move the start."""
    pathspec = f"LinearFlow/{lister.run}"

    before, moved, after, read = lister.ask(
        "list LinearFlow", f"tag {pathspec}", "list LinearFlow", f"read {pathspec}"
    )

    [[_, started_at, _, _]], [[_, still, tags, system_tags]] = before, after
    assert started_at == still == read == int(lister.run) // 1000
    assert moved > started_at
    assert tags[-1] == "zeta"
    assert tags == sorted(tags)
    assert "user:tester" in system_tags


def test_ids_of_their_own(lister: Lister) -> None:
    """An id that is no moment says nothing of the start; of one moment, 10 comes after 9."""
    now = int(lister.run) // 1000
    for run_id, epoch_ms in (("9", now + 5), ("10", now + 5), ("nightly-7", now + 9)):
        lister.another(run_id, epoch_ms)

    [listed] = lister.ask("list LinearFlow")

    assert [(item[0].split("/")[1], item[1]) for item in listed] == [
        ("nightly-7", now + 9),
        ("10", now + 5),
        ("9", now + 5),
        (lister.run, now),
    ]


def test_namespace(lister: Lister) -> None:
    """What is in another namespace is not there."""
    own = lister.ask("flows", "list LinearFlow", namespace="user:tester")
    flows, listed = lister.ask("flows", "list LinearFlow", namespace="user:else")

    assert (own[0], len(own[1])) == (["LinearFlow"], 1)
    assert flows == []
    assert listed[0] == "NotFound"


def test_what_is_not_there(lister: Lister) -> None:
    """A flow that nobody ran, by its own or as a choice that led nowhere; and no latest run."""
    for answer in lister.ask("list NoSuch", "read NoSuch", "read LinearFlow/latest"):
        assert answer[0] == "NotFound"
        assert "there is no" in answer[1]


def test_a_listing_that_failed_once(lister: Lister) -> None:
    """A flow whose runs could not be listed is no flow run, even if now they can."""
    [[kind, text]] = lister.ask("read LinearFlow")

    assert kind == "SourceError"
    assert "could not be listed" in text


def test_damaged(lister: Lister) -> None:
    """What Metaflow wrote of a flow run is cut off: unknown is not absent; others are listed."""
    lister.another("9", epoch_ms=5)
    (lister.flow / lister.run / "_meta" / "_self.json").write_text('{"run_nu', encoding="utf-8")

    listed, answer = lister.ask("list LinearFlow", f"read LinearFlow/{lister.run}")

    assert [item[0] for item in listed] == [f"LinearFlow/{lister.run}", "LinearFlow/9"]
    assert answer[0] == "SourceError"
    assert answer[1].startswith(f"LinearFlow/{lister.run} can't be read")
