"""Reads from other flow runs: with Metaflow's client, and from the run that triggered this one."""

from __future__ import annotations

from dataclasses import replace

from mfwb.lineage.static_analysis.calls.arguments import Args
from mfwb.lineage.static_analysis.calls.client_levels import child_of, looked_up_run
from mfwb.lineage.static_analysis.domain.bounds import value_of
from mfwb.lineage.static_analysis.domain.text_values import concatenate, get_text_parts, last_part
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    OTHER,
    Atom,
    Client,
    ClientData,
    Const,
    Current,
    Trigger,
    Value,
    only,
)
from mfwb.lineage.static_analysis.frame import Frame
from mfwb.lineage.static_analysis.result import KINDS

__all__ = ["client_attribute", "client_call", "client_item", "is_client", "metaflow_object"]

_CLASSES = {"Flow": 0, "Run": 1, "Step": 2, "Task": 3, "DataArtifact": 4}
_LEADS_TO = {
    "end_task": 3,
    "latest_run": 1,
    "latest_successful_run": 1,
    "run": 1,
    "runs": 0,
    "steps": 1,
    "task": 3,
    "tasks": 2,
    "control_task": 3,
    "control_tasks": 2,
}


def is_client(atom: Atom) -> bool:
    """Return whether an atom is an object of Metaflow's client or leads to one."""
    return isinstance(atom, Client | ClientData | Current | Trigger)


def metaflow_object(dotted: str) -> Value | None:
    """Return the value of a name in Metaflow, if it leads to other flow runs; else None."""
    if dotted in {"metaflow.current", "metaflow.metaflow_current.current"}:
        return value_of(Current())
    return None


def client_call(frame: Frame, dotted: str, args: Args) -> Value | None:
    """Return the client object that a call such as `Run("X/1")` makes; None if it makes none."""
    name = dotted.rpartition(".")[2]
    if name not in _CLASSES or not dotted.startswith(("metaflow.", "metaflow.client.")):
        return None
    given = args.get(0, "pathspec") or args.keyword("name") or ANYTHING
    level = _CLASSES[name]
    clients = [
        Client(KINDS[level], parts, level, sure=len(given) == 1)
        for parts in (get_text_parts(value_of(atom)) for atom in given)
        if parts
    ]
    for client in clients:
        frame.external(client)
    return value_of(*clients, *([OTHER] if len(clients) < len(given) else []))


def client_attribute(frame: Frame, atom: Atom, name: str) -> Value:
    """Return the value of an attribute of a client object, and note reads of data."""
    if isinstance(atom, ClientData):
        frame.external(atom.source, name)
    elif isinstance(atom, Current) and name == "trigger":
        return value_of(Trigger())
    elif isinstance(atom, Current) and name == "flow_name":
        return value_of(Const(frame.study.flow.info.name))
    elif isinstance(atom, Trigger) and name in {"run", "runs"}:
        return _of_trigger(frame, 0 if name == "runs" else 1)
    elif isinstance(atom, Client):
        return _of_client(atom, name)
    return ANYTHING


def _of_client(atom: Client, name: str) -> Value:
    if name in {"data", "artifacts"} and atom.level < _CLASSES["DataArtifact"]:
        return value_of(ClientData(atom))
    if name in {"id", "pathspec"}:
        return _name_of(atom, name)
    level = _LEADS_TO.get(name)
    if level is None:
        return ANYTHING
    if atom.kind == "flow" and level == _CLASSES["Run"]:
        return value_of(looked_up_run(atom))
    return value_of(replace(atom, level=level))


def _name_of(atom: Client, name: str) -> Value:
    """Return the `id` or the `pathspec` of an object, as far as the code shows it."""
    if atom.kind != KINDS[atom.level] or not atom.sure:
        return ANYTHING
    return concatenate(last_part(atom.parts) if name == "id" else atom.parts)


def client_item(frame: Frame, atom: Atom, key: Value) -> Value:
    """Return the value of a subscript of a client object."""
    constant = only(key)
    name = constant.value if isinstance(constant, Const) else None
    parts = get_text_parts(key)
    if isinstance(atom, Trigger):
        return _of_trigger(frame, 1)
    if isinstance(atom, ClientData):
        return client_attribute(frame, atom, name) if isinstance(name, str) else ANYTHING
    if isinstance(atom, Client):
        if atom.level == _CLASSES["Task"] and isinstance(name, str):
            frame.external(atom, name)
        return value_of(child_of(atom, parts))
    return ANYTHING


def _of_trigger(frame: Frame, level: int) -> Value:
    trigger = Client("trigger", (), level)
    frame.external(trigger)
    return value_of(trigger)
