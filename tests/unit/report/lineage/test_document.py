"""The JSON document."""

from __future__ import annotations

import io
import json

from rich.console import Console

from mfwb.lineage.static_analysis import ExternalRead
from mfwb.report.lineage import show_lineage
from mfwb.report.lineage.phrases import TIMES
from tests.support.flow_runs import flow_run, sha, task
from tests.unit.report.lineage.samples import BROKEN, KNOWN, UNKNOWN, WINES, shown, traced


def test_the_contract() -> None:
    """The document has what DESIGN promises, of every task and every edge."""
    document = json.loads(shown(KNOWN, "json"))

    assert (document["version"], document["flow_run"]) == (1, "DemoFlow/7")
    assert document["state"] == "finished"
    assert document["tasks"][2] == {
        "pathspec": "DemoFlow/7/train/3",
        "state": "ok",
        "cloned_from": None,
        "parents": ["DemoFlow/7/split/2"],
        "reads": ["train_set"],
        "writes": ["model", "score"],
        "assigned_again": [],
        "passed_on": ["rates", "train_set"],
    }
    assert document["edges"][0] == {
        "consumer": "DemoFlow/7/choose/6",
        "artifact": "model",
        "producer": "DemoFlow/7/train/3",
        "sha1": sha("m0"),
        "ground": "read",
    }
    assert len(document["tasks"]) == 7
    assert len(document["edges"]) == 16
    assert {edge["ground"] for edge in document["edges"]} == {"read", "foreach-input", "parameter"}


def test_what_is_not_known_is_null() -> None:
    """Reads that are not known are null, not none; the doubts say why."""
    document = json.loads(shown(traced(WINES, doubts={"end": ("line 3: eval",)}), "json"))

    assert {task["reads"] for task in document["tasks"]} == {None}
    assert document["doubts"] == {"end": ["line 3: eval"]}


def test_states_and_clones() -> None:
    """Tasks say how they ended and whose clones they are."""
    tasks = json.loads(shown(traced(BROKEN, {}), "json"))["tasks"]

    assert [item["state"] for item in tasks] == ["ok", "ok", "failed", "caught", "unfinished"]
    assert tasks[1]["cloned_from"] == "DemoFlow/5/split/2"


def test_externals() -> None:
    """Reads from other flow runs are listed by step."""
    externals = {"DemoFlow/7/end/7": (ExternalRead("run", "Other/3", "x"),)}

    assert json.loads(shown(traced(WINES, {}, externals=externals), "json"))["externals"] == {
        "end": [{"kind": "run", "pathspec": "Other/3", "artifact": "x", "unread": None}]
    }


def test_explained() -> None:
    """With --explain each edge says why."""
    edges = json.loads(shown(UNKNOWN, "json", explain=True))["edges"]

    assert {edge["ground"]: edge["why"] for edge in edges} == {
        "available": "available: whether it was read is not known: there is no code package",
        "foreach-input": "foreach-input, an item each",
        "parameter": "parameter",
    }


def test_for_outputs_that_know_ascii_only() -> None:
    """Every form has a plain twin."""
    of = traced(flow_run(task("größe/1", to="end", has="ü=1"), task("end/2"), id="7"))
    console = Console(file=io.StringIO(), width=80)
    text, plain = show_lineage(of, "json", console=console)
    tree, plain_tree = show_lineage(KNOWN, "text", console=console)

    assert not text.isascii()
    assert plain.isascii()
    assert json.loads(plain) == json.loads(text)
    assert f"train {TIMES} 3 tasks" in tree
    assert plain_tree.isascii()
    assert "<- train x 3 tasks" in plain_tree
