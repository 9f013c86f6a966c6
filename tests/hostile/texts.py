"""Texts that harm a terminal or a browser: each is printed, or reaches W&B."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.hostile import opcodes
from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import StoredRun

_HARM = {
    "ansi": "\x1b[2J\x1b[31mred\x1b[0m\x9b31m\x08\x08\r\x7f",
    "links": "\x1b]8;;http://attacker.invalid\x07click\x1b]8;;\x07",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "markup": "[red]x[/red] [/] [link=http://x]y[/link] [[ [bold]",
    "bidi": "a\u202egnp.exe\u2066\u2069\u200f",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "markdown": "[x](javascript:alert(1)) ![y](http://attacker.invalid/a.png) `\n# head\n| a |",
    "surrogates": "a\ud800b\udfff",
    "lines": "one\ntwo\r\nthree\u2028four\x0b\x0c\x85five",
    "nul": "a\x00b",
    "long": "x" * 200_000,
    "format": "%s%n {0} {x.__class__} $(touch x) `touch x` ${HOME}",
}
_HARM["all-of-it"] = " ".join(text for name, text in _HARM.items() if name != "long")
_SAMPLED = {"all-of-it"}

Put = Callable[[StoredRun, str], None]


def _artifact_names(run: StoredRun, text: str) -> None:
    """Give a task artifacts of that name; those that a file can't be named after aside."""

    def change(document: dict[str, Any]) -> None:
        for part in ("objects", "info"):
            document[part][f"x{text}"] = document[part]["number"]
            document[part][text] = document[part]["frame"]

    run.edit(run.facts("start"), change)


def _parameter_names(run: StoredRun, text: str) -> None:
    graph = run.graph()
    graph["parameters"].append({"name": text, "type": "Parameter"})
    run.set_graph(graph)
    run.edit(run.facts("_parameters"), lambda document: [
        document[part].update({text: document[part]["rate"]}) for part in ("objects", "info")
    ] and None)  # fmt: skip


def _values(run: StoredRun, text: str) -> None:
    run.replace("values", opcodes.dumps({text: text, "more": [text]}))
    run.replace("rate", opcodes.dumps(text), "<class 'str'>")


def _exception(run: StoredRun, text: str) -> None:
    fields = dict.fromkeys(("type", "exception", "stacktrace"), text)
    raised = opcodes.instance("metaflow.exception.MetaflowExceptionWrapper", opcodes.body(fields))
    run.replace("_exception", opcodes.PROTO + raised + b".", steps=("end",))
    run.replace("_success", opcodes.dumps(False), steps=("end",))  # noqa: FBT003
    run.replace("_task_ok", opcodes.dumps(False), steps=("end",))  # noqa: FBT003
    run.say("end", "attempt_ok", "False")


def _graph(run: StoredRun, text: str) -> None:
    graph = {**run.graph(), "doc": text, "file": text, "decorators": [{"name": text}]}
    for step in graph["steps"].values():
        step["doc"] = text
        step["source_file"] = f"/nowhere/{text}.py"
    run.set_graph(graph)


def _log(run: StoredRun, text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    lines = b"[MFLOG|0|2026-01-01T00:00:00.000000Z|task|abc]" + data + b"\n" + data + b"\xff\xfe\n"
    run.fill_log("start", lines)
    run.fill_log("start", lines, "stderr")


def _metadata(run: StoredRun, text: str) -> None:
    for path in run.folder.rglob("sysmeta_*.json"):
        if not path.name.startswith(("sysmeta_attempt", "sysmeta_ds-", "sysmeta_origin")):
            run.merge(path, {"value": text})
    run.say("start", text.replace("/", "|")[:60].replace("\x00", "0").encode(
        "utf-8", "backslashreplace").decode(), text)  # fmt: skip


def _run_record(run: StoredRun, text: str) -> None:
    changes = {
        "tags": [text, f"{text}2", "plain"],
        "user_name": text,
        "system_tags": [f"{name}:{text}" for name in ("user", "runtime", "python_version")],
    }
    for path in run.selves():
        run.merge(path, changes)


def _types(run: StoredRun, text: str) -> None:
    def change(document: dict[str, Any]) -> None:
        for about in document["info"].values():
            about["type"] = f"<class '{text}'>"
            about["encoding"] = text

    run.edit(run.facts("start"), change)


def _card(run: StoredRun, text: str) -> None:
    for card in run.cards.rglob("*.html"):
        card.write_text(f"<h1>{text}</h1>", encoding="utf-8", errors="surrogatepass")
    for path in run.task("start").rglob("sysmeta_*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["type"] == "card-info":
            about = {**json.loads(document["value"]), "id": text}
            run.merge(path, {"value": json.dumps(about)})


def _paths(run: StoredRun, text: str) -> None:
    run.replace("path", opcodes.path(f"/nowhere/{text}"))
    run.replace("words", opcodes.included(f"local:///nowhere/{text}", encoding=text))


_PLACES: dict[str, tuple[str, Put, str]] = {
    "artifact-names": ("The names of artifacts", _artifact_names, "start/frame"),
    "parameter-names": ("The name of a parameter", _parameter_names, "_parameters/rate"),
    "values": ("Values and their keys", _values, "start/values"),
    "exception": ("The text of an exception", _exception, "start/frame"),
    "graph": ("Descriptions and file names in the graph", _graph, "start/frame"),
    "log": ("What a task printed", _log, "start/frame"),
    "metadata": ("Metadata", _metadata, "start/frame"),
    "run": ("Tags and user of the flow run", _run_record, "start/frame"),
    "types": ("The names of types", _types, "start/frame"),
    "card": ("A card", _card, "start/frame"),
    "paths": ("Paths", _paths, "start/path"),
}


def _add(  # noqa: PLR0913, PLR0917 - each is a part of the case
    place: str, put: Put, subject: str, explain: str, harm: str, text: str
) -> None:
    def build(run: StoredRun, _: Scene) -> None:
        put(run, text)

    attack("10", name=f"{place}-{harm}", story=f"{subject} hold what harms by its {harm}.",
           sampled=harm in _SAMPLED, explain=explain, alone=place == "run")(build)  # fmt: skip


for _place, (_subject, _put, _explain) in _PLACES.items():
    for _name, _text in _HARM.items():
        _add(_place, _put, _subject, _explain, _name, _text)
