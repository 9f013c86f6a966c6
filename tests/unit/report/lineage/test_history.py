"""The history of one artifact."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mfwb.errors import NotFound
from tests.support.flow_runs import at, flow_run, ref, sha, task
from tests.unit.report.lineage.samples import KNOWN, ROUNDS, UNKNOWN, shown, traced


def test_from_birth_to_the_last_reader() -> None:
    """Each version says who wrote it, who passed it on and who used it."""
    assert (
        shown(KNOWN, artifact="model")
        == """
model  an artifact of DemoFlow/7  finished

    train x 3 tasks  made it
    wrote      train/3    6d300000  LogisticRegression  100 KB
               train/4    6d310000  LogisticRegression  110 KB
               train/5    6d320000  LogisticRegression  120 KB
    assigned   by choose  only train/4
    passed on  by end     only train/4
    used by    choose     read
               end        read, only train/4

3 versions, used by 2 tasks, at last by end/7
"""
    )


def test_who_changed_it() -> None:
    """A version that replaces another says whose that was."""
    assert (
        shown(traced(ROUNDS, {"loop": "mean"}), artifact="mean")
        == """
mean  an artifact of DemoFlow/7  finished

    start  made it
    wrote      start/1              31000000  int  5 B
    used by    loop/2               read

    loop x 3 tasks  changed what start and loop x 2 of 3 tasks wrote
    wrote      loop/2               32000000  int  5 B
               loop/3               33000000  int  5 B
               loop/4               34000000  int  5 B
    passed on  by end               only loop/4
    used by    loop x 2 of 3 tasks  read, only loop x 2 of 3 tasks

4 versions, used by 3 tasks, at last by loop/4
"""
    )


def test_a_parameter() -> None:
    """A parameter lives as well."""
    assert (
        shown(KNOWN, artifact="seed")
        == """
seed  a parameter of DemoFlow/7  finished

    parameters  set it
    value    7      702d7365  int  5 B
    used by  split  parameter

1 version, used by 1 task, at last by split/2
"""
    )


def test_nobody_used_it() -> None:
    """What nobody used says so; versions of the same content are told apart from others."""
    start = task("start/1", to="work", over="xs", has="xs=1")
    works = [
        task(f"work/{2 + index}", foreach=at(f"work:xs:{index}"), has="flag=9")
        for index in range(15)
    ]
    text = shown(traced(flow_run(start, *works), {}), artifact="flag")

    assert text.endswith("and 4 more\n\n15 versions of 1 content, used by no task\n")
    assert text.count("work/") == 11


def test_some_tasks_wrote_it() -> None:
    """Where only some tasks of a step wrote it, their number is told."""
    start = task("start/1", to="work", over="xs", has="xs=1")
    works = [
        task(f"work/{2 + index}", foreach=at(f"work:xs:{index}"), has=["", "y=1", "y=2"][index])
        for index in range(3)
    ]

    assert "    work x 2 of 3 tasks  made it\n" in shown(
        traced(flow_run(start, *works), {}), artifact="y"
    )


def test_explained_with_its_doubts() -> None:
    """With --explain each use says its ground; steps in doubt are named at the end."""
    text = shown(UNKNOWN, artifact="best", explain=True)
    folded = " ".join(text.split())

    assert "used by end available: whether it was read is not known: there is no" in folded
    assert text.endswith(
        "the reads of one step are not certain; all artifacts at hand are shown as available\n"
        "  end: there is no code package\n"
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("modle", "; did you mean model?"),
        ("Best", "; did you mean best?"),
        ("sede", "; did you mean seed?"),
        ("zzz", "; it has "),
    ],
)
def test_an_unknown_name(name: str, hint: str) -> None:
    """A name that no task wrote does not exist; near ones are told, or those that there are."""
    for form in ("text", "json", "mermaid"):
        with pytest.raises(NotFound) as wrong:
            shown(KNOWN, form, artifact=name)

        assert str(wrong.value).startswith(f"DemoFlow/7 has no artifact {name!r}{hint}")


def test_as_json() -> None:
    """The document has a version for each writer, in the order in which they ran."""
    document = json.loads(shown(KNOWN, "json", artifact="best", explain=True))
    producers = [item.pop("producer") for item in document["versions"]]

    assert document["artifact"] == "best"
    assert producers == ["DemoFlow/7/choose/6", "DemoFlow/7/end/7"]
    assert document["versions"] == [
        {
            "sha1": sha("b"),
            "size": 61,
            "type": "dict",
            "changes": [],
            "passed_on": [],
            "assigned_again": [],
            "used_by": ["DemoFlow/7/end/7"],
        },
        {
            "sha1": sha("b2"),
            "size": 60,
            "type": "dict",
            "changes": ["DemoFlow/7/choose/6"],
            "passed_on": [],
            "assigned_again": [],
            "used_by": [],
        },
    ]
    assert document["edges"] == [
        {
            "consumer": "DemoFlow/7/end/7",
            "artifact": "best",
            "producer": "DemoFlow/7/choose/6",
            "sha1": sha("b"),
            "ground": "read",
            "why": "read by its code",
        }
    ]


def test_another_pickle_is_the_same_artifact() -> None:
    """A task that only pickled it anew passed it on."""
    run = flow_run(
        task("start/1", to="end", has=[ref("d", "1", content="c")]),
        task("end/2", has=[ref("d", "2", content="c")]),
    )
    text = shown(traced(run, {}), artifact="d")

    assert "passed on  by end\n" in text
    assert "1 version, " in text


def test_a_parameter_of_no_use() -> None:
    """A parameter that nobody uses is no unknown name."""
    of = replace(KNOWN, lineage=replace(KNOWN.lineage, edges=()))

    assert shown(of, artifact="seed").endswith("1 version, used by no task\n")
