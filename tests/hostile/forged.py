"""Facts that claim what is another's: names, times, origins, marks that mfwb sets itself."""

from __future__ import annotations

import json

from tests.hostile import opcodes
from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import StoredRun

_OURS = ("mfwb", "_wandb", "_runtime", "_step", "_timestamp", "tasks", "card", "metaflow", "mfwb_",
         "mfwb.complete", "_wandb.runtime", "mfwb.value", "graph_0", "code", "wandb-metadata.json",
         "output.log", "config.yaml", "latest", "run-x:latest")  # fmt: skip


@attack("10", sampled=True)
def marks(run: StoredRun, _: Scene) -> None:
    """Artifacts and parameters have the names of what mfwb and W&B say of themselves."""
    mark = {"complete": "x", "version": "9", "source": {"flow_run": "SharedFlow/1"}, "writer": "w"}
    for name in _OURS:
        run.add(name, opcodes.dumps(mark), "<class 'dict'>", steps=("start", "middle"))
    graph = run.graph()
    graph["parameters"] += [{"name": name, "type": "Parameter"} for name in _OURS]
    run.set_graph(graph)
    for name in _OURS:
        run.add(name, opcodes.dumps(mark), "<class 'dict'>", steps=("_parameters",))


@attack("10", sampled=True)
def circle_of_origins(run: StoredRun, _: Scene) -> None:
    """Tasks are clones of themselves and of one another, and their cards are gone."""
    for step, other in (("start", run.run_id), ("middle", run.run_id)):
        run.say(step, "origin-run-id", other)
        run.say(step, "origin-task-id", {"start": "1", "middle": "2"}[step])
    for card in run.cards.rglob("*.html"):
        card.unlink()


@attack("10", sampled=True)
def documents(run: StoredRun, _: Scene) -> None:
    """Documents hold NaN, infinities, huge numbers, half a character, 500 levels."""
    texts = {
        "start": '{"a": NaN, "b": Infinity, "c": 1e999, "d": "\\ud800", "repo_url": "http://[x"}',
        "middle": "[" * 500 + "]" * 500,
        "end": '{"a": ' + "9" * 4000 + ', "\\u0000": 1, "": 2, "__proto__": {}}',
    }
    for step, text in texts.items():
        for name in ("git-info", "code-package", "execution-triggers"):
            run.say(step, name, text)


@attack("10", sampled=True)
def log_of_the_last_second(run: StoredRun, _: Scene) -> None:
    """A task printed in the last microsecond of the year 9999, and in the year 1."""
    lines = [b"9999-12-31T23:59:59.999999", b"0001-01-01T00:00:00.000000"]
    run.fill_log("start", b"".join(b"[MFLOG|0|%sZ|task|a]x\n" % line for line in lines))


@attack("10", explain="start/values")
def triggers_without_end(run: StoredRun, _: Scene) -> None:
    """20,000 flow runs, this one among them, are said to have started it."""
    events = [{"type": "run", "id": f"SharedFlow/{run.run_id}/end/3"}]
    events += [{"type": "run", "id": f"Other/{n}/end/1"} for n in range(20_000)]
    for step in ("start", "middle"):
        run.say(step, "execution-triggers", json.dumps(events))


@attack("10")
def many_attempts(run: StoredRun, _: Scene) -> None:
    """A task was tried 300 times, and failed each time by another exception of 600 kB."""
    [sample] = run.metadata("start", "attempt")
    document = json.loads(sample.read_text(encoding="utf-8"))
    facts = json.loads(run.facts("start").read_text(encoding="utf-8"))
    for number in range(300):
        failure = {"type": "E", "message": f"{number}" + "x" * 300_000, "stacktrace": "y" * 300_000}
        facts["objects"] = {"_exception": run.put(opcodes.dumps(failure))}
        target = run.task("start") / f"{number}.data.json"
        target.write_text(json.dumps(facts), encoding="utf-8")
        reported = {"attempt": f"{number}", "attempt_ok": "False", "attempt-done": f"{number}"}
        for name, value in reported.items():
            moment = document["ts_epoch"] + number
            item = {
                **document,
                "field_name": name,
                "type": name,
                "value": value,
                "ts_epoch": moment,
            }
            path = sample.with_name(f"sysmeta_{name}_{moment}.json")
            path.write_text(json.dumps(item), encoding="utf-8")
