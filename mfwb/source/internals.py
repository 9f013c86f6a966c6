"""The artifacts that Metaflow keeps for itself, decoded without running anything.

They are pickles as the user's are, and lie where users can write; so they get the same care.
"""

from __future__ import annotations

from typing import Any

from mfwb import pickles
from mfwb.snapshot import Failure, ForeachFrame, Transition

__all__ = [
    "INTERNAL_NAMES",
    "TELLING_NAMES",
    "decode",
    "to_failure",
    "to_frames",
    "to_included",
    "to_path",
    "to_rounds",
    "to_transition",
]

TELLING_NAMES = (
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
        *TELLING_NAMES,
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


class _Shell:
    """Stands in for a class of Metaflow of which only the pickled attributes are wanted."""

    def __init__(self, *_: Any) -> None: ...


_SIZE_LIMIT = 4_000_000  # bytes; to load one takes some times as much memory, of this process
_ALLOWED: pickles.Allowed = {
    "__main__.ForeachFrame": lambda: _Frame,
    "metaflow.tuple_util.ForeachFrame": lambda: _Frame,
    "metaflow.task.ForeachFrame": lambda: _Frame,
    "metaflow.exception.MetaflowExceptionWrapper": lambda: _Shell,
    "metaflow.includefile.IncludedFile": lambda: _Shell,
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


def to_transition(value: Any) -> Transition | None:
    """Return the `self.next` that `_transition` holds; None if there was none."""
    match value:
        case [[*steps], foreach, *_] if steps:
            return Transition(
                steps=tuple(str(step) for step in steps),
                foreach=None if foreach is None else str(foreach),
            )
    return None


def to_frames(value: Any) -> tuple[ForeachFrame, ...]:
    """Return the frames that `_foreach_stack` holds, outermost first."""
    frames = []
    for frame in value or ():
        match frame:
            case _Frame(fields=(step, var, num_splits, int(index), *_)):
                splits = num_splits if isinstance(num_splits, int) else None
                frames.append(ForeachFrame(str(step), str(var), splits, index))
    return tuple(frames)


_PATH_LIMIT = 256  # characters; Metaflow cuts what is longer


def to_path(recorded: str | None) -> tuple[ForeachFrame, ...]:
    """Return the frames that the metadata `foreach-execution-path` names: "mid:0,work:1".

    It does not say what was iterated over. Empty if there is none, or it was cut.
    """
    if not recorded or len(recorded) >= _PATH_LIMIT:
        return ()
    frames = []
    for part in recorded.split(","):
        step, _, index = part.rpartition(":")
        if not (step and index.isdecimal()):
            return ()
        frames.append(ForeachFrame(step, "", None, int(index)))
    return tuple(frames)


def to_rounds(value: Any) -> tuple[int, ...]:
    """Return the rounds that `_iteration_stack` holds."""
    return tuple(one for one in value or () if isinstance(one, int))


def to_failure(value: Any) -> Failure | None:
    """Return the exception that `_exception` holds."""
    if not isinstance(value, _Shell):
        return None
    facts = vars(value)
    stacktrace = facts.get("stacktrace")
    return Failure(
        type=str(facts.get("type", "Exception")),
        message=str(facts.get("exception", "")),
        stacktrace=None if stacktrace is None else str(stacktrace),
    )


def to_included(value: Any) -> dict[str, Any] | None:
    """Return the descriptor (`url`, `size`, `is_text`, `encoding`) of an IncludeFile."""
    if not isinstance(value, _Shell):
        return None
    descriptor = vars(value).get("_descriptor")
    return descriptor if isinstance(descriptor, dict) else None
