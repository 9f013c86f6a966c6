"""What Metaflow stores of a flow's graph and of who came after whom, made to harm who reads it."""

from __future__ import annotations

from typing import Any

from tests.hostile import opcodes
from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import StoredRun

_DOUBLED = opcodes.doubled_lists(120)


def _with(graph: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**graph, **changes}


def _steps(run: StoredRun, **changes: Any) -> dict[str, Any]:
    graph = run.graph()
    for step in graph["steps"].values():
        step.update(changes)
    return graph


@attack("10", sampled=True)
def doubled_graph(run: StoredRun, _: Scene) -> None:
    """The graph is a list of twice the same list, 120 levels deep: `str` of it never ends."""
    run.set_graph(opcodes.PROTO + _DOUBLED + b".")


@attack("10", sampled=True)
def doubled_fields(run: StoredRun, _: Scene) -> None:
    """Each field of the graph is such a list."""
    names = ("file", "start_step", "end_step", "parameters", "constants", "steps", "doc",
             "decorators", "extensions")  # fmt: skip
    items = b"".join(opcodes.text(name) + _DOUBLED for name in names)
    run.set_graph(opcodes.PROTO + b"}(" + items + b"u.")


@attack("10")
def doubled_step(run: StoredRun, _: Scene) -> None:
    """Each field of a step of the graph is such a list."""
    names = ("name", "type", "line", "source_file", "doc", "decorators", "next", "foreach_artifact")
    step = b"}(" + b"".join(opcodes.text(name) + _DOUBLED for name in names) + b"u"
    steps = b"}(" + b"".join(opcodes.text(n) + step for n in ("start", "middle", "end")) + b"u"
    run.set_graph(opcodes.PROTO + b"}" + opcodes.text("steps") + steps + b"s.")


def _wrong(name: str, story: str, sampled: bool, **changes: Any) -> None:  # noqa: FBT001
    def build(run: StoredRun, _: Scene) -> None:
        run.set_graph(_with(run.graph(), **changes))

    attack("10", name=name, story=story, sampled=sampled)(build)


def _wrong_steps(name: str, story: str, sampled: bool, **changes: Any) -> None:  # noqa: FBT001
    def build(run: StoredRun, _: Scene) -> None:
        run.set_graph(_steps(run, **changes))

    attack("10", name=name, story=story, sampled=sampled)(build)


_wrong("steps-a-list", "The graph's steps are a list.", True, steps=["start", 7])  # noqa: FBT003
_wrong("steps-numbers", "The graph's steps are numbers.", False, steps={7: 8, "start": None})  # noqa: FBT003
_wrong("file-a-list", "The graph's file is a list.", False, file=["a"])  # noqa: FBT003
_wrong("parameters-odd", "The graph's parameters are of all types.", True,  # noqa: FBT003
       parameters=[7, None, {"name": ["x"]}, {"name": "rate", "type": 7}, ["name"]],
       constants={"a": 1})  # fmt: skip
_wrong("parameters-a-number", "The graph's parameters are a number.", False, parameters=7)  # noqa: FBT003
_wrong("names-odd", "The graph's first and last step are no names.", False,  # noqa: FBT003
       start_step=7, end_step=["end"])  # fmt: skip
_wrong("doc-huge", "The flow has a description of 20 MB.", False, doc="x" * 20_000_000)  # noqa: FBT003
_wrong_steps("next-a-number", "What follows a step is a number.", True, next=7)  # noqa: FBT003
_wrong_steps("next-numbers", "What follows a step are numbers and lists.", False,  # noqa: FBT003
             next=[7, ["end"], None])  # fmt: skip
_wrong_steps("next-itself", "Every step follows itself and all others.", False,  # noqa: FBT003
             next=["start", "middle", "end"] * 3)  # fmt: skip
_wrong_steps("line-text", "A step's line is text, and infinite.", False, line="x")  # noqa: FBT003
_wrong_steps("line-infinite", "A step's line is infinite.", False, line=float("inf"))  # noqa: FBT003
_wrong_steps("type-odd", "A step's type is a list.", False, type=["start"])  # noqa: FBT003
_wrong_steps("source-a-number", "A step's source file is a number.", False, source_file=7)  # noqa: FBT003
_wrong_steps("source-nul", "A step's source file has a NUL in its name.", True,  # noqa: FBT003
             source_file="/x\0y.py")  # fmt: skip
_wrong_steps("source-long", "A step's source file has a name of a million letters.", False,  # noqa: FBT003
             source_file="/" + "a" * 1_000_000 + ".py")  # fmt: skip
_wrong_steps("decorators-odd", "A step's decorators are no decorators.", False,  # noqa: FBT003
             decorators=[7, {"name": ["x"], "attributes": 7}, None])  # fmt: skip


@attack("10")
def deep_graph(run: StoredRun, _: Scene) -> None:
    """The graph is a list nested 100,000 deep."""
    run.set_graph(opcodes.PROTO + opcodes.nested_lists(100_000) + b".")


@attack("10")
def many_steps(run: StoredRun, _: Scene) -> None:
    """The graph has 50,000 steps that did not run, each followed by a hundred others."""
    graph = run.graph()
    for number in range(50_000):
        following = [f"s{(number * 7 + more) % 50_000}" for more in range(100)]
        graph["steps"][f"s{number}"] = {"name": f"s{number}", "type": "linear", "next": following}
    run.set_graph(graph)


@attack("10")
def graph_is_code(run: StoredRun, scene: Scene) -> None:
    """The graph is a pickle that runs a command."""
    run.set_graph(opcodes.executing(scene.marker(run)))


def _internal(name: str, artifact: str, pickled: bytes, story: str, *, sampled: bool = False
              ) -> None:  # fmt: skip
    def build(run: StoredRun, _: Scene) -> None:
        run.replace(artifact, pickled, steps=("start", "middle", "end"))

    attack("10", name=name, story=story, sampled=sampled)(build)


def _pickled(value: Any) -> bytes:
    return opcodes.dumps(value)


_internal("transition-doubled", "_transition", opcodes.PROTO + _DOUBLED + b"N\x86.",
          "What came next is a list of twice the same list, 120 levels deep.",
          sampled=True)  # fmt: skip
_internal("transition-step-doubled", "_transition", opcodes.PROTO + b"]" + _DOUBLED + b"aN\x86.",
          "The step that came next is such a list.")  # fmt: skip
_internal("transition-foreach-doubled", "_transition",
          opcodes.PROTO + b"]" + opcodes.text("end") + b"a" + _DOUBLED + b"\x86.",
          "The variable of a foreach is such a list.")  # fmt: skip
_internal("transition-many", "_transition",
          opcodes.PROTO + b"(](" + opcodes.text("end") * 500_000 + b"eNt.",
          "Half a million steps came next.")  # fmt: skip
_internal("transition-numbers", "_transition", _pickled(([7, None, ["a"]], 7)),
          "Numbers came next.")  # fmt: skip
_internal("transition-unknown", "_transition", _pickled((["../x", "\x1b[31m", ""], None)),
          "Steps that do not exist came next.")  # fmt: skip
_internal("transition-text", "_transition", _pickled("middle"), "What came next is text.")
_internal("foreach-doubled", "_foreach_stack", opcodes.PROTO + _DOUBLED + b".",
          "The frames of a foreach are a list of twice the same list.")  # fmt: skip
_internal("foreach-number", "_foreach_stack", _pickled(7), "The frames of a foreach are a number.")
_internal("foreach-deep", "_foreach_stack",
          opcodes.PROTO + opcodes.nested_lists(100_000) + b".",
          "The frames of a foreach are nested 100,000 deep.")  # fmt: skip


def _frame(*fields: bytes) -> bytes:
    return opcodes.name("metaflow.task.ForeachFrame") + b"(" + b"".join(fields) + b"t\x81"


_ODD_FRAME = _frame(_DOUBLED, _DOUBLED, _DOUBLED, b"K\x07", b"N")
_internal("foreach-frame-doubled", "_foreach_stack", opcodes.PROTO + b"]" + _ODD_FRAME + b"a.",
          "Step and variable of a frame are such lists.", sampled=True)  # fmt: skip
_HUGE_FRAME = _frame(opcodes.text("s"), opcodes.text("v"), opcodes.body(10**4000),
                     opcodes.body(-(10**4000)), b"N")  # fmt: skip
_internal("foreach-frame-huge", "_foreach_stack", opcodes.PROTO + b"]" + _HUGE_FRAME + b"a.",
          "The index of a frame has 4,000 digits.", sampled=True)  # fmt: skip
_internal("foreach-many", "_foreach_stack",
          opcodes.PROTO + b"](" + _frame(opcodes.text("s"), opcodes.text("v"), b"K\x01", b"K\x00",
                                         b"N") * 50_000 + b"e.",
          "A task is in 50,000 loops.")  # fmt: skip
_internal("rounds-number", "_iteration_stack", _pickled(7), "The rounds of a loop are a number.",
          sampled=True)  # fmt: skip
_internal("rounds-huge", "_iteration_stack", _pickled([10**4000, -1, True]),
          "The round of a loop has 4,000 digits.")  # fmt: skip
_internal("success-odd", "_success", _pickled(["x"]), "Whether a task succeeded is a list.")
_internal("task-ok-odd", "_task_ok", _pickled({"a": 1}), "Whether a task is done is an object.")


@attack("10", sampled=True)
def exception_doubled(run: StoredRun, _: Scene) -> None:
    """Type, text and stack trace of an exception are lists of twice the same list."""
    fields = ("type", "exception", "stacktrace")
    state = b"}(" + b"".join(opcodes.text(name) + _DOUBLED for name in fields) + b"u"
    raised = opcodes.instance("metaflow.exception.MetaflowExceptionWrapper", state)
    run.replace("_exception", opcodes.PROTO + raised + b".", steps=("end",))
    run.replace("_success", opcodes.dumps(False), steps=("end",))  # noqa: FBT003
