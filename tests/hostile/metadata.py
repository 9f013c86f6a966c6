"""Records that are no JSON, too much of it, or JSON of other types than are meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import StoredRun

Target = Callable[[StoredRun], Path]

_TARGETS: dict[str, Target] = {
    "facts": lambda run: run.facts("start"),
    "artifact": lambda run: run.record("start", "frame"),
    "parameter": lambda run: run.record("_parameters", "rate"),
    "task": lambda run: run.task("start") / "_meta" / "_self.json",
    "run": lambda run: run.folder / "_meta" / "_self.json",
    "metadata": lambda run: run.metadata("start", "attempt-done")[0],
    "ds-root": lambda run: run.metadata("start", "ds-root")[0],
}
"""The files that a metadata provider and a datastore keep, one of each kind."""

_SAMPLED = {"run-deep", "metadata-deep", "facts-list", "task-empty", "artifact-cut-short",
            "facts-not-utf8"}  # fmt: skip


def _deep(_: dict[str, Any]) -> bytes:
    return b'{"a":' * 100_000 + b"1" + b"}" * 100_000


def _deep_lists(_: dict[str, Any]) -> bytes:
    return b"[" * 100_000


def _cut_short(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()[:-20]


def _not_utf8(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode().replace(b"a", b"\xff")


def _twice(document: dict[str, Any]) -> bytes:
    text = json.dumps(document)
    return f"{text[:-1]}, {text[1:-1]}, {', '.join(f'{json.dumps(key)}: 7' for key in document)}}}".encode()  # noqa: E501


def _nulls(document: dict[str, Any]) -> bytes:
    return json.dumps(dict.fromkeys(document)).encode()


def _numbers(document: dict[str, Any]) -> bytes:
    return json.dumps(dict.fromkeys(document, float("nan"))).encode()


def _surrogates(document: dict[str, Any]) -> bytes:
    return json.dumps(dict.fromkeys(document, "\ud800\udfff\ud800")).encode()


def _infinite(document: dict[str, Any]) -> bytes:
    texts = {key: "1e999" if isinstance(value, int) else json.dumps(value)
             for key, value in document.items()}  # fmt: skip
    return ("{" + ", ".join(f'"{key}": {text}' for key, text in texts.items()) + "}").encode()


def _many_digits(document: dict[str, Any]) -> bytes:
    texts = {key: "9" * 100_000 if isinstance(value, int) else json.dumps(value)
             for key, value in document.items()}  # fmt: skip
    return ("{" + ", ".join(f'"{key}": {text}' for key, text in texts.items()) + "}").encode()


_SHAPES: dict[str, tuple[str, Callable[[dict[str, Any]], bytes]]] = {
    "deep": ("nested 100,000 deep", _deep),
    "deep-lists": ("100,000 brackets that are never closed", _deep_lists),
    "list": ("a list in place of an object", lambda _: b"[1, 2]"),
    "a-null": ("nothing in place of an object", lambda _: b"null"),
    "text": ("text in place of an object", lambda _: b'"x"'),
    "empty": ("empty", lambda _: b""),
    "cut-short": ("cut short", _cut_short),
    "not-utf8": ("not in UTF-8", _not_utf8),
    "twice": ("an object with every key three times, once of another type", _twice),
    "nulls": ("an object of nulls", _nulls),
    "nans": ("an object of NaNs", _numbers),
    "surrogates": ("an object of halves of characters", _surrogates),
    "infinite": ("an object whose numbers are infinite", _infinite),
    "many-digits": ("an object whose numbers have 100,000 digits", _many_digits),
}


def _damaged(place: str, target: Target, shape: str, story: str, change: Any) -> None:
    def build(run: StoredRun, _: Scene) -> None:
        path = target(run)
        path.write_bytes(change(json.loads(path.read_text(encoding="utf-8"))))

    name = f"{place}-{shape}"
    # A flow run whose own record can't be read may be missing in a listing.
    alone = place == "run"
    text = f"The record of its {place} is {story}."
    attack("10", name=name, story=text, sampled=name in _SAMPLED, alone=alone)(build)


for _place, _target in _TARGETS.items():
    for _shape, (_story, _change) in _SHAPES.items():
        _damaged(_place, _target, _shape, _story, _change)


@attack("10", sampled=True)
def times(run: StoredRun, _: Scene) -> None:
    """All times of the tasks are missing, negative, or no times."""
    values: list[Any] = [None, -1, float("nan"), float("inf"), 10**18, "soon", [], 1e300]
    for number, path in enumerate(sorted(run.folder.rglob("sysmeta_*.json"))):
        value = values[number % len(values)]
        run.merge(path, {"ts_epoch": value})


@attack("10")
def times_of_tasks(run: StoredRun, _: Scene) -> None:
    """The times at which steps and tasks were queued are null, and far in the future."""
    for number, path in enumerate(run.selves()):
        if path.parent.parent != run.folder:
            value = (None, 10**30)[number % 2]
            run.merge(path, {"ts_epoch": value})


def _time_of_run(name: str, value: Any) -> None:
    def build(run: StoredRun, _: Scene) -> None:
        path = run.folder / "_meta" / "_self.json"
        run.merge(path, {"ts_epoch": value})

    story = f"The flow run began at {name.replace('-', ' ')}."
    attack("10", name=f"run-began-at-{name}", story=story, alone=True)(build)


_time_of_run("null", None)
_time_of_run("infinity", float("inf"))
_time_of_run("nan", float("nan"))
_time_of_run("the-year-300000000", 10**19)
_time_of_run("minus-one", -1)
_time_of_run("text", "x")


@attack("10", sampled=True)
def sizes(run: StoredRun, _: Scene) -> None:
    """Sizes are infinite, negative, NaN, text, missing, and of 100,000 digits."""
    values = [float("inf"), -(10**20), float("nan"), "7", None, 10**4000, [], True]

    def change(document: dict[str, Any]) -> None:
        for number, about in enumerate(document["info"].values()):
            about["size"] = values[number % len(values)]

    for step in ("start", "middle", "end", "_parameters"):
        run.edit(run.facts(step), change)


@attack("10", sampled=True)
def types(run: StoredRun, _: Scene) -> None:
    """Recorded types are numbers, lists, and text with a million letters."""
    values = [7, ["<class 'int'>"], "<class '" + "a." * 500_000 + "'>", None, {}, "<class"]

    def change(document: dict[str, Any]) -> None:
        for number, about in enumerate(document["info"].values()):
            about["type"] = values[number % len(values)]

    for step in ("start", "middle", "end"):
        run.edit(run.facts(step), change)


@attack("10")
def encodings(run: StoredRun, _: Scene) -> None:
    """Recorded encodings are unknown, numbers, and none."""
    values = ["jsonic-v1", 7, None, "\x1b[31m", ["pickle-v4"]]

    def change(document: dict[str, Any]) -> None:
        for number, about in enumerate(document["info"].values()):
            about["encoding"] = values[number % len(values)]

    run.edit(run.facts("start"), change)


@attack("10")
def attempts(run: StoredRun, _: Scene) -> None:
    """The number of the attempt is a million, a path, and no number."""
    for step, value in (("start", "1000000"), ("middle", "../0"), ("end", "NaN")):
        for name in ("attempt", "attempt-done"):
            run.say(step, name, value)


@attack("10")
def attempt_tags(run: StoredRun, _: Scene) -> None:
    """The tags that say which attempt a record is of are of other types."""
    for number, path in enumerate(sorted(run.folder.rglob("sysmeta_*.json"))):
        value: Any = [None, 7, ["attempt_id:x"], ["attempt_id:-1"], [[]]][number % 5]
        run.merge(path, {"tags": value})


@attack("10", sampled=True)
def values(run: StoredRun, _: Scene) -> None:
    """Values of the metadata are lists, objects, and numbers."""
    result: list[Any] = [None, ["a"], {"a": [1]}, 7, True, "x" * 100_000]
    for number, path in enumerate(sorted(run.task("start").rglob("sysmeta_*.json"))):
        if "attempt" not in path.name:
            value = result[number % len(result)]
            run.merge(path, {"value": value})


@attack("10")
def identities(run: StoredRun, _: Scene) -> None:
    """Tasks say that they are of another flow run, another step, and another flow."""
    changes: dict[str, dict[str, Any]] = {
        "start": {"run_number": "../7000"},
        "middle": {"step_name": "../../x", "task_id": "a/b"},
        "end": {"flow_id": "Other/1", "task_id": 7},
    }
    for step, change in changes.items():
        path = run.task(step) / "_meta" / "_self.json"
        run.merge(path, change)


@attack("10")
def origins(run: StoredRun, scene: Scene) -> None:
    """Tasks say that they are clones of tasks with odd names, and of themselves."""
    for step, value in (("start", run.run_id), ("middle", "../../7000"), ("end", "\x1b[31m")):
        run.say(step, "origin-run-id", value)
        run.say(step, "origin-task-id", f"{scene.other}")


@attack("10")
def triggers(run: StoredRun, _: Scene) -> None:
    """What triggered the flow run is JSON 50,000 deep, and of other types."""
    run.say("start", "execution-triggers", "[" * 50_000)
    run.say("middle", "execution-triggers", json.dumps([{"type": "run", "id": [1]}, 7, None]))


@attack("10")
def git(run: StoredRun, _: Scene) -> None:
    """What is recorded of git is JSON 50,000 deep, and an address with a password."""
    run.say("start", "git-info", "[" * 50_000)
    run.say("middle", "git-info", json.dumps({"repo_url": ["x"], "commit_sha": {"a": 1}}))


@attack("10")
def cards(run: StoredRun, _: Scene) -> None:
    """What is recorded of cards is JSON 50,000 deep, a path, and of other types."""
    texts = (
        "[" * 50_000,
        json.dumps({"card_uuid": "../../../x", "type": "../x", "id": ["a"]}),
        json.dumps(["a"]),
    )
    for step, text in zip(("start", "middle", "end"), texts, strict=True):
        for path in run.task(step).rglob("sysmeta_*.json"):
            if "card-info" in path.read_text(encoding="utf-8"):
                run.merge(path, {"value": text})
        run.say(step, "0123456789abcdef0123456789abcdef", text, "card-info")


@attack("10")
def foreach_paths(run: StoredRun, _: Scene) -> None:
    """The paths of a foreach are endless, and name numbers that are none."""
    run.say("start", "foreach-execution-path", "a:1," * 50_000)
    run.say("middle", "foreach-execution-path", "a:\u0661\u00b2,b:" + "9" * 5_000)
    run.say("end", "foreach-stack", "[" * 50_000)


@attack("10")
def many_records(run: StoredRun, _: Scene) -> None:
    """A task has 20,000 records of metadata."""
    [sample] = run.metadata("start", "attempt-done")
    document = json.loads(sample.read_text(encoding="utf-8"))
    for number in range(20_000):
        document |= {"field_name": f"x{number}", "type": "x", "value": "y" * 100}
        path = sample.with_name(f"sysmeta_x{number}_1.json")
        path.write_text(json.dumps(document), encoding="utf-8")


@attack("10")
def many_artifacts(run: StoredRun, _: Scene) -> None:
    """A task has 20,000 artifacts, all of one content."""

    def change(document: dict[str, Any]) -> None:
        for number in range(20_000):
            document["objects"][f"x{number}"] = document["objects"]["number"]
            document["info"][f"x{number}"] = document["info"]["number"]

    run.edit(run.facts("start"), change)


@attack("10")
def huge(run: StoredRun, _: Scene) -> None:
    """A record has 100 MB."""
    path = run.record("start", "frame")
    text = path.read_text(encoding="utf-8")
    path.write_text(f'{text[:-1]}, "x": "{"y" * 100_000_000}"}}', encoding="utf-8")


@attack("10", alone=True)
def huge_run(run: StoredRun, _: Scene) -> None:
    """The record of the flow run has 100 MB."""
    path = run.folder / "_meta" / "_self.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(f'{text[:-1]}, "x": "{"y" * 100_000_000}"}}', encoding="utf-8")


@attack("10")
def huge_facts(run: StoredRun, _: Scene) -> None:
    """What a task wrote of its artifacts has 100 MB of small objects."""
    path = run.facts("start")
    text = path.read_text(encoding="utf-8")
    path.write_text(f'{text[:-1]}, "x": [{"{}," * 33_000_000}1]}}', encoding="utf-8")
