"""Tasks that say that their datastore is another one."""

from __future__ import annotations

import json

from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import STEPS, StoredRun


def _move(run: StoredRun, root: object, kind: str | None = None) -> None:
    """Let all tasks say that they stored their artifacts elsewhere."""
    for step in STEPS:
        if step != "_parameters":
            run.say(step, "ds-root", root)
            if kind is not None:
                run.say(step, "ds-type", kind)
        for path in (run.task(step) / "_meta").glob("0_artifact_*.json"):
            more = {} if kind is None else {"ds_type": kind}
            run.merge(path, {"location": f":root:{root}", **more})


def _point_at_secrets(run: StoredRun, scene: Scene) -> None:
    """Name the artifacts of the other datastore's flow run, and the tasks' folders there."""
    secret = StoredRun(scene.other, "7000", "secret")
    for step in ("start", "middle", "end"):
        run.facts(step).write_bytes(secret.facts(step).read_bytes())


@attack("5", sampled=True, explain="start/values")
def another_datastore(run: StoredRun, scene: Scene) -> None:
    """The tasks name a datastore that only the user who syncs may read, and what lies in there."""
    other = scene.other / ".metaflow"
    twin = other / "SharedFlow" / run.run_id
    twin.symlink_to(other / "SharedFlow" / "7000")
    _move(run, str(other))


@attack("5")
def only_parameters(run: StoredRun, scene: Scene) -> None:
    """Only the records of the parameters name the other datastore."""
    other = scene.other / ".metaflow"
    (other / "SharedFlow" / run.run_id).symlink_to(other / "SharedFlow" / "7000")
    for path in (run.task("_parameters") / "_meta").glob("0_artifact_*.json"):
        run.merge(path, {"location": f":root:{other}"})


@attack("5", sampled=True, explain="start/values")
def by_a_link(run: StoredRun, scene: Scene) -> None:
    """The shared datastore has a link to contents of the other one."""
    secret = StoredRun(scene.other, "7000", "secret")
    document = json.loads(secret.facts("start").read_text(encoding="utf-8"))
    for name in ("values", "kept"):
        sha = document["objects"][name]
        run.point(name, sha)
        run.blob(sha).parent.mkdir(exist_ok=True)
        if not run.blob(sha).exists():
            run.blob(sha).symlink_to(secret.blob(sha))


@attack("5", sampled=True)
def log_by_a_link(run: StoredRun, scene: Scene) -> None:
    """A log in the shared datastore is a link to a file of the user."""
    log = run.task("start") / "0.runtime_stdout.log"
    log.unlink()
    log.symlink_to(scene.netrc)


@attack("5", sampled=True)
def card_by_a_link(run: StoredRun, scene: Scene) -> None:
    """A card in the shared datastore is a link to a file of the user."""
    for card in run.cards.rglob("*.html"):
        card.unlink()
        card.symlink_to(scene.netrc)


@attack("5")
def task_by_a_link(run: StoredRun, scene: Scene) -> None:
    """The folder of a task is a link to that of a flow run in the other datastore."""
    secret = StoredRun(scene.other, "7000", "secret")
    _point_at_secrets(run, scene)
    kept = run.task("start") / "_meta"
    for path in secret.task("start").iterdir():
        if path.is_file():
            (kept.parent / path.name).unlink(missing_ok=True)
            (kept.parent / path.name).symlink_to(path)


@attack("5")
def relative(run: StoredRun, _: Scene) -> None:
    """The datastore's root is relative to whatever the current folder is."""
    _move(run, "../other/.metaflow")


@attack("10", sampled=True)
def nul(run: StoredRun, scene: Scene) -> None:
    """The datastore's root has a NUL in it."""
    _move(run, f"{scene.store}/.metaflow\0x")


@attack("10")
def unknown_type(run: StoredRun, _: Scene) -> None:
    """The datastore is of a type that does not exist."""
    _move(run, "x", "\x1b[31mftp")


@attack("5")
def the_whole_machine(run: StoredRun, _: Scene) -> None:
    """The datastore's root is that of the machine."""
    _move(run, "/")


@attack("5")
def of_processes(run: StoredRun, _: Scene) -> None:
    """The datastore's root is the folder of a process."""
    _move(run, "/proc/self/root")


@attack("5")
def a_file(run: StoredRun, scene: Scene) -> None:
    """The datastore's root is a file."""
    _move(run, str(scene.netrc))


@attack("5", sampled=True)
def in_s3(run: StoredRun, scene: Scene) -> None:
    """The datastore is a bucket of the attacker's."""
    _move(run, f"s3://127.0.0.1:{scene.canary.port}/bucket", "s3")


@attack("5")
def spin(run: StoredRun, scene: Scene) -> None:
    """The datastore is of Metaflow's other local kind, and elsewhere."""
    _move(run, str(scene.other / ".metaflow"), "spin")


@attack("10", sampled=True)
def a_list(run: StoredRun, _: Scene) -> None:
    """The datastore's root is a list, and its type an object."""
    for step in ("start", "middle", "end"):
        run.say(step, "ds-root", ["a"])
        run.say(step, "ds-type", {"local": 1})


@attack("10")
def endless(run: StoredRun, _: Scene) -> None:
    """The datastore's root is a path of 100,000 folders."""
    _move(run, "/a" * 100_000)
