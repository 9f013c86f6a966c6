"""Decode Metaflow's internal artifacts without running code from their pickles.

They are pickles like the user's artifacts, and users can write to them; so they are loaded with the
same care.
"""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from mfwb import pickles
from mfwb.snapshot import Failure, ForeachFrame, Transition
from mfwb.snapshot.checkpoints import BOOKKEEPING, StoredReference, parse_references
from mfwb.snapshot.identifiers import is_path_part
from mfwb.snapshot.pathspec import flow_of
from mfwb.source.typed_values import (
    MAX_INTEGER,
    DamagedError,
    as_integer,
    cut,
    exceeds,
    items,
    text,
)

__all__ = [
    "INTERNAL_NAMES",
    "NEEDED_NAMES",
    "SAVED_NAMES",
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
    "to_saved",
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
"""Internal artifacts of each task that are needed for the order of tasks and their outcome."""

SAVED_NAMES = ("_task_checkpoints", "_task_stored_models")
"""Lists of what a task saved with `metaflow-checkpoint`; tasks after it inherit them."""

INTERNAL_NAMES = frozenset(
    {
        *NEEDED_NAMES,
        *BOOKKEEPING,
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
"""Seen in Metaflow 2.11 to 2.19, and in metaflow-checkpoint 0.2.

Any other name with an underscore is the user's own."""


class _Frame:
    """Stands in for Metaflow's ForeachFrame, which is pickled as a class of `__main__`."""

    def __new__(cls, *fields: Any) -> _Frame:  # noqa: PYI034 - Self is not in Python 3.10
        """Keep the fields of the pickle: step, var, num_splits, index, value."""
        frame = super().__new__(cls)
        frame.fields = fields
        return frame

    fields: tuple[Any, ...]


class _AttributesOnly:
    """Stands in for a class of Metaflow of which only the pickled attributes are needed."""

    def __init__(self, *_: Any) -> None: ...


_SIZE_LIMIT = 4_000_000  # bytes; loading takes several times as much memory of this process
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
        return None  # facts that depend on it are marked as not known


def is_none(data: bytes | None) -> bool:
    """Whether an internal artifact was read, and its value is None."""
    return data in _PICKLED_NONES


_PICKLED_NONES = frozenset(
    pickle.dumps(None, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
)


def to_transition(value: Any) -> Transition | None:
    """Return the `self.next` of `_transition`; None if there was none; DamagedError."""
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
    """Return whether `_foreach_stack` belongs to the control task of an unbounded foreach.

    Its frame of that foreach has no index.
    """
    match items(value, "_foreach_stack"):
        case [*_, _Frame(fields=(_, _, _, None, *_))]:
            return True
    return False


def to_frames(value: Any) -> tuple[ForeachFrame, ...]:
    """Return the frames of `_foreach_stack`, outermost first; DamagedError."""
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
    raise DamagedError("_foreach_stack holds something that is not a frame")


def _step(value: Any) -> str:
    if not is_path_part(value):
        raise DamagedError("a step has a name that no step can have")
    return str(value)


_PATH_LIMIT = 256  # characters; Metaflow cuts longer paths
_DIGITS = 18


def to_path(recorded: str | None) -> tuple[ForeachFrame, ...]:
    """Return the frames of the metadata `foreach-execution-path`, for example "mid:0,work:1".

    It does not have the names of the iterated variables. Empty if it is missing or cut.
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
    """Return whether `foreach-execution-path` is of a control task: "mid:0,work:None"."""
    return recorded is not None and len(recorded) < _PATH_LIMIT and recorded.endswith(":None")


def to_rounds(value: Any) -> tuple[int, ...]:
    """Return the rounds of `_iteration_stack`; DamagedError."""
    return tuple(as_integer(item, "a round") for item in items(value, "_iteration_stack"))


def to_saved(values: Iterable[Any], tasks: Collection[str]) -> tuple[StoredReference, ...]:
    """Return what a task saved with `metaflow-checkpoint`, in the order of saving.

    Args:
        values: of the artifacts `SAVED_NAMES`.
        tasks: pathspecs of the task and, for a clone, of its origin: other tasks hand theirs on.
    """
    flow = flow_of(next(iter(tasks)))
    saved = {
        reference.key: reference
        for value in values
        for reference in parse_references(value, flow)
        if reference.task in tasks
    }
    return tuple(sorted(saved.values(), key=lambda own: (own.attempt, own.created_on, own.key)))


_TYPE_LIMIT, _MESSAGE_LIMIT, _STACK_LIMIT = 1_000, 100_000, 1_000_000  # characters


def to_failure(value: Any) -> Failure | None:
    """Return the exception of `_exception`, without attributes that are not texts."""
    if not isinstance(value, _AttributesOnly):
        return None
    attributes = vars(value)
    limits = {"type": _TYPE_LIMIT, "exception": _MESSAGE_LIMIT, "stacktrace": _STACK_LIMIT}
    return Failure(
        type=cut(attributes.get("type"), _TYPE_LIMIT) or "Exception",
        message=cut(attributes.get("exception"), _MESSAGE_LIMIT),
        stacktrace=cut(attributes.get("stacktrace"), _STACK_LIMIT) or None,
        is_whole=not any(
            exceeds(attributes.get(name), max_length) for name, max_length in limits.items()
        ),
    )


def describe_unread_failure(size: int | None) -> Failure | None:
    """Return a failure for a recorded exception that is too large to read; None if it is not."""
    if size is None or size <= _SIZE_LIMIT:
        return None
    # The text is part of the W&B run's fingerprint.
    message = f"what Metaflow recorded of it takes {size:,} bytes, more than are read"
    return Failure("Exception", message, is_whole=False)


@dataclass(frozen=True, slots=True)
class Included:
    """File of an IncludeFile's descriptor.

    Attributes:
        url: its location.
        size: in bytes; None: not recorded.
        is_uploaded: whether Metaflow stored the file, gzipped, and not only its location.
    """

    url: str
    size: int | None
    is_uploaded: bool


def to_included(value: Any) -> Included | None:
    """Return the file of an IncludeFile's descriptor, or None if the value is not a descriptor."""
    if not isinstance(value, _AttributesOnly):
        return None
    match vars(value).get("_descriptor"):
        case {"url": str(url), "type": str(kind), **rest}:
            is_uploaded = kind == "uploader-v1" or rest.get("sub-type") == "uploaded"
            return Included(url, _size(rest.get("size")), is_uploaded)
    return None


def _size(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= MAX_INTEGER else None
