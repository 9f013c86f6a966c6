"""The artifacts that Metaflow keeps for itself, decoded without running anything.

They are pickles as the user's are, and lie where users can write; so they get the same care.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

from mfwb import pickles
from mfwb.snapshot import Failure, ForeachFrame, Transition
from mfwb.snapshot.identifiers import is_path_part
from mfwb.source.typed_values import MOST, DamagedError, as_integer, cut, exceeds, items, text

__all__ = [
    "INTERNAL_NAMES",
    "NEEDED_NAMES",
    "Included",
    "decode",
    "is_control_path",
    "is_control_stack",
    "is_none",
    "to_failure",
    "to_frames",
    "to_included",
    "to_path",
    "to_rounds",
    "to_transition",
]

NEEDED_NAMES = (
    "_transition",
    "_foreach_stack",
    "_iteration_stack",
    "_success",
    "_exception",
    "_catch_exception",
)
"""What has to be read of each task to know who came before whom, and how it ended."""

INTERNAL_NAMES = frozenset(
    {
        *NEEDED_NAMES,
        "_configs_processed",
        "_control_mapper_tasks",
        "_control_task_is_mapper_zero",
        "_current_step",
        "_foreach_num_splits",
        "_foreach_values",
        "_foreach_var",
        "_graph_info",
        "_parallel_ubf_iter",
        "_task_ok",
        "_unbounded_foreach",
    }
)
"""Seen in Metaflow 2.11 to 2.19; any other name with an underscore is the user's own."""


class _Frame:
    """Stands in for Metaflow's ForeachFrame, which is pickled as a class of `__main__`."""

    def __new__(cls, *fields: Any) -> _Frame:  # noqa: PYI034 - Self is not in Python 3.10
        """Take the fields as the pickle has them: step, var, num_splits, index, value."""
        frame = super().__new__(cls)
        frame.fields = fields
        return frame

    fields: tuple[Any, ...]


class _AttributesOnly:
    """Stands in for a class of Metaflow of which only the pickled attributes are wanted."""

    def __init__(self, *_: Any) -> None: ...


_SIZE_LIMIT = 4_000_000  # bytes; to load one takes some times as much memory, of this process
_ALLOWED: pickles.Allowed = {
    "__main__.ForeachFrame": lambda: _Frame,
    "metaflow.tuple_util.ForeachFrame": lambda: _Frame,
    "metaflow.task.ForeachFrame": lambda: _Frame,
    "metaflow.exception.MetaflowExceptionWrapper": lambda: _AttributesOnly,
    "metaflow.includefile.IncludedFile": lambda: _AttributesOnly,
    "builtins.set": lambda: set,
    "builtins.frozenset": lambda: frozenset,
    "collections.OrderedDict": lambda: dict,
}


def decode(data: bytes | None) -> Any:
    """Return the value of an internal artifact, or None if it can't be read safely."""
    if data is None or len(data) > _SIZE_LIMIT:
        return None
    try:
        return pickles.loads(data, _ALLOWED)
    except Exception:  # noqa: BLE001 - a damaged pickle can raise anything, MemoryError included
        return None  # what hangs on it is marked as not known


def is_none(data: bytes | None) -> bool:
    """Whether an internal artifact was read, and is None: what can't be read is not known."""
    return data in _NONES


_NONES = frozenset(pickle.dumps(None, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1))


def to_transition(value: Any) -> Transition | None:
    """Return the `self.next` that `_transition` holds; None if there was none; DamagedError."""
    parts = items(value, "_transition")
    steps = items(parts[0], "the steps of _transition") if parts else []
    if not steps:
        return None
    foreach = parts[1] if len(parts) > 1 else None
    return Transition(
        steps=tuple(_step(step) for step in steps),
        foreach=None if foreach is None else text(foreach, "the foreach of _transition"),
    )


def is_control_stack(value: Any) -> bool:
    """Return whether `_foreach_stack` is that of the control task of an unbounded foreach.

    That one has a frame of the foreach, but no place in it.
    """
    match items(value, "_foreach_stack"):
        case [*_, _Frame(fields=(_, _, _, None, *_))]:
            return True
    return False


def to_frames(value: Any) -> tuple[ForeachFrame, ...]:
    """Return the frames that `_foreach_stack` holds, outermost first; DamagedError."""
    return tuple(
        frame for item in items(value, "_foreach_stack") if (frame := _to_frame(item)) is not None
    )


def _to_frame(value: Any) -> ForeachFrame | None:
    match value:
        case _Frame(fields=(_, _, _, None, *_)):  # of the control task of an unbounded foreach
            return None
        case _Frame(fields=(step, var, num_splits, index, *_)):
            return ForeachFrame(
                step=_step(step),
                var=text(var, "the variable of a foreach"),
                num_splits=None if num_splits is None else as_integer(num_splits, "its splits"),
                index=as_integer(index, "the index of a foreach"),
            )
    raise DamagedError("_foreach_stack holds something that is no frame")


def _step(value: Any) -> str:
    if not is_path_part(value):
        raise DamagedError("a step has a name that no step can have")
    return str(value)


_PATH_LIMIT = 256  # characters; Metaflow cuts what is longer
_DIGITS = 18


def to_path(recorded: str | None) -> tuple[ForeachFrame, ...]:
    """Return the frames that the metadata `foreach-execution-path` names: "mid:0,work:1".

    It does not say what was iterated over. Empty if there is none, or it was cut.
    """
    if not recorded or len(recorded) >= _PATH_LIMIT:
        return ()
    frames = []
    parts = recorded.split(",")
    for part in parts[:-1] if is_control_path(recorded) else parts:
        step, _, index = part.rpartition(":")
        if not (is_path_part(step) and index.isdecimal() and len(index) <= _DIGITS):
            return ()
        frames.append(ForeachFrame(step, "", None, int(index)))
    return tuple(frames)


def is_control_path(recorded: str | None) -> bool:
    """Return whether `foreach-execution-path` is that of a control task: "mid:0,work:None"."""
    return recorded is not None and len(recorded) < _PATH_LIMIT and recorded.endswith(":None")


def to_rounds(value: Any) -> tuple[int, ...]:
    """Return the rounds that `_iteration_stack` holds; DamagedError."""
    return tuple(as_integer(item, "a round") for item in items(value, "_iteration_stack"))


_TYPE_LIMIT, _MESSAGE_LIMIT, _STACK_LIMIT = 1_000, 100_000, 1_000_000  # characters


def to_failure(value: Any) -> Failure | None:
    """Return the exception that `_exception` holds; what is no text in it is left out."""
    if not isinstance(value, _AttributesOnly):
        return None
    facts = vars(value)
    limits = {"type": _TYPE_LIMIT, "exception": _MESSAGE_LIMIT, "stacktrace": _STACK_LIMIT}
    return Failure(
        type=cut(facts.get("type"), _TYPE_LIMIT) or "Exception",
        message=cut(facts.get("exception"), _MESSAGE_LIMIT),
        stacktrace=cut(facts.get("stacktrace"), _STACK_LIMIT) or None,
        is_whole=not any(exceeds(facts.get(name), most) for name, most in limits.items()),
    )


def describe_unread_failure(size: int | None) -> Failure | None:
    """Return what is known of an exception that was recorded and not read: it may be too large."""
    if size is None or size <= _SIZE_LIMIT:
        return None
    message = f"what Metaflow recorded of it takes {size:,} bytes, more than are read"
    return Failure("Exception", message, is_whole=False)


@dataclass(frozen=True, slots=True)
class Included:
    """What an IncludeFile's descriptor says of its file.

    Attributes:
        url: where it lies.
        size: in bytes; None: not recorded.
        is_uploaded: whether Metaflow stored it, gzipped, rather than noting where it lay.
    """

    url: str
    size: int | None
    is_uploaded: bool


def to_included(value: Any) -> Included | None:
    """Return what an IncludeFile's descriptor says, or None if that is none."""
    if not isinstance(value, _AttributesOnly):
        return None
    match vars(value).get("_descriptor"):
        case {"url": str(url), "type": str(kind), **rest}:
            is_uploaded = kind == "uploader-v1" or rest.get("sub-type") == "uploaded"
            return Included(url, _size(rest.get("size")), is_uploaded)
    return None


def _size(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= MOST else None
