"""Ways to damage a flow run in a local datastore, each as a stranger could who may write there.

Nothing here does harm by itself: what must not be read is a secret in a folder of the test's own.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["DAMAGES", "SECRET", "Damage", "Place"]

SECRET = "password-of-nobody"  # noqa: S105 - it opens nothing
DEEP = "[" * 100_000 + "]" * 100_000
HUGE = 10**30


@dataclass(frozen=True)
class Place:
    """A flow run of `tests/flows/two_flow.py` that is to be damaged.

    Attributes:
        run: its folder, in a local datastore.
        outside: a folder that is no part of the datastore, with a file `secret`.
    """

    run: Path
    outside: Path

    @property
    def secret(self) -> Path:
        """A file that mfwb has no business with."""
        return self.outside / "secret"

    @property
    def record(self) -> Path:
        """What the first task wrote of its artifacts."""
        return next(self.run.glob("start/*/0.data.json"))

    @property
    def task(self) -> Path:
        """The metadata of the first task."""
        return next(self.run.glob("start/*/_meta"))

    def metadata(self, name: str) -> Path:
        """Return the file of something that the first task registered."""
        return min(self.task.glob(f"sysmeta_{name}_*"))

    def blob(self, name: str) -> Path:
        """Return the file of an artifact of the first task, which is made this flow run's own."""
        data = pickle.dumps({"of": self.run.name, "name": name}, protocol=4)
        return self.store(name, data)

    def store(self, name: str, data: bytes, **facts: Any) -> Path:
        """Let an artifact of the first task have these bytes, and return their file."""
        sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        path = self.run.parent / "data" / sha[:2] / sha
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(data, 3))
        path.with_name(f"{sha}_meta").write_text('{"cas_raw": false, "cas_version": 1}')
        document = json.loads(self.record.read_text())
        document["objects"][name] = sha
        document["info"][name] = {"size": len(data), "type": "<class 'Odd'>", **facts}
        document["info"][name].setdefault("encoding", "pickle-v4")
        self.record.write_text(json.dumps(document))
        return path


Doing = Callable[[Place], object]


@dataclass(frozen=True)
class Damage:
    """What is done to a flow run, and what becomes of it.

    Attributes:
        do: damages it.
        reason: a part of what is said.
        lost: whether it is synced all the same, with a loss; else it fails.
        fine: whether it is synced as if nothing were.
    """

    do: Doing
    reason: str = ""
    lost: bool = False
    fine: bool = False


def _edit(path: Path, change: Callable[[Any], Any]) -> None:
    document = json.loads(path.read_text())
    changed = change(document)
    path.write_text(json.dumps(document if changed is None else changed))


def _record(*keys: str, to: Any) -> Doing:
    """Return what sets something in the record of the first task's artifacts."""

    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = to

    return lambda location: _edit(location.record, change)


def _raw(find: Callable[[Place], Path], data: bytes | str) -> Doing:
    """Return what replaces a file."""

    def do(place: Place) -> None:
        path = find(place)
        path.unlink()
        path.write_bytes(data if isinstance(data, bytes) else data.encode())

    return do


def _fifo(find: Callable[[Place], Path]) -> Doing:
    def do(place: Place) -> None:
        path = find(place)
        path.unlink()
        os.mkfifo(path)

    return do


def _link(find: Callable[[Place], Path], to: Callable[[Place], Path] | Path) -> Doing:
    def do(place: Place) -> None:
        path, target = find(place), to if isinstance(to, Path) else to(place)
        path.unlink()
        path.symlink_to(target)

    return do


def _run_self(place: Place) -> Path:
    return place.run / "_meta" / "_self.json"


def _task_self(place: Place) -> Path:
    return place.task / "_self.json"


def _set(find: Callable[[Place], Path], **facts: Any) -> Doing:
    return lambda location: _edit(find(location), lambda document: {**document, **facts})


def _value(name: str, value: Any) -> Doing:
    """Return what sets something that the first task registered."""
    return lambda location: _edit(
        location.metadata(name), lambda document: {**document, "value": value}
    )


def _registered(name: str, value: Any, kind: str = "x") -> Doing:
    """Return what lets the first task register something more."""

    def do(place: Place) -> None:
        document = json.loads(place.metadata("attempt").read_text())
        document |= {"field_name": name, "value": value, "type": kind}
        path = place.task / f"sysmeta_{name}_{document['ts_epoch']}.json"
        path.write_text(json.dumps(document))

    return do


def _internal(name: str, value: Any) -> Doing:
    return lambda location: location.store(name, pickle.dumps(value, protocol=4))


def _graph(value: Any) -> Doing:
    """Return what replaces `_graph_info`, which is read of the hidden task."""

    def do(place: Place) -> None:
        hidden = next(place.run.glob("_parameters/*/0.data.json"))
        place.store("_graph_info", pickle.dumps(value, protocol=4))
        sha = json.loads(place.record.read_text())["objects"]["_graph_info"]
        _edit(hidden, lambda document: document["objects"].update(_graph_info=sha))

    return do


def _doubled() -> list[Any]:
    value: list[Any] = []
    for _ in range(30):
        value = [value, value]
    return value


def _origin_is_itself(place: Place) -> None:
    _registered("origin-run-id", place.run.name)(place)
    _registered("origin-task-id", place.task.parent.name)(place)


def _origin_outside(place: Place) -> None:
    _registered("origin-run-id", "../../../outside")(place)
    _registered("origin-task-id", "../../outside")(place)


def _another_datastore(place: Place) -> None:
    """Let the task lie in a datastore that this machine may read, and nobody named."""
    foreign = place.outside / ".metaflow"
    existing = foreign / place.run.parent.name / place.run.name / "start" / place.task.parent.name
    existing.mkdir(parents=True)
    document = json.loads(place.record.read_text())
    data = pickle.dumps(SECRET)
    sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    blob = foreign / place.run.parent.name / "data" / sha[:2] / sha
    blob.parent.mkdir(parents=True)
    blob.write_bytes(gzip.compress(data))
    document["objects"]["number"] = sha
    (existing / "0.data.json").write_text(json.dumps(document))
    place.record.unlink()
    _value("ds-root", str(foreign))(place)


def _hidden_elsewhere(place: Place) -> None:
    for path in place.run.glob("_parameters/*/_meta/*_artifact_*.json"):
        _edit(path, lambda document: document.update(location=":root:/\0"))


def _twice(place: Place) -> None:
    shutil.copytree(place.task.parent, place.task.parent.with_name("twin"))


def _secret_as_blob(place: Place) -> None:
    path = place.blob("number")
    path.unlink()
    path.symlink_to(place.secret)
    path.with_name(f"{path.name}_meta").write_text('{"cas_raw": true}')


def _blob(do: Callable[[Place, Path], object]) -> Doing:
    def all_of_it(place: Place) -> None:
        path = place.blob("number")
        path.unlink()
        do(place, path)

    return all_of_it


def _bomb(place: Place, path: Path) -> None:
    del place
    path.write_bytes(gzip.compress(bytes(10_000_000)) * 300)


def _doubled_key(first: str, last: str) -> Doing:
    def do(place: Place) -> None:
        text = place.record.read_text()
        sha = json.loads(text)["objects"]["number"]
        both = f'"number": "{first or sha}", "number": "{last or sha}"'
        place.record.write_text(text.replace(f'"number": "{sha}"', both, 1))

    return do


_NUMBER = ("info", "number", "size")
_RECORD = "0.data.json in Metaflow's datastore is damaged"

_GONE = "its bytes are gone from Metaflow's datastore"

DAMAGES = {
    # what a task wrote of its artifacts
    "sha is a path": Damage(
        lambda location: _record("objects", "number", to=str(location.secret))(location), _RECORD
    ),
    "sha leads up": Damage(_record("objects", "number", to="../../../outside/secret"), _RECORD),
    "sha is a wildcard": Damage(_record("objects", "number", to="../../*"), _RECORD),
    "sha in capitals": Damage(_record("objects", "number", to="A" * 40), _RECORD),
    "sha with a line end": Damage(_record("objects", "number", to="a" * 40 + "\n"), _RECORD),
    "sha too long": Damage(_record("objects", "number", to="a" * 41), _RECORD),
    "sha is a list": Damage(_record("objects", "number", to=["a" * 40]), _RECORD),
    # a name may be any text
    "name is a path": Damage(_record("objects", "../number", to="a" * 40), _GONE, lost=True),
    "name has NUL": Damage(_record("objects", "a\0b", to="a" * 40), _GONE, lost=True),
    "objects is a list": Damage(_record("objects", to=[]), _RECORD),
    "info is a list": Damage(_record("info", to=[1]), _RECORD),
    "info of one is a list": Damage(_record("info", "number", to=[1]), _RECORD),
    "size is infinite": Damage(_record(*_NUMBER, to=float("inf")), _RECORD),
    "size is no number": Damage(_record(*_NUMBER, to=float("nan")), _RECORD),
    "size is negative": Damage(_record(*_NUMBER, to=-5), _RECORD),
    "size is a float": Damage(_record(*_NUMBER, to=5.5), _RECORD),
    "size is true": Damage(_record(*_NUMBER, to=True), _RECORD),
    "size is a text": Damage(_record(*_NUMBER, to="5"), _RECORD),
    "size is huge": Damage(_record(*_NUMBER, to=HUGE), _RECORD),
    "type is a list": Damage(_record("info", "number", "type", to=[]), _RECORD),
    "encoding is an object": Damage(_record("info", "number", "encoding", to={}), _RECORD),
    "record is deep": Damage(_raw(lambda location: location.record, DEEP), _RECORD),
    "record is a list": Damage(_raw(lambda location: location.record, "[]"), _RECORD),
    "record is empty": Damage(_raw(lambda location: location.record, ""), _RECORD),
    "record is no UTF-8": Damage(_raw(lambda location: location.record, b'{"a": "\xff"}'), _RECORD),
    "record is large": Damage(_raw(lambda location: location.record, " " * 17_000_000), _RECORD),
    "record is a pipe": Damage(_fifo(lambda location: location.record), _RECORD),
    "record is a device": Damage(
        _link(lambda location: location.record, Path("/dev/zero")), _RECORD
    ),
    "record leads out": Damage(
        _link(lambda location: location.record, lambda location: location.secret),
        "--datastore-root",
    ),
    "record leads to itself": Damage(
        _link(lambda location: location.record, lambda location: location.record), _RECORD
    ),
    "what lies beside the record": Damage(
        lambda location: location.record.with_name("0.data.json_meta").write_text(DEEP), fine=True
    ),
    "name twice, the last is a path": Damage(_doubled_key("", "../../x"), _RECORD),
    "name twice, the first is a path": Damage(_doubled_key("../../x", ""), _RECORD),
    "name twice, the last counts": Damage(_doubled_key("b" * 40, ""), fine=True),
    # the flow run's own metadata
    "run: no time": Damage(_set(_run_self, ts_epoch=None), "can't be read"),
    "run: negative time": Damage(_set(_run_self, ts_epoch=-1), "can't be read"),
    "run: time after 9999": Damage(_set(_run_self, ts_epoch=HUGE), "can't be read"),
    "run: endless time": Damage(_set(_run_self, ts_epoch=float("inf")), "can't be read"),
    "run: time as text": Damage(_set(_run_self, ts_epoch="now"), "can't be read"),
    "run: tags are a text": Damage(_set(_run_self, tags="abc"), "can't be read"),
    "run: tags are numbers": Damage(_set(_run_self, tags=[1, "a"]), "can't be read"),
    "run: tags of lists": Damage(_set(_run_self, tags=[["a"]]), "can't be read"),
    "run: a long tag": Damage(_set(_run_self, tags=["a" * 6_000]), "can't be read"),
    "run: user is an object": Damage(_set(_run_self, user_name={}), "can't be read"),
    "run: heart is a text": Damage(_set(_run_self, last_heartbeat_ts="x"), "can't be read"),
    "run: a list": Damage(_raw(_run_self, "[1]"), "can't be read"),
    "run: null": Damage(_raw(_run_self, "null"), "_self.json holds null, where a record must be"),
    "run: deep": Damage(_raw(_run_self, DEEP), "can't be read"),
    "run: cut off": Damage(_raw(_run_self, '{"run_nu'), "can't be read"),
    "run: large": Damage(_raw(_run_self, " " * 5_000_000), "can't be read"),
    "run: no UTF-8": Damage(_raw(_run_self, b"\xff\xfe\x00"), "can't be read"),
    "run: a device": Damage(_link(_run_self, Path("/dev/zero")), "there is no"),
    "run: leads out": Damage(_link(_run_self, lambda location: location.secret), "leads out of"),
    # that of its tasks
    "task: no time": Damage(_set(_task_self, ts_epoch=None), "can't be read"),
    "task: time after 9999": Damage(_set(_task_self, ts_epoch=2**53), "can't be read"),
    "task: id leads up": Damage(_set(_task_self, task_id="../../x"), "invalid name"),
    "task: id is up": Damage(_set(_task_self, task_id=".."), "invalid name"),
    "task: id is a wildcard": Damage(_set(_task_self, task_id="*"), "invalid name"),
    "task: id has NUL": Damage(_set(_task_self, task_id="a\0"), "invalid name"),
    "task: id is a list": Damage(_set(_task_self, task_id=[]), "invalid name"),
    "task: twice": Damage(_twice, "two tasks"),
    "task: deep": Damage(_raw(_task_self, DEEP), "can't be read"),
    "task: a list": Damage(_raw(_task_self, "[]"), "can't be read"),
    "step: without a name": Damage(
        _raw(lambda location: location.run / "start" / "_meta" / "_self.json", '{"ts_epoch": 1}'),
        "step_name",
    ),
    "step: in a circle": Damage(
        lambda location: (location.run / "circle").symlink_to(".."), "step_name"
    ),
    # what tasks registered
    "attempt is a word": Damage(_value("attempt", "one"), "number of an attempt"),
    "attempt is a path": Damage(_value("attempt-done", "../../0"), "number of an attempt"),
    "attempt is negative": Damage(_value("attempt-done", "-1"), "number of an attempt"),
    "attempt is huge": Damage(_value("attempt", str(HUGE)), "number of an attempt"),
    "attempt is a list": Damage(_value("attempt", [0]), "number of an attempt"),
    "datastore of NUL": Damage(_value("ds-root", "/a\0b"), "its datastore"),
    "datastore of nothing": Damage(_value("ds-root", ""), "its datastore"),
    "datastore that is relative": Damage(_value("ds-root", "x/y"), "its datastore"),
    "datastore that leads up": Damage(_value("ds-root", "/a/../../etc"), "its datastore"),
    "datastore is a list": Damage(_value("ds-root", ["/a"]), "its datastore"),
    "datastore of no kind": Damage(_value("ds-type", "nfs"), "not one of your datastores"),
    "datastore in a cloud": Damage(_value("ds-type", "s3"), "not one of your datastores"),
    "datastore of another": Damage(_another_datastore, "--datastore-root"),
    "datastore of the hidden task": Damage(_hidden_elsewhere, "its datastore"),
    "registered: a list": Damage(
        _raw(lambda location: location.metadata("attempt"), "[]"), "can't be read"
    ),
    "registered: a pipe": Damage(
        _fifo(lambda location: location.metadata("attempt")), "can't be read"
    ),
    "registered: a device": Damage(
        _link(lambda location: location.metadata("attempt"), Path("/dev/zero")), "can't be read"
    ),
    "registered: leads out": Damage(
        _link(lambda location: location.metadata("attempt"), lambda location: location.secret),
        "leads out of",
    ),
    "registered: deep": Damage(
        _raw(lambda location: location.metadata("attempt"), DEEP), "can't be read"
    ),
    "registered: no time": Damage(
        _set(lambda location: location.metadata("attempt"), ts_epoch=None), "can't be read"
    ),
    "registered: name is a list": Damage(
        _set(lambda location: location.metadata("attempt"), field_name=[]), "can't be read"
    ),
    "registered: a card that is none": Damage(
        _registered("uuid", '{"type": 1}', "card-info"), "card", lost=True
    ),
    "registered: a card that is deep": Damage(
        _registered("uuid", DEEP, "card-info"), "card", lost=True
    ),
    "origin is itself": Damage(_origin_is_itself, "nested too deep"),
    "origin is outside": Damage(_origin_outside, "can't be read"),
    # what Metaflow keeps for itself
    "_transition that doubles": Damage(
        _internal("_transition", (_doubled(), None)), "can't be read"
    ),
    "_transition that leads up": Damage(
        _internal("_transition", (["../x"], None)), "a name that no step can have"
    ),
    "_transition of numbers": Damage(_internal("_transition", 3), "can't be read"),
    "_foreach_stack that doubles": Damage(_internal("_foreach_stack", _doubled()), "can't be read"),
    "_iteration_stack that doubles": Damage(
        _internal("_iteration_stack", _doubled()), "can't be read"
    ),
    "_graph_info that doubles": Damage(_graph({"steps": {"start": _doubled()}}), "can't be read"),
    "_graph_info of doubles": Damage(
        _graph({"steps": {"start": {"next": _doubled()}}}), "can't be read"
    ),
    "_graph_info that is a list": Damage(_graph([1]), "can't be read"),
    "_graph_info whose end leads up": Damage(
        _graph({"steps": {}, "end_step": "../x"}), "last step"
    ),
    # the bytes themselves
    "blob leads out": Damage(_secret_as_blob, "leads out of", lost=True),
    "blob is a pipe": Damage(_blob(lambda _, path: os.mkfifo(path)), "is not a file", lost=True),
    "blob is a device": Damage(
        _blob(lambda _, path: path.symlink_to("/dev/zero")), "leads out of", lost=True
    ),
    "blob is a folder": Damage(_blob(lambda _, path: path.mkdir()), "is not a file", lost=True),
    "blob is a circle": Damage(
        _blob(lambda _, path: path.symlink_to(path)), "symbolic links", lost=True
    ),
    "blob is a bomb": Damage(_blob(_bomb), "more bytes", lost=True),
}
