"""Edges from the reads in the code: source text and recorded facts, joined."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mfwb.lineage import Lineage, rebuild_lineage
from mfwb.snapshot import GraphStep, SourceCode, TaskState
from tests.support.flow_runs import at, flow_run, parameter, ref, task
from tests.unit.lineage.sources import BEGAN, traced, with_source


def edges(lineage: Lineage) -> list[str]:
    """Return edges as `consumer <- artifact of producer (ground)`."""
    return [
        f"{_short(edge.consumer)} <- {edge.artifact} of {_short(edge.producer)} "
        f"({edge.evidence.value})"
        for edge in lineage.edges
    ]


def reads(lineage: Lineage) -> dict[str, tuple[str, ...] | None]:
    """Return reads by `step/task`."""
    return {_short(pathspec): result for pathspec, result in lineage.reads.items()}


def _short(pathspec: str) -> str:
    return pathspec.removeprefix("DemoFlow/7/")


LINEAR = """
    alpha = Parameter("alpha")
    beta = Parameter("beta")

    @step
    def start(self):
        self.x = self.alpha
        self.y = 2
        self.next(self.end)

    @step
    def end(self):
        print(self.y)
"""

LINEAR_TASKS = (
    task("start/1", to="end", has="x=1 y=2"),
    task("end/2", has="x=1 y=2"),
)

LINEAR_PARAMETERS = (parameter("alpha"), parameter("beta"))


def test_only_what_was_read() -> None:
    """What is handed on unread makes no edge, and a parameter only where it is read."""
    lineage = traced(LINEAR, *LINEAR_TASKS, parameters=LINEAR_PARAMETERS)

    assert edges(lineage) == [
        "end/2 <- y of start/1 (read)",
        "start/1 <- alpha of _parameters (parameter)",
    ]
    assert reads(lineage) == {"start/1": ("alpha",), "end/2": ("y",)}
    assert lineage.doubts == {}


def test_a_join_reads_off_its_inputs() -> None:
    """`inputs.a.x` is the x of that branch, and `inputs[1].x` that of the second sibling."""
    lineage = traced(
        """
        @step
        def start(self):
            self.items = [1, 2]
            self.next(self.work, foreach="items")

        @step
        def work(self):
            self.score = self.input
            self.next(self.join)

        @step
        def join(self, inputs):
            self.best = inputs[1].score
            self.next(self.end)

        @step
        def end(self):
            pass
        """,
        task("start/1", to="work", over="items", has="items=1"),
        *(
            task(
                f"work/{2 + n}", to="join", foreach=at(f"work:items:{n}"), has=f"items=1 score={n}"
            )
            for n in range(2)
        ),
        task("join/4", to="end", has="best=1"),
        task("end/5", has="best=1"),
    )

    assert edges(lineage) == [
        "join/4 <- score of work/3 (read)",
        "work/2 <- items of start/1 (foreach-input)",
        "work/3 <- items of start/1 (foreach-input)",
    ]
    assert reads(lineage)["work/2"] == ()


def test_what_a_join_merges_it_reads_only_if_it_does() -> None:
    """`merge_artifacts` passes on; `self.x` after it reads the one that was merged."""
    body = """
        @step
        def start(self):
            self.base = 1
            self.next(self.a, self.b)

        @step
        def a(self):
            self.left = 1
            self.next(self.join)

        @step
        def b(self):
            self.right = 1
            self.next(self.join)

        @step
        def join(self, inputs):
            self.merge_artifacts(inputs, exclude=["right"])
            print(self.left)
            self.next(self.end)

        @step
        def end(self):
            print(self.base)
    """
    lineage = traced(
        body,
        task("start/1", to="a b", has="base=1"),
        task("a/2", to="join", has="base=1 left=1"),
        task("b/3", to="join", has="base=1 right=1"),
        task("join/4", to="end", has="base=1 left=1"),
        task("end/5", has="base=1 left=1"),
    )

    assert edges(lineage) == [
        "end/5 <- base of start/1 (read)",
        "join/4 <- left of a/2 (read)",
    ]


def test_where_it_is_not_certain_what_was_on_offer_counts() -> None:
    """A doubt keeps what is known to be read, and adds the rest as available."""
    lineage = traced(
        """
        @step
        def start(self):
            self.x = 1
            self.y = 1
            self.next(self.end)

        @step
        def end(self):
            print(self.x)
            unknown(self)
        """,
        *LINEAR_TASKS,
    )

    assert edges(lineage) == [
        "end/2 <- x of start/1 (read)",
        "end/2 <- y of start/1 (available)",
    ]
    assert reads(lineage)["end/2"] is None
    assert "line 13" in lineage.doubts["end"][0]


def test_a_source_that_was_edited_is_not_used() -> None:
    """Lines that moved, steps that are others, or a file that is newer than the flow run."""
    run = with_source(LINEAR, *LINEAR_TASKS)
    assert run.code is not None
    moved = SourceCode(
        "demo.py", {"demo.py": "\n" + run.code.files["demo.py"]}, "file", changed_at=BEGAN - 1
    )
    newer = SourceCode("demo.py", run.code.files, "file", changed_at=BEGAN + 1)
    other = (*run.graph, GraphStep("more", line=99))

    for facts, reason in (
        ({"code": moved}, "start is at line 9, and ran at line 8"),
        ({"code": newer}, "demo.py was written after the flow run began"),
        ({"graph": other}, "other steps than the flow run: more"),
        ({"graph": ()}, "no graph"),
        ({"code": None, "code_missing": "it is gone"}, "it is gone"),
    ):
        lineage = rebuild_lineage(
            with_source(LINEAR, *LINEAR_TASKS, parameters=LINEAR_PARAMETERS, **facts)
        )
        assert set(lineage.reads.values()) == {None}, reason
        assert reason in lineage.doubts["end"][0]
        assert len(lineage.edges) == 2 + 2 * 2


def test_a_step_that_always_fails_was_not_edited() -> None:
    """Metaflow's graph has what `self.next` names, even if no line before it lets it be reached."""
    fails = LINEAR.replace("self.next(self.end)", "raise ValueError\n        self.next(self.end)")

    lineage = traced(fails, *LINEAR_TASKS, parameters=LINEAR_PARAMETERS)

    assert fails != LINEAR
    assert not lineage.doubts


def test_a_step_that_is_too_intricate_is_alone_in_that() -> None:
    """The source is still what ran: of the other steps it is known what they read."""
    deep = (
        "\n".join(f"{'    ' * (i + 2)}def f():" for i in range(30)) + f"\n{'    ' * 32}self.x, f()"
    )
    body = "@step\ndef start(self):\n    self.x = self.y = 1\n    {deep}\n    self.next(self.end)\n"
    text = (
        body.replace("    {deep}\n", f"{deep[4:]}\n".replace("\n        ", "\n    "))
        + "@step\ndef end(self):\n    print(self.y)\n"
    )

    lineage = traced(text, *LINEAR_TASKS)

    assert reads(lineage) == {"start/1": None, "end/2": ("y",)}
    assert lineage.doubts == {
        "start": ("line 5: start is too intricate to follow: it takes too much work",)
    }


def test_reason_for_a_source_that_does_not_parse() -> None:
    """And nothing is guessed."""
    broken = SourceCode("demo.py", {"demo.py": "class DemoFlow(:\n"}, "package")

    lineage = rebuild_lineage(flow_run(*LINEAR_TASKS, code=broken))

    assert reads(lineage) == {"start/1": None, "end/2": None}
    assert "demo.py" in lineage.doubts["start"][0]


def test_clones_ran_the_code_of_their_origin() -> None:
    """A file that was written between origin and resume is what fresh tasks ran, not clones."""
    origin = f"DemoFlow/{BEGAN - 5_000}000/start/1"
    lineage = traced(
        LINEAR,
        task("start/1", to="end", has="x=1 y=2", origin=origin),
        task("end/2", has="x=1 y=2"),
    )

    assert reads(lineage) == {"start/1": (), "end/2": ("y",)} | {
        "start/1": lineage.reads["DemoFlow/7/start/1"]
    }
    assert lineage.reads["DemoFlow/7/start/1"] is None
    assert "clone" in lineage.doubts["start"][0]


def test_a_package_is_the_resumed_flow_runs_own() -> None:
    """An edited flow that was resumed: its graph is the origin's, its package is not."""
    run = with_source(
        LINEAR,
        task("start/1", to="end", has="x=1 y=2", origin="DemoFlow/3/start/1"),
        task("end/2", has="x=1 y=2"),
    )
    assert run.code is not None
    graph = tuple(
        GraphStep(graph_step.name, line=(graph_step.line or 0) + 4, next=graph_step.next)
        for graph_step in run.graph
    )
    package = SourceCode("demo.py", run.code.files, "package")

    lineage = rebuild_lineage(with_source(LINEAR, *run.tasks, code=package, graph=graph))

    assert lineage.reads["DemoFlow/7/end/2"] == ("y",)
    assert lineage.reads["DemoFlow/7/start/1"] is None


def test_a_transition_that_the_source_does_not_know() -> None:
    """The task itself is the better witness."""
    lineage = traced(
        LINEAR,
        task("start/1", to="other", has="x=1 y=2"),
        task("other/2", to="end", has="x=1 y=2"),
        task("end/3", has="x=1 y=2"),
    )

    assert lineage.reads["DemoFlow/7/start/1"] is None
    assert lineage.doubts["other"] == ("its source has no step other",)


def test_pickled_again_is_not_written() -> None:
    """Other bytes of the same content keep their producer."""
    run = flow_run(
        task("start/1", to="mid", has=[_ref("x", "1", "same"), _ref("y", "1", "before")]),
        task("mid/2", to="end", has=[_ref("x", "2", "same"), _ref("y", "2", "after")]),
        task("end/3", has=[_ref("x", "3", "same"), _ref("y", "2", None)]),
    )

    lineage = rebuild_lineage(run)

    assert lineage.writes["DemoFlow/7/mid/2"] == ("y",)
    assert lineage.writes["DemoFlow/7/end/3"] == ()
    assert edges(lineage) == [
        "end/3 <- x of start/1 (available)",
        "end/3 <- y of mid/2 (available)",
        "mid/2 <- x of start/1 (available)",
        "mid/2 <- y of start/1 (available)",
    ]


def _ref(name: str, sha1: str, content: str | None) -> Any:
    return ref(name, sha1, "builtins.set", content=content)


def test_reason_for_a_task_that_recorded_nothing() -> None:
    """It has no parents that anything speaks of."""
    lineage = rebuild_lineage(
        flow_run(
            task("start/1", has="x=1"),
            task("end/2", state=TaskState.UNFINISHED),
        )
    )

    assert "it was not recorded which tasks came before DemoFlow/7/end/2" in lineage.doubts["end"]


def test_where_reads_stand() -> None:
    """The analysis says so, and only of a source that is still what ran."""
    run = with_source(LINEAR, *LINEAR_TASKS, parameters=LINEAR_PARAMETERS)
    assert run.code is not None
    text = run.code.files["demo.py"].splitlines()
    positions = rebuild_lineage(run).positions
    edited = rebuild_lineage(replace(run, graph=(*run.graph, GraphStep("more", line=99))))

    assert {location.file for location in positions.values()} == {"demo.py"}
    assert ("end", "y") in positions
    assert all(
        f"self.{name}" in text[location.line - 1] for (_, name), location in positions.items()
    )
    assert edited.positions == {}
