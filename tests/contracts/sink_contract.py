"""What the pipeline relies on of a sink, for any of them.

    python -m tests.contracts.sink_contract online|offline

asks it of the real one, in a process of its own, and prints what failed as JSON, by name.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

from mfwb.config import Settings
from mfwb.planning import Plan, PlannedRun
from mfwb.ports import ReadyArtifact, ReadyFile, ReadyRun, Sink, WrittenRun
from mfwb.snapshot import FlowRun
from tests.support.flow_runs import at, data_frame, flow_run, model, ref, renamed, task
from tests.unit.planning.plans import plan_of

FLOW = "DemoFlow"
SETTINGS = {"entity": "acme", "project": "wines"}


def plan_named(run_id: str, value: str = "v", tags: tuple[str, ...] = ()) -> Plan:
    """Return the plan of a flow run of its own: start, two tasks of a foreach, a join."""
    made: FlowRun = flow_run(
        task("start/1", to="work", over="items", has=[data_frame("wines", "w"), ref("v", value)]),
        task("work/2", to="join", has=[model("model", "m0")], foreach=at("work:items:0")),
        task("work/3", to="join", has=[model("model", "m1")], foreach=at("work:items:1")),
        task("join/4"),
    )
    return plan_of(renamed(replace(made, tags=tags), FLOW, run_id), granularity="task")


@dataclass(frozen=True)
class Scene:
    """A sink, and what it takes to ask it.

    Attributes:
        sink: that is asked.
        files: a folder for the files of artifacts.
        remembers: whether it knows what it has; of a bundle, the ledger does.
        delete: deletes a W&B run, as somebody may do in W&B.
    """

    sink: Sink
    files: Path
    remembers: bool
    delete: Callable[[PlannedRun], None]

    def ready(self, run: PlannedRun) -> ReadyRun:
        """Return small files for all that a W&B run logs."""
        return ReadyRun(
            {value.key: 1 for value in run.values},
            artifacts=tuple(
                ReadyArtifact(output, (self._file(run, output.name),)) for output in run.outputs
            ),
        )

    def _file(self, run: PlannedRun, name: str) -> ReadyFile:
        path = self.files / f"{run.id}-{name}"
        path.write_bytes(f"{run.name} {name}".encode())
        return ReadyFile("x.bin", path.stat().st_size, local=path)

    def write(self, plan: Plan, written: tuple[str, ...] = ()) -> dict[str, WrittenRun]:
        """Write a flow run as the pipeline does, the W&B runs of a level at once."""
        result: dict[str, WrittenRun] = {}
        with (
            self.sink.open(plan, writer="probe", written=written) as session,
            ThreadPoolExecutor(2) as pool,
        ):
            for level in plan.levels():
                done = pool.map(lambda run: session.write(run, self.ready(run)), level)
                result.update({run.id: item for run, item in zip(level, done, strict=True)})
            assert dict(session.confirm()) == {}
        return result


def destination_stays(scene: Scene) -> None:
    """A flow goes to one place, whoever asks how often."""
    first = scene.sink.destination(FLOW)
    assert first == scene.sink.destination(FLOW)
    assert first.project
    assert first.mode == ("offline" if scene.sink.bundle else "online")


def nothing_is_there(scene: Scene) -> None:
    """Of a new flow run nothing is found, and nothing has to arrive."""
    plan = plan_named("100")
    with scene.sink.open(plan, writer="probe") as session:
        assert [session.find_existing(run) for run in plan.runs] == [None] * len(plan.runs)
        assert dict(session.confirm()) == {}


def written_as_planned(scene: Scene) -> None:
    """Each W&B run has the planned id, a place, and each of its artifacts with a digest."""
    plan = plan_named("101")
    written = scene.write(plan)
    for run in plan.runs:
        item = written[run.id]
        assert item.id == run.id
        assert item.location
        assert (item.losses, item.complete, item.deleted, item.trouble) == ((), True, False, "")
        assert [(out.name, out.type) for out in item.outputs] == [
            (out.name, out.type) for out in run.outputs
        ]
        assert all(out.digest for out in item.outputs)
    assert len({entry.location for entry in written.values()}) == len(plan.runs)


def found_again(scene: Scene) -> None:
    """What was written is found as it was, looked up ahead or not; nothing is to be amended."""
    plan = plan_named("102")
    written = scene.write(plan)
    for ahead in (False, True):
        if ahead:
            scene.sink.prefetch(scene.sink.destination(FLOW), [plan.group])
        with scene.sink.open(plan, writer="probe") as session:
            for run in plan.runs:
                result = session.find_existing(run)
                if not scene.remembers:
                    assert result is None
                    continue
                assert result is not None
                assert (result.id, result.location) == (run.id, written[run.id].location)
                assert [(output.name, output.digest) for output in result.outputs] == [
                    (output.name, output.digest) for output in written[run.id].outputs
                ]
                assert session.update(run, result, {}) == result


def another_plan_is_not_found(scene: Scene) -> None:
    """A W&B run that would say something else is written anew, under its id; others are found."""
    scene.write(plan_named("103"))
    other = plan_named("103", value="w")
    with scene.sink.open(other, writer="probe") as session:
        result = {
            run.name.split("/")[2]: session.find_existing(run) is not None for run in other.runs
        }
    assert result == dict.fromkeys(("start", "work", "join"), scene.remembers) | {"start": False}
    assert {item.id for item in scene.write(other).values()} == {run.id for run in other.runs}


def other_words_are_amended(scene: Scene) -> None:
    """A W&B run whose tags alone differ is found and amended, once."""
    if not scene.remembers:
        return
    scene.write(plan_named("104"))
    tagged = plan_named("104", tags=("good",))
    for updated in (True, False):
        with scene.sink.open(tagged, writer="probe") as session:
            for run in tagged.runs:
                result = session.find_existing(run)
                assert result is not None
                assert session.update(run, result, {}).updated is updated


def list_flow_runs(scene: Scene) -> None:
    """W&B tells each flow run that it has, and which of its W&B runs are complete."""
    plan = plan_named("105")
    written = scene.write(plan)
    of_it = [
        item
        for item in scene.sink.list_flow_runs(scene.sink.destination(FLOW))
        if item.flow_run == plan.flow_run
    ]
    if not scene.remembers:
        assert of_it == []
        return
    [result] = of_it
    assert (result.provider, result.started_at, result.group) == (
        plan.source.provider,
        plan.source.created_at,
        plan.group,
    )
    assert [(item.id, item.name, item.complete) for item in result.wandb_runs] == sorted(
        ((run.id, run.name, True) for run in plan.runs), key=lambda item: item[1]
    )
    assert {item.id: item.outputs for item in result.wandb_runs} == {
        run_id: item.outputs for run_id, item in written.items()
    }


def deleted_stays_away(scene: Scene) -> None:
    """What somebody deleted is not written again, if it is known that it was there once."""
    if not scene.remembers:
        return
    plan = plan_named("106")
    written = scene.write(plan)
    last = plan.runs[-1]
    scene.delete(last)
    with scene.sink.open(plan, writer="probe", written=tuple(written)) as session:
        assert session.find_existing(last) is None
        again = session.write(last, scene.ready(last))
    assert (again.deleted, again.location, again.outputs) == (True, "", ())


CONTRACT: dict[str, Callable[[Scene], None]] = {
    item.__name__: item
    for item in (
        destination_stays,
        nothing_is_there,
        written_as_planned,
        found_again,
        another_plan_is_not_found,
        other_words_are_amended,
        list_flow_runs,
        deleted_stays_away,
    )
}


def main(mode: str) -> None:
    """Ask the real sink all of it."""
    from mfwb.sink import open_sink  # noqa: PLC0415 - the tests that import this need no W&B

    def delete(run: PlannedRun) -> None:
        import wandb  # noqa: PLC0415

        wandb.Api().run(f"acme/wines/{run.id}").delete()

    chosen = {"mode": mode, **({"dir": "bundle"} if mode == "offline" else {})}
    settings = Settings.model_validate({**SETTINGS, **chosen})
    failed = {}
    for name, ask in CONTRACT.items():
        files = Path(mkdtemp(dir="."))
        with open_sink(settings, memory=Path.cwd(), may_ask=True) as sink:
            try:
                ask(Scene(sink, files.resolve(), mode == "online", delete))
            except Exception:  # noqa: BLE001 - whatever it is, the test shows it
                failed[name] = traceback.format_exc()
    print(json.dumps(failed))  # noqa: T201 - it is what the test reads


if __name__ == "__main__":
    main(sys.argv[1])
