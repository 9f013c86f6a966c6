"""Metaflow's pathspecs: those that users write, and the parts of recorded ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from mfwb.errors import UsageError
from mfwb.snapshot.identifiers import is_flow_name, is_run_id

LATEST = "latest"

PARAMETERS = "_parameters"
"""The name that replaces the step in pathspecs of parameters."""

LAST_MOMENT = 253_402_300_799_999
"""The last millisecond of the year 9999, since 1970: Python's datetime has no later one."""

_FIRST_ID = 10**15
"""The smallest number that is an id of a local flow run: microseconds, in the year 2001."""


@dataclass(frozen=True, slots=True)
class Pathspec:
    """A flow, or one run of it; run None means "every selected run"."""

    flow: str
    run: str | None = None

    def __str__(self) -> str:
        return self.flow if self.run is None else f"{self.flow}/{self.run}"


def parse(text: str) -> Pathspec:
    """Return `Flow` or `Flow/run` as a value; UsageError with what is wrong otherwise."""
    parts = parts_of(text.strip())
    if len(parts) > 2:  # noqa: PLR2004 - a flow and a run
        raise UsageError(
            f"{text!r} names more than a flow run; mfwb works on whole runs, so give "
            f"{'/'.join(parts[:2])!r}"
        )
    flow, run = parts[0], (parts[1] if len(parts) > 1 else None)
    if not is_flow_name(flow) or (run is not None and not is_run_id(run)):
        raise UsageError(f"{text!r} is not a pathspec; give Flow/123, Flow/latest or Flow --last 5")
    return Pathspec(flow, run)


# --- recorded pathspecs ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaskPath:
    """The parts of a task's pathspec: `Flow/123/train/4`."""

    flow: str
    run: str
    step: str
    task: str

    @classmethod
    def of(cls, pathspec: str) -> TaskPath:
        """Return the parts; ValueError if this is not the pathspec of a task."""
        flow, run, step, task = parts_of(pathspec)
        return cls(flow, run, step, task)

    def __str__(self) -> str:
        return f"{self.flow}/{self.run}/{self.step}/{self.task}"


@dataclass(frozen=True, slots=True)
class FlowRunId:
    """The identity of a flow run. It is part of digests, and of the config in W&B."""

    flow_run: str  # pathspec
    provider: str
    created_at: int  # when it started, in epoch ms; the key that config has had from the beginning

    @classmethod
    def from_config(cls, facts: Any) -> FlowRunId | None:
        """Return the flow run that a config names; None if it names none. Anyone may write it."""
        if not isinstance(facts, Mapping):
            return None
        flow_run, provider = facts.get("flow_run"), facts.get("provider")
        if not isinstance(flow_run, str) or not isinstance(provider, str):
            return None
        created_at = facts.get("created_at")
        if isinstance(created_at, float) and created_at.is_integer():
            created_at = int(created_at)  # JSON does not distinguish 5 from 5.0
        return cls(flow_run, provider, created_at) if type(created_at) is int else None

    def is_of(self, facts: Any) -> bool:
        """Return whether a config names exactly this flow run.

        Older configs use the id of a local flow run as its start, even if a user chose the id.
        """
        flow_run_id = FlowRunId.from_config(facts)
        return flow_run_id == self or (self._is_chosen and flow_run_id == self._as_older_versions)

    @property
    def _is_chosen(self) -> bool:
        run = parts_of(self.flow_run)[-1]
        is_number = run.isascii() and run.isdecimal() and len(run) <= _LONGEST_ID
        return self.provider.startswith("local@") and is_number and moment_of_id(run) is None

    @property
    def _as_older_versions(self) -> FlowRunId:
        return replace(self, created_at=int(parts_of(self.flow_run)[-1]) // 1000)

    def to_dict(self) -> dict[str, Any]:
        """Return the identity as a dict, as config stores it."""
        return asdict(self)


def parts_of(pathspec: str) -> list[str]:
    """Return the parts of a pathspec: flow, run, step, task, artifact, as far as it goes."""
    return pathspec.split("/")


def flow_of(pathspec: str) -> str:
    """Return the name of the flow in a pathspec."""
    return pathspec.partition("/")[0]


def flow_run_of(pathspec: str) -> str:
    """Return the flow run that a step, a task or an artifact belongs to, by its pathspec."""
    return "/".join(parts_of(pathspec)[:2])


def step_of(pathspec: str) -> str:
    """Return the name of the step that a task belongs to; PARAMETERS for parameters."""
    return parts_of(pathspec)[2]


def below_flow_run(pathspec: str) -> str:
    """Return `train/4` of `Flow/123/train/4`."""
    return pathspec.split("/", 2)[-1]


def owner_and_name(pathspec: str) -> tuple[str, str]:
    """Return the pathspec of the owner of an artifact, and the artifact's name."""
    owner, _, name = pathspec.rpartition("/")
    return owner, name


def parameters_of(flow_run: str) -> str:
    """Return the owner of the parameters of a flow run, as in edges: `Flow/123/_parameters`."""
    return f"{flow_run}/{PARAMETERS}"


def is_parameters(producer: str) -> bool:
    """Return whether a producer stands for the parameters of a flow run, and is not a task."""
    return producer.endswith(f"/{PARAMETERS}")


def moment_of_id(run_id: str) -> int | None:
    """Return the start time that is the id of a local flow run, in epoch ms; None if it is none.

    Metaflow uses the start in microseconds as the id, unless a user chose one.
    """
    if not (run_id.isascii() and run_id.isdecimal() and len(run_id) <= _LONGEST_ID):
        return None
    moment = int(run_id)
    return moment // 1000 if _FIRST_ID <= moment <= LAST_MOMENT * 1000 else None


_LONGEST_ID = len(str(LAST_MOMENT * 1000))
