"""Each way to damage what a sync wrote is found and named, and mended if a sync can mend it.

The flow runs once and is synced once; each damage is taken back. `make test-all` tries all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from tests.integration.results import metadata_of
from tests.integration.verification.damages.artifacts import ARTIFACTS
from tests.integration.verification.damages.bundles import BUNDLES, Bundle, BundleCase
from tests.integration.verification.damages.cases import Case, Found
from tests.integration.verification.damages.media import MEDIA
from tests.integration.verification.damages.runs import RUNS
from tests.integration.verification.damages.values import VALUES
from tests.integration.verification.verifier import Verifier
from tests.support.sandbox import Sandbox
from tests.support.wandb_damage import Damage
from tests.support.wandb_server import WandbServer

CASES = [*RUNS, *VALUES, *ARTIFACTS, *MEDIA]
_EVERY = 24  # of these is in the sample
_REPAIRED = {"drop a use", "lose a point", "flip a byte"}
_STEPS = ("start", "each", "gather", "end")
_DIFFERENT = 6  # exit code


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def _sample(cases: Sequence[_Named], kept: Iterable[str]) -> list[Any]:
    """Return cases as parameters; those that are not kept are exhaustive."""
    names = set(kept)
    return [
        pytest.param(
            case,
            id=case.name,
            marks=[] if case.name in names else [pytest.mark.exhaustive],
        )
        for case in cases
    ]


@dataclass(frozen=True)
class World:
    """A flow run, in W&B and in a bundle, and what verifies it."""

    pathspec: str
    damage: Damage
    bundle: Bundle
    verify: Verifier

    def expected(self, found: Iterable[Found]) -> list[tuple[str, str, str | None]]:
        """Return kind, item and W&B run of what has to be found."""
        return sorted(
            (
                (entry.kind, self._whole(entry), self._run_of(entry, self._whole(entry)))
                for entry in found
            ),
            key=str,
        )

    def _run_of(self, found: Found, item: str) -> str | None:
        if found.kind != "alias":
            return self._run(item)
        return f"{self.pathspec}/{found.step}" if found.step else None

    def _whole(self, found: Found) -> str:
        item = found.item.replace("{id}", self.pathspec.split("/")[1])
        for step, number in (("start", 1), ("each", 2), ("each", 3)):
            index = number - 2 if step == "each" else 0
            item = item.replace(f"{{{step} {index}}}", f"{self.pathspec}/{step}/{number}")
        for step in _STEPS:
            item = item.replace(f"{{run {step}}}", f"{self.pathspec}/{step}")
        is_own = item.split()[0] in _STEPS
        return f"{self.pathspec}/{item}" if is_own else item

    def _run(self, item: str) -> str:
        return item.partition(" W&B run")[0] if " W&B run" in item else item.split(maxsplit=1)[0]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a flow run that was synced, online and offline."""
    root = tmp_path_factory.mktemp("damages")
    flow = Sandbox(root / "flow").flow(
        "rich_flow", "run", "--tag", "fine", "--run-id-file", str(root / "id.txt")
    )
    assert flow.code == 0, flow.err
    pathspec = f"RichFlow/{(root / 'id.txt').read_text(encoding='utf-8')}"
    with WandbServer(entities=("acme", "umbrella")) as server:
        sandbox = Sandbox(
            root / "work", {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        )
        fixed = ("--project", "p", "--entity", "acme", "--metadata", metadata_of(root / "flow"))
        for how in ((), ("--mode", "offline", "--dir", "bundle")):
            done = sandbox.mfwb("sync", pathspec, *fixed, *how)
            assert done.code == 0, done.err
        verify = Verifier(
            sandbox, pathspec, project="p", entity="acme", metadata=metadata_of(root / "flow")
        )
        damage = Damage(server, "acme/p", pathspec)
        yield World(pathspec, damage, Bundle(root / "work" / "bundle"), verify)
        verify.close()


def _differences(document: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    [flow_run] = document["flow_runs"]
    assert flow_run["reason"] is None
    return sorted(
        ((item["kind"], item["item"], item["wandb_run"]) for item in flow_run["differences"]),
        key=str,
    )


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_nothing_else_is_found(world: World, mode: str) -> None:
    """What is not damaged has no difference, bytes included."""
    how = {"mode": "offline", "dir": str(world.bundle.folder)} if mode == "offline" else {}

    done = world.verify(read_data=True, **how)

    assert _differences(done) == []
    assert done["exit_code"] == 0
    assert done["flow_runs"][0]["unknown"] == []


def test_names_differ() -> None:
    """No case hides another one."""
    names = [case.name for case in (*CASES, *BUNDLES)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "case", _sample(CASES, [item.name for item in CASES[::_EVERY]] + ["lose the file of a picture"])
)
def test_damage_is_found(world: World, case: Case) -> None:
    """Exactly the items that were damaged, each with a cause, and whether a sync mends it."""
    with world.damage.undone():
        before = world.damage.fingerprint()
        case.damage(world.damage)
        assert world.damage.fingerprint() != before

        done = world.verify(read_data=case.read_data, **case.verify)

    assert _differences(done) == world.expected(case.found)
    assert done["exit_code"] == _DIFFERENT
    _check_words(world, done, case.found)


@pytest.mark.parametrize("case", _sample(CASES, _REPAIRED))
def test_repair(world: World, case: Case) -> None:
    """It mends what it promises to, and leaves the rest as it was found."""
    with world.damage.undone():
        case.damage(world.damage)

        done = world.verify(
            repair=True,
            overwrite_edits=True,
            on_deleted="recreate",
            read_data=case.read_data,
            **case.verify,
        )

    left = [item for item in case.found if item.left_because]
    assert _differences(done) == world.expected(left)
    assert done["exit_code"] == (_DIFFERENT if left else 0)
    assert done["totals"]["repaired"] == len(case.found) - len(left)


@pytest.mark.parametrize("case", _sample(BUNDLES, [item.name for item in BUNDLES[::_EVERY]]))
def test_damage_of_a_bundle(world: World, case: BundleCase) -> None:
    """The same before a push; all of it is mended by writing the W&B runs again."""
    how = {"mode": "offline", "dir": str(world.bundle.folder)}
    with world.bundle.undone():
        before = world.bundle.fingerprint()
        case.damage(world.bundle)
        assert world.bundle.fingerprint() != before

        done = world.verify(**how)
        repaired = world.verify(**how, repair=True)

    assert _differences(done) == world.expected(case.found)
    assert done["exit_code"] == _DIFFERENT
    _check_words(world, done, case.found)
    assert _differences(repaired) == []
    assert repaired["exit_code"] == 0


def _check_words(world: World, done: dict[str, Any], found: Iterable[Found]) -> None:
    by_item = {entry["item"]: entry for entry in done["flow_runs"][0]["differences"]}
    for entry in found:
        [(_, item, _)] = world.expected([entry])
        assert entry.cause in by_item[item]["cause"]
        assert by_item[item]["repairable"] is not bool(entry.left_because)
