"""Records that name a content by something else than a sha1."""

from __future__ import annotations

from typing import Any

from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import StoredRun

_SHA = "cf574a42a97ebe87cd8491e31887671436664824"


@attack("4", sampled=True)
def parent_path(run: StoredRun, scene: Scene) -> None:
    """A value's sha is a path with `..` to a file with the user's passwords."""
    above = f"../../../{scene.docker.relative_to(scene.root)}"
    for name in ("values", "frame", "kept", "number"):
        run.point(name, above)


@attack("4", sampled=True)
def absolute_path(run: StoredRun, scene: Scene) -> None:
    """A value's sha is the absolute path of a file with the user's passwords."""
    for name, path in (("values", scene.docker), ("frame", scene.netrc), ("kept", scene.netrc)):
        run.point(name, str(path))


@attack("4b", sampled=True)
def wildcard(run: StoredRun, scene: Scene) -> None:
    """A value's sha matches all files of the home, at whatever depth temporary files lie."""
    run.point("frame", f"../../../{scene.home.name}/*")
    for depth, name in enumerate(("values", "kept", "path", "number"), start=2):
        run.point(name, f"{'../' * depth}{scene.home.name}/*")


@attack("4b", sampled=True)
def wildcard_of_dots(run: StoredRun, scene: Scene) -> None:
    """A value's sha names files of the home but for what follows their first dot."""
    for depth, name in enumerate(("frame", "values", "kept", "path"), start=2):
        run.point(name, f"{'../' * (depth + 1)}{scene.home.name}/")
    run.point("number", f"{scene.home}/")


@attack("4b")
def brackets(run: StoredRun, _: Scene) -> None:
    """A value's sha is a pattern of the right length that matches those of all others."""
    run.point("frame", "[0-9a-f]" * 5)
    run.point("values", "?" * 40)
    run.point("kept", "*")


@attack("4")
def upper_case(run: StoredRun, _: Scene) -> None:
    """A sha1 in capitals is another file's name, and the same one's where case does not count."""
    run.point("values", _SHA.upper())


@attack("4")
def too_short(run: StoredRun, _: Scene) -> None:
    """A sha1 has 39 digits, and one has 41."""
    run.point("values", _SHA[:-1])
    run.point("frame", f"{_SHA}0")


@attack("4")
def other_digits(run: StoredRun, _: Scene) -> None:
    """A sha1 has digits that only Unicode takes for some, and one a line end after it."""
    run.point("values", _SHA.translate({ord("8"): "\uff18"}))
    run.point("frame", f"{_SHA}\n")


def _wrong_type(name: str, value: Any, *, sampled: bool = False) -> None:
    def build(run: StoredRun, _: Scene) -> None:
        run.point("values", value)

    story = f"A value's sha is no text, but {name.replace('-', ' ')}."
    attack("4", name=name, story=story, sampled=sampled)(build)


_wrong_type("an-int", 7)
_wrong_type("a-list", ["a", "b"], sampled=True)
_wrong_type("nothing", None)
_wrong_type("an-object", {"sha": _SHA})
_wrong_type("true", True)  # noqa: FBT003
_wrong_type("a-float", 1e308)


@attack("4", sampled=True)
def empty(run: StoredRun, _: Scene) -> None:
    """A sha is empty, and others are folders."""
    for name, sha in (("values", ""), ("frame", "."), ("kept", ".."), ("number", "/")):
        run.point(name, sha)


@attack("4", sampled=True)
def nul(run: StoredRun, scene: Scene) -> None:
    """A sha has a NUL in it."""
    run.point("values", f"{_SHA}\0")
    run.point("frame", f"\0{scene.docker}")


@attack("4")
def endless(run: StoredRun, _: Scene) -> None:
    """A sha has a million letters."""
    run.point("values", "a" * 1_000_000)


@attack("4")
def an_address(run: StoredRun, scene: Scene) -> None:
    """A sha is an address of the attacker's."""
    run.point("values", f"http://127.0.0.1:{scene.canary.port}/x")
    run.point("frame", f"file://{scene.docker}")


@attack("4")
def only_the_provider(run: StoredRun, scene: Scene) -> None:
    """The metadata provider's record alone names a file of the user."""
    for name in ("values", "frame", "words", "rate"):
        run.point(name, str(scene.docker), facts=False)


@attack("4", sampled=True)
def internal_artifacts(run: StoredRun, scene: Scene) -> None:
    """Metaflow's own artifacts have a path in place of a sha."""
    run.point("_transition", str(scene.docker))
    run.point("_foreach_stack", f"../../../{scene.docker.relative_to(scene.root)}")


@attack("4", explain="_parameters/words")
def parameters(run: StoredRun, scene: Scene) -> None:
    """The parameters' shas are paths of the user's files."""
    run.point("words", str(scene.docker))
    run.point("rate", str(scene.netrc))


@attack("4")
def another_flow(run: StoredRun, scene: Scene) -> None:
    """A sha leads into a datastore beside this one."""
    run.point("values", f"{scene.other}/.metaflow/SharedFlow/data/../7000/start/1/0.data.json")


@attack("10", sampled=True)
def objects_are_a_list(run: StoredRun, _: Scene) -> None:
    """The shas of a task are a list in place of an object."""
    run.edit(run.facts("start"), lambda document: {**document, "objects": ["frame"]})


@attack("10", sampled=True)
def info_is_missing(run: StoredRun, _: Scene) -> None:
    """Nothing is recorded of sizes and types, or nonsense."""
    run.edit(run.facts("start"), lambda document: {**document, "info": None})
    run.edit(run.facts("middle"), lambda document: {**document, "info": {"frame": 7}})
    run.edit(run.facts("end"), lambda document: {"objects": document["objects"]})
