"""Metaflow's internal artifacts, decoded without running code."""

from __future__ import annotations

import pickle
import pickletools
from pathlib import Path
from typing import Any

import pytest

from mfwb.snapshot import Failure, ForeachFrame, Transition
from mfwb.source.datastore import internal_artifacts
from mfwb.source.datastore.internal_artifacts import Included
from mfwb.source.graph import to_graph
from mfwb.source.typed_values import DamagedError


def instance(name: str, *arguments: Any, state: Any = None, call: bool = False) -> bytes:
    """Return the pickle of `name` (as in "module.Class") made of arguments, and given a state.

    `call` calls it, as pickles call functions; otherwise it is made by `__new__`, as they make
    objects.
    """
    module, _, attribute = name.rpartition(".")
    made = b"c" + module.encode() + b"\n" + attribute.encode() + b"\n"
    made += _part(arguments) + (b"R" if call else b"\x81")
    if state is not None:
        made += _part(state) + b"b"
    return b"\x80\x04" + made


def _part(value: Any) -> bytes:
    """Return what pushes a value, without memo: it would clash with that of other parts."""
    return pickletools.optimize(pickle.dumps(value, protocol=2))[2:-1]


def listed(*instances: bytes) -> bytes:
    """Return the pickle of a list of instances."""
    return b"\x80\x04](" + b"".join(item[2:] for item in instances) + b"e."


def done(made: bytes) -> bytes:
    """Return the pickle of one instance."""
    return made + b"."


FRAMES = ["__main__.ForeachFrame", "metaflow.tuple_util.ForeachFrame", "metaflow.task.ForeachFrame"]
EXCEPTION = "metaflow.exception.MetaflowExceptionWrapper"


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("value", "transition"),
    [
        ((["end"], None), Transition(("end",))),
        ((["a", "b"], None), Transition(("a", "b"))),
        ((["work"], "items"), Transition(("work",), "items")),
        ((("work",), "items", "more"), Transition(("work",), "items")),
        (None, None),
        (([], None), None),
    ],
)
def test_transition(value: Any, transition: Transition | None, protocol: int) -> None:
    """`_transition` has the selected steps and the foreach variable."""
    decoded = internal_artifacts.decode(pickle.dumps(value, protocol=protocol))

    assert internal_artifacts.to_transition(decoded) == transition


@pytest.mark.parametrize("name", FRAMES)
def test_frames(name: str) -> None:
    """Frames are read under each class name that Metaflow has used."""
    stack = listed(
        instance(name, "mid", "outer", 2, 1, "v"), instance(name, "work", "inner", None, 0)
    )

    assert internal_artifacts.to_frames(internal_artifacts.decode(stack)) == (
        ForeachFrame("mid", "outer", 2, 1),
        ForeachFrame("work", "inner", None, 0),
    )


def test_frame_that_is_called() -> None:
    """Both ways to pickle a frame are read."""
    stack = listed(instance(FRAMES[0], "work", "items", 2, 1, "v", call=True))

    assert internal_artifacts.to_frames(internal_artifacts.decode(stack)) == (
        ForeachFrame("work", "items", 2, 1),
    )


@pytest.mark.parametrize("value", [None, []])
def test_no_frames(value: Any) -> None:
    """Values without frames mean no foreach."""
    assert internal_artifacts.to_frames(internal_artifacts.decode(pickle.dumps(value))) == ()


def test_frame_without_an_index() -> None:
    """The control task of an unbounded foreach has no frame of it."""
    stack = listed(instance(FRAMES[0], "work", "items", None, None))

    assert internal_artifacts.to_frames(internal_artifacts.decode(stack)) == ()
    assert internal_artifacts.is_control_stack(internal_artifacts.decode(stack))


@pytest.mark.parametrize("index", [0, 1])
def test_no_control_task(index: int) -> None:
    """A task with an index in a foreach is part of it; so is the control task of `num_parallel`."""
    stack = listed(instance(FRAMES[0], "work", "items", None, index))

    assert not internal_artifacts.is_control_stack(internal_artifacts.decode(stack))
    assert not internal_artifacts.is_control_stack([])


def doubled(depth: int = 30) -> list[Any]:
    """Return 2**30 lists in a few hundred bytes: `str` of it would not end."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value, value]
    return value


ODD = [3, True, "nonsense", {"a": 1}, doubled(), [doubled()], [[doubled()], None]]


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("kind", ["transition", "frames", "rounds", "graph"])
def test_odd_values(kind: str, value: Any) -> None:
    """A value of another shape than Metaflow's is an error, found at once."""
    read = {
        "transition": internal_artifacts.to_transition,
        "frames": internal_artifacts.to_frames,
        "rounds": internal_artifacts.to_rounds,
        "graph": to_graph,
    }[kind]
    if kind == "graph" and value == {"a": 1}:
        value = {"steps": {"start": doubled()}}
    decoded = internal_artifacts.decode(pickle.dumps(value))

    with pytest.raises(DamagedError):
        read(decoded)


@pytest.mark.parametrize(
    "fields",
    [
        ("../x", "items", 2, 1),
        ("work", [[]], 2, 1),
        ("work", "items", "2", 1),
        ("work", "items", 2, -1),
        ("work", "items", 2, 2**63),
        ("work", "items", 2, True),
        ("work", "items", 2, 1.0),
        ("work",),
    ],
    ids=range(8),
)
def test_odd_frames(fields: tuple[Any, ...]) -> None:
    """Frames hold names, and numbers that can be positions."""
    stack = listed(instance(FRAMES[0], *fields))

    with pytest.raises(DamagedError):
        internal_artifacts.to_frames(internal_artifacts.decode(stack))


def test_odd_exception() -> None:
    """An exception with attributes that are not texts, or too long, is still a failure."""
    facts = {"type": [[]], "exception": "x" * 200_000, "stacktrace": 7}
    failure = internal_artifacts.to_failure(
        internal_artifacts.decode(done(instance(EXCEPTION, state=facts)))
    )

    assert failure == Failure("Exception", "x" * 100_000, None, is_whole=False)


@pytest.mark.parametrize(("value", "rounds"), [(None, ()), ([], ()), ([3], (3,))])
def test_rounds(value: Any, rounds: tuple[int, ...]) -> None:
    """`_iteration_stack` has the round of a recursion."""
    assert internal_artifacts.to_rounds(internal_artifacts.decode(pickle.dumps(value))) == rounds


def test_failure() -> None:
    """`_exception` has type and message, and its class is not needed."""
    facts = {"type": "ValueError", "exception": "no", "stacktrace": "Traceback ...", "other": 1}
    decoded = internal_artifacts.decode(done(instance(EXCEPTION, state=facts)))

    assert internal_artifacts.to_failure(decoded) == Failure("ValueError", "no", "Traceback ...")


def test_failure_of_few_words() -> None:
    """An exception with few attributes is a failure, too; no exception is none."""
    bare = internal_artifacts.decode(done(instance(EXCEPTION, state={"stacktrace": None})))

    assert internal_artifacts.to_failure(bare) == Failure("Exception", "", None)
    assert internal_artifacts.to_failure(internal_artifacts.decode(pickle.dumps(None))) is None
    assert internal_artifacts.to_failure("ValueError") is None


BAD_SIZES: list[Any] = [-1, True, "10", 1e300, float("inf"), None, [10]]
V1: dict[str, Any] = {"type": "uploader-v1", "url": "s3://b/abc", "is_text": True}
V2 = {**V1, "type": "uploader-v2", "sub-type": "uploaded", "size": 10}


@pytest.mark.parametrize(
    ("descriptor", "expected"),
    [
        (V1, Included("s3://b/abc", None, is_uploaded=True)),
        (V2, Included("s3://b/abc", 10, is_uploaded=True)),
        (V2 | {"sub-type": "external"}, Included("s3://b/abc", 10, is_uploaded=False)),
        (V1 | {"type": "external"}, Included("s3://b/abc", None, is_uploaded=False)),
        *(
            (V2 | {"size": bad}, Included("s3://b/abc", None, is_uploaded=True))
            for bad in BAD_SIZES
        ),
        (V2 | {"url": 7}, None),
        ({"url": "s3://b/abc"}, None),
        (["url"], None),
    ],
)
def test_included(descriptor: Any, expected: Included | None) -> None:
    """Only fields of the right type count in an IncludeFile's descriptor."""
    included = "metaflow.includefile.IncludedFile"
    decoded = internal_artifacts.decode(done(instance(included, state={"_descriptor": descriptor})))

    assert internal_artifacts.to_included(decoded) == expected


def test_no_included() -> None:
    """Any other value is not an IncludeFile."""
    included = "metaflow.includefile.IncludedFile"

    assert internal_artifacts.to_included(V2) is None
    assert (
        internal_artifacts.to_included(
            internal_artifacts.decode(done(instance(included, state={})))
        )
        is None
    )


def test_plain_values() -> None:
    """Dicts such as `_graph_info` are read as they are."""
    graph = {"steps": {"start": {"type": "start", "next": ["end"]}}, "names": {"a", "b"}}

    assert internal_artifacts.decode(pickle.dumps(graph)) == graph


def hostile(path: Path) -> dict[str, bytes]:
    """Return pickles that would make a file, or do other harm, if they were loaded."""
    touch = f"open({str(path)!r}, 'w').close()"
    return {
        "eval": done(instance("builtins.eval", touch, call=True)),
        "exec": done(instance("builtins.exec", touch, call=True)),
        "system": done(instance("os.system", f"touch {path}", call=True)),
        "posix": done(instance("posix.system", f"touch {path}", call=True)),
        "open": done(instance("builtins.open", str(path), "w", call=True)),
        "inside a frame": (
            b"\x80\x04](c__main__\nForeachFrame\n(Va\nVb\nK\x01K\x00cos\nsystem\n(Vtouch "
            + str(path).encode()
            + b"\ntRt\x81e."
        ),
        "in an attribute": done(
            instance("metaflow.exception.MetaflowExceptionWrapper.__init__.__globals__")
        ),
        "a module": done(instance("importlib.import_module", "antigravity", call=True)),
        "a user's class": done(instance("__main__.Net", state={})),
        "state of a class": b"\x80\x04c__main__\nForeachFrame\n}X\x01\x00\x00\x00aK\x01sb.",
        "persistent": b"\x80\x04Pid\n.",
        "an extension": b"\x80\x04\x82\x01.",
    }


@pytest.mark.parametrize("name", sorted(hostile(Path("x"))))
def test_hostile_pickles(name: str, tmp_path: Path) -> None:
    """A pickle with more than plain values is not read, and none of its code runs."""
    trap = tmp_path / "trap"

    assert internal_artifacts.decode(hostile(trap)[name]) is None
    assert not trap.exists()


@pytest.mark.parametrize("trap", ["eval", "exec", "system", "posix", "open"])
def test_traps_would_work(trap: str, tmp_path: Path) -> None:
    """The traps of these tests are real: plain pickle walks into them."""
    path = tmp_path / "trap"
    result = pickle.loads(hostile(path)[trap])
    if hasattr(result, "close"):
        result.close()

    assert path.exists()


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"\x80",
        b"\x80\x04",
        b"not a pickle",
        b"\x80\x63.",
        b"\x80\x04.",
        b"\x80\x040.",
        b"\x80\x04h\x05.",
        b"\x80\x04X\xff\xff\xff\x7f.",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff.",
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff.",
        b"\x80\x05\x96\x00\x00\x00\x00\x00\x00\x00\x40.",
        b"\x80\x04]]s.",
        b"\x80\x04NNs.",
        b"\x80\x04}]Ns.",
        b"\x80\x04KaK\x05R.",
        b"\x80\x04X\x01\x00\x00\x00\xff.",
        b"I" + b"9" * 5_000 + b"\n.",
        b"Fx\n.",
        b"(" * 100_000 + b".",
        pickle.dumps({"a": list(range(50))})[:-20],
    ],
)
def test_damaged_pickles(data: bytes | None) -> None:
    """A damaged or missing pickle gives None; it does not end the sync."""
    assert internal_artifacts.decode(data) is None


@pytest.mark.parametrize(
    ("recorded", "indices"),
    [
        ("mid:0,work:12", [0, 12]),
        ("work:3", [3]),
        ("", []),
        (None, []),
        ("work", []),
        ("work:x", []),
        ("mid:2,work:None", [2]),  # of a control task
        ("work:None", []),
        (f"{'a' * 250}:1,b:2", []),
    ],
)
def test_paths(recorded: str | None, indices: list[int]) -> None:
    """The foreach path of a killed task is read; cut or invalid paths give no frames."""
    assert [frame.index for frame in internal_artifacts.to_path(recorded)] == indices
    assert internal_artifacts.is_control_path(recorded) == (recorded or "").endswith(":None")
