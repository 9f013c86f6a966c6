"""Rules of the settings: aliases, metadata and links of artifacts, in whatever order runs come."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import wandb

from tests.integration.results import metadata_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import ArtifactVersion, WandbServer

_NUMBERS = (1, 2, 3)
_SMALL = 'aliases = ["small"]\nwhen = "number <= 2"\n'
_METADATA = 'metadata = ["number", "losses"]\n'
_REGISTRY = "wandb-registry-data"
_LINK = f'link = "{_REGISTRY}/frames"\n'


@dataclass(frozen=True)
class Scene:
    """Flow runs of `numbered_flow`, one for each number, oldest first; and a server."""

    server: WandbServer
    sandbox: Sandbox
    flow_runs: Path
    pathspecs: tuple[str, ...]

    def sync(self, rules: str, *arguments: str) -> Finished:
        """Sync with rules for the artifact `frame`."""
        done = self.sandbox.mfwb("sync", *arguments, *self.fixed(rules))
        assert done.code == 0, done.err
        return done

    def fixed(self, rules: str) -> tuple[str, ...]:
        """Return the arguments of every call."""
        config = self.sandbox.root / "rules.toml"
        config.write_text(f"[flow.NumberedFlow.artifact.frame]\n{rules}" if rules else "")
        where = ("--entity", "acme", "--project", "p", "--metadata", metadata_of(self.flow_runs))
        return ("--config", str(config), "--json", "--timeout", "20", *where)

    def push(self, rules: str, *pathspecs: str) -> None:
        """Sync into a bundle, and push that."""
        self.sync(rules, *pathspecs, "--mode", "offline", "--dir", "bundle")
        done = self.sandbox.mfwb("push", "bundle", "--json")
        assert done.code == 0, done.err

    def verify(self, rules: str, *pathspecs: str) -> list[dict[str, Any]]:
        """Return the differences that a verification finds."""
        done = self.sandbox.mfwb("verify", *pathspecs, *self.fixed(rules))
        return [
            difference
            for flow_run in done.document["flow_runs"]
            for difference in flow_run["differences"]
        ]

    def aliases(self) -> dict[int, tuple[str, ...]]:
        """Return the aliases of the versions of `frame`, without those of flow runs, by number."""
        return {
            number: tuple(alias for alias in version.aliases if not alias.startswith("run-"))
            for number, version in self.frames().items()
        }

    def frames(self) -> dict[int, ArtifactVersion]:
        """Return the versions of `frame`, by the number of their flow run."""
        numbers = dict(zip(self.pathspecs, _NUMBERS, strict=True))
        return {
            numbers[version.metadata["metaflow"]["flow_run"]]: version
            for version in self.server.state.artifacts("acme/p")
            if version.name.startswith("frame:")
        }


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    """Return a folder with three flow runs, and their pathspecs."""
    root = tmp_path_factory.mktemp("numbered")
    pathspecs = []
    for number in _NUMBERS:
        done = Sandbox(root).flow("numbered_flow", "run", "--number", str(number))
        assert done.code == 0, done.err
        latest = root / ".metaflow" / "NumberedFlow" / "latest_run"
        pathspecs.append(f"NumberedFlow/{latest.read_text()}")
    return root, tuple(pathspecs)


@pytest.fixture
def scene(numbered: tuple[Path, tuple[str, ...]], tmp_path: Path) -> Iterator[Scene]:
    """Return the flow runs, with a server and a ledger of the test's own."""
    with WandbServer(entities=("acme", "others")) as server:
        own = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        yield Scene(server, Sandbox(tmp_path, own), *numbered)


def _rules_of(done: Finished) -> list[dict[str, Any]]:
    """Return what the rules gave, of all artifacts that have rules."""
    return [
        output["rules"]
        for flow_run in done.document["flow_runs"]
        for run in flow_run["wandb_runs"]
        for output in run["outputs"]
        if output["rules"]
    ]


@pytest.mark.parametrize(
    ("mode", "order"),
    [
        ("online", (2, 1, 0)),
        pytest.param("pushed", (2, 1, 0), marks=pytest.mark.exhaustive),
        pytest.param("online", (1, 2, 0), marks=pytest.mark.exhaustive),
        pytest.param("pushed", (1, 2, 0), marks=pytest.mark.exhaustive),
    ],
    ids=str,
)
def test_an_alias_is_for_the_newest_flow_run_that_fulfils_the_rule(
    scene: Scene, mode: str, order: tuple[int, ...]
) -> None:
    """The third one does not; and a backfill does not move the alias back."""
    scene.server.make_registry("data")
    rules = f"{_SMALL}{_METADATA}{_LINK}"
    pathspecs = [scene.pathspecs[index] for index in order]
    if mode == "online":
        for pathspec in pathspecs:
            scene.sync(rules, pathspec)
    else:
        for pathspec in pathspecs:
            scene.push(rules, pathspec)
    frames = scene.frames()
    assert scene.aliases() == {1: (), 2: ("small",), 3: ("latest",)}
    assert {number: frame.metadata["number"] for number, frame in frames.items()} == {
        1: 1,
        2: 2,
        3: 3,
    }
    assert frames[1].metadata["losses"] == [3.0, 2.0, 1.0]
    links = {number: frame.links for number, frame in frames.items()}
    assert [list(links[number].values()) for number in _NUMBERS] == [[()], [("latest",)], []]
    assert all(
        path.startswith(f"acme-inc-org/{_REGISTRY}/frames:v") for path in (*links[1], *links[2])
    )
    if mode == "online":  # a push ends in the same state
        assert scene.verify(rules, *scene.pathspecs) == []


def test_changed_rules_reach_complete_wandb_runs_without_opening_them(scene: Scene) -> None:
    """What a rule gave stays when the rule is gone; and another sync changes nothing."""
    scene.server.make_registry("data")
    scene.sync("", *scene.pathspecs)
    before = scene.server.state.snapshot("acme/p")
    scene.server.clear_requests()
    done = scene.sync(f"{_SMALL}{_METADATA}{_LINK}", *scene.pathspecs)
    assert [flow_run["status"] for flow_run in done.document["flow_runs"]] == ["synced"] * 3
    assert scene.server.requests_of("file_stream") == []
    assert scene.aliases() == {1: (), 2: ("small",), 3: ("latest",)}
    frames = scene.frames()
    assert [frames[number].metadata["number"] for number in _NUMBERS] == [1, 2, 3]
    assert [len(frames[number].links) for number in _NUMBERS] == [1, 1, 0]
    with_rules = scene.server.state.snapshot("acme/p")
    again = scene.sync(f"{_SMALL}{_METADATA}{_LINK}", *scene.pathspecs)
    assert [flow_run["status"] for flow_run in again.document["flow_runs"]] == ["unchanged"] * 3
    assert scene.server.state.snapshot("acme/p") == with_rules
    scene.sync("", *scene.pathspecs)
    assert scene.server.state.snapshot("acme/p")["artifacts"] == with_rules["artifacts"]
    assert before["artifacts"].keys() == with_rules["artifacts"].keys()


@pytest.mark.exhaustive
def test_changed_rules_reach_pushed_wandb_runs(scene: Scene) -> None:
    """The same by two pushes of one bundle; the second one backfills the first flow run."""
    scene.server.make_registry("data")
    first, *others = scene.pathspecs
    scene.push("", *others)
    scene.server.clear_requests()
    scene.push(f"{_SMALL}{_METADATA}{_LINK}", first, *others)
    opened = {request.path.split("/")[-2] for request in scene.server.requests_of("file_stream")}
    names = {run.id: run.display_name for run in scene.server.state.runs("acme/p").values()}
    assert {names[run_id] for run_id in opened} == {f"{first}/start", f"{first}/end"}
    assert scene.aliases() == {1: (), 2: ("small",), 3: ("latest",)}
    frames = scene.frames()
    assert [frames[number].metadata["number"] for number in _NUMBERS] == [1, 2, 3]
    assert [len(frames[number].links) for number in _NUMBERS] == [1, 1, 0]


def test_a_link_that_wandb_refuses_is_a_loss_and_is_tried_again(scene: Scene) -> None:
    """The registry does not exist at first."""
    pathspec = scene.pathspecs[0]
    done = scene.sync(_LINK, pathspec)
    [flow_run] = done.document["flow_runs"]
    [loss] = [loss for run in flow_run["wandb_runs"] for loss in run["losses"]]
    assert loss["item"] == f"link of frame to {_REGISTRY}/frames by {pathspec}/start"
    assert "Unable to find organization" in loss["reason"]
    scene.server.make_registry("data")
    [again] = scene.sync(_LINK, pathspec).document["flow_runs"]
    assert [loss for run in again["wandb_runs"] for loss in run["losses"]] == []
    assert [len(frame.links) for frame in scene.frames().values()] == [1]


@pytest.mark.exhaustive
def test_equal_projects_of_two_entities_are_two_links(scene: Scene) -> None:
    """A link to the one is none to the other."""
    pathspec = scene.pathspecs[0]
    scene.sync('link = "acme/shared/frames"\n', pathspec)
    rules = 'link = "others/shared/frames"\n'
    assert [item["kind"] for item in scene.verify(rules, pathspec)] == ["link"]
    scene.sync(rules, pathspec)
    assert scene.verify(rules, pathspec) == []
    assert sorted(scene.frames()[1].links) == ["acme/shared/frames:v0", "others/shared/frames:v0"]


@pytest.mark.parametrize(
    ("rules", "note"),
    [
        (
            'aliases = ["good"]\nwhen = "accuracy > 0.9"',
            "`accuracy > 0.9` needs the value accuracy, which is missing for start/1",
        ),
        (
            'aliases = ["good"]\nwhen = "number > 1"',
            "`number > 1` does not hold for start/1",
        ),
        (
            'aliases = ["good"]\nwhen = "losses > 1"',
            "`losses > 1` has no result (a list can't be compared with 1) for start/1",
        ),
        ('metadata = ["accuracy"]', "no metadata accuracy: the step has no such value"),
    ],
)
def test_what_rules_do_not_give_is_a_note(scene: Scene, rules: str, note: str) -> None:
    """It is a note of the plan."""
    plan = scene.sandbox.mfwb("plan", scene.pathspecs[0], *scene.fixed(rules))
    [outcome] = _rules_of(plan)
    assert (outcome["aliases"], outcome["link"], outcome["metadata"]) == ([], None, [])
    assert [text.removeprefix("no alias good: ") for text in outcome["notes"]] == [note]


def test_notes_are_no_failure(scene: Scene) -> None:
    """Plan and sync have the same notes, and the artifact has no alias of a rule."""
    rules = 'aliases = ["good"]\nwhen = "losses > 1"\nmetadata = ["accuracy"]\n'
    pathspec = scene.pathspecs[0]
    plan = scene.sandbox.mfwb("plan", pathspec, *scene.fixed(rules))
    done = scene.sync(rules, pathspec)
    assert _rules_of(plan) == _rules_of(done)
    [outcome] = _rules_of(done)
    assert len(outcome["notes"]) == 2
    assert scene.aliases() == {1: ("latest",)}


def test_an_alias_that_a_person_moved_stays_there(scene: Scene) -> None:
    """A sync of the same flow runs does not take it back."""
    flow_runs = (scene.pathspecs[0], scene.pathspecs[2])
    scene.sync(_SMALL, *flow_runs)
    assert scene.aliases() == {1: ("small",), 3: ("latest",)}
    at = {"base_url": scene.server.base_url}
    api = wandb.Api(overrides=at, api_key=scene.server.api_key)
    version = api.artifact(f"acme/p/{scene.frames()[3].name}")
    version.aliases.append("small")
    version.save()
    scene.sync(_SMALL, *flow_runs)
    assert scene.aliases() == {1: (), 3: ("latest", "small")}


@pytest.mark.exhaustive
def test_a_verification_finds_what_a_person_took_away(scene: Scene) -> None:
    """An alias, a link and a metadata key of a rule; and a sync with --force brings them back."""
    scene.server.make_registry("data")
    rules = f"{_SMALL}{_METADATA}{_LINK}"
    pathspec = scene.pathspecs[0]
    scene.sync(rules, pathspec)
    elsewhere = rules.replace("/frames", "/others")
    moved = [
        (item["kind"], item["item"], item["wandb"]) for item in scene.verify(elsewhere, pathspec)
    ]
    item = f"frame:run-{pathspec.split('/')[1]}, its link to {_REGISTRY}"
    assert moved == [("link", f"{item}/others", [f"acme-inc-org/{_REGISTRY}/frames"])]
    with scene.server.store.lock:
        [version] = [
            version
            for version in scene.server.store.versions.values()
            if version.collection.name == "frame"
        ]
        del version.collection.aliases["small"]
        for portfolio in version.linked_to:
            portfolio.versions.remove(version)
            assert portfolio.links is not None
            portfolio.links.pop(version.serial)
            portfolio.aliases.clear()
        version.linked_to.clear()
        version.metadata = json.dumps({**json.loads(version.metadata or "{}"), "number": 5})
    found = {(item["kind"], item["item"]) for item in scene.verify(rules, pathspec)}
    assert found == {
        ("alias", "frame:small"),
        ("link", f"{item}/frames"),
        ("artifact", f"{pathspec}/start artifact frame, rules: metadata number"),
    }
    scene.sync(rules, pathspec, "--force")
    assert scene.verify(rules, pathspec) == []
    assert scene.frames()[1].metadata["number"] == 1


@pytest.mark.parametrize(
    "granularity", ["step", pytest.param("task", marks=pytest.mark.exhaustive)]
)
def test_what_a_join_picked_has_the_values_of_the_task_that_made_it(
    granularity: str, flow_run: Callable[[str], str], flows_root: Path, tmp_path: Path
) -> None:
    """The candidates have values of their own, as the summary has them, and no alias."""
    pathspec = flow_run("fan_flow")
    with WandbServer() as server:
        own = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        sandbox = Sandbox(tmp_path, own)
        (tmp_path / "rules.toml").write_text(
            '[flow.FanFlow.artifact.part]\naliases = ["best"]\n'
            'when = "score == 2 * factor"\nmetadata = ["score", "item", "factor"]\n'
        )
        where = ("--entity", "acme", "--project", "p", "--metadata", metadata_of(flows_root))
        how = ("--granularity", granularity, "--config", str(tmp_path / "rules.toml"), "--json")
        done = sandbox.mfwb("sync", pathspec, *where, *how)
        assert done.code == 0, done.err
        verified = sandbox.mfwb("verify", pathspec, *where, *how)
        assert verified.code == 0, verified.out
        parts = [v for v in server.state.artifacts("acme/p") if v.name.startswith("part:")]
    [picked] = [version for version in parts if "best" in version.aliases]
    keys = ("score", "item", "factor")
    assert f"run-{pathspec.split('/')[1]}" in picked.aliases
    assert [picked.metadata[key] for key in keys] == [20, "b", 10]
    candidates = [[v.metadata[key] for key in keys] for v in parts if v is not picked]
    assert candidates == (
        [[{"min": 10, "max": 30, "mean": 20}, ["a", "b", "c"], 10]]
        if granularity == "step"
        else [[10, "a", 10], [30, "c", 10]]
    )
