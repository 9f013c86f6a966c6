"""`mfwb push` of a bundle that somebody changed: it ends before anything is sent."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.results import metadata_of
from tests.integration.tampering import SECRET, TAMPERINGS, Victim
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer

FlowRuns = Callable[[str], str]

_LOOKING = {"Viewer", "GetDefaultEntity"}
"""What may be asked before a bundle is looked at: whose key it is."""

_SAMPLE = {
    "a record names a file, and the manifest fits",
    "the manifest lists a detour",
    "a payload is a link, and the manifest fits",
    "a payload was changed",
    "a shown file is a link, and the manifest fits",
    "no manifest",
    "a level is a link",
    "a second W&B run",
    "settings",
}
_WAYS = [
    pytest.param(way, marks=[] if way in _SAMPLE else pytest.mark.exhaustive) for way in TAMPERINGS
]


@pytest.fixture(scope="module")
def bundled(
    flow_run: FlowRuns, flows_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """Return a flow run, and a bundle of it for copies."""
    pathspec = flow_run("linear_flow")
    folder = tmp_path_factory.mktemp("bundled")
    done = _sync(Sandbox(folder), pathspec, folder / "bundle", flows_root)
    assert done.code == 0, done.err
    return pathspec, folder / "bundle"


def _sync(sandbox: Sandbox, pathspec: str, bundle: Path, root: Path, *more: str) -> Finished:
    to = ("--mode", "offline", "--dir", str(bundle), "--entity", "acme", "--project", "push")
    return sandbox.mfwb("sync", pathspec, *to, "--metadata", metadata_of(root), *more)


@pytest.fixture
def server() -> Iterator[WandbServer]:
    """Return a server to which nothing was sent yet."""
    with WandbServer() as server:
        yield server


@pytest.fixture
def online(server: WandbServer, tmp_path: Path) -> Sandbox:
    """Return a place from which W&B can be reached."""
    return Sandbox(tmp_path, {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key})


@pytest.fixture
def victim(bundled: tuple[str, Path], tmp_path: Path) -> Victim:
    """Return a copy of the bundle, and a secret."""
    shutil.copytree(bundled[1], tmp_path / "bundle")
    secret = tmp_path / "secret.txt"
    secret.write_bytes(SECRET)
    return Victim(tmp_path / "bundle", secret)


def _assert_nothing_was_sent(server: WandbServer) -> None:
    sent = [request.incoming for request in server.requests]
    assert [item for item in sent if item.kind != "graphql"] == []
    assert {item.operation for item in sent} <= _LOOKING
    assert server.state.snapshot("acme/push") == server.state.snapshot("acme/nothing")


@pytest.mark.parametrize("way", _WAYS)
def test_nothing_is_sent(way: str, victim: Victim, online: Sandbox, server: WandbServer) -> None:
    """One line says what is wrong, and no byte leaves the machine."""
    TAMPERINGS[way](victim)

    done = online.mfwb("push", str(victim.bundle))

    _assert_nothing_was_sent(server)
    assert done.code == 1, done.err
    assert len(done.err.splitlines()) <= 1
    reported = done.err + done.out
    assert str(victim.bundle) in reported.replace("\n", "")
    assert "Traceback" not in reported
    assert victim.secret.read_bytes() == SECRET


def test_unchanged_it_is_sent_from_anywhere(
    bundled: tuple[str, Path], online: Sandbox, server: WandbServer, tmp_path: Path
) -> None:
    """A bundle may be moved, if only as a whole: where it was there is nothing any more."""
    copy = shutil.copytree(bundled[1], tmp_path / "first")
    moved = copy.rename(tmp_path / "second")
    away = bundled[1].rename(bundled[1].with_name("away"))
    try:
        done = online.mfwb("push", str(moved))
    finally:
        away.rename(bundled[1])

    assert done.code == 0, done.err
    texts = server.state.artifact("acme/push/words:latest")
    assert texts.files["words"] == b"eins\nzwei\n"


def test_what_is_not_sent_does_not_matter(
    victim: Victim, online: Sandbox, server: WandbServer
) -> None:
    """`wandb sync` leaves files of its own, and people do."""
    (victim.run() / "files" / "link").symlink_to(victim.secret)
    (victim.run() / "files" / "config.yaml").symlink_to(victim.secret)
    (victim.bundle / "README").write_bytes(SECRET)

    done = online.mfwb("push", str(victim.bundle))

    assert done.code == 0, done.err
    assert SECRET.strip() not in json.dumps(server.state.snapshot("acme/push")).encode()
    assert victim.secret.read_bytes() == SECRET


@pytest.mark.parametrize("what", ["trigger", "link", "row"])
def test_a_changed_ledger(what: str, victim: Victim, online: Sandbox, server: WandbServer) -> None:
    """It is as little trusted as the rest."""
    path = victim.bundle / "ledger.sqlite"
    if what == "link":
        path.rename(victim.secret.with_name("other.sqlite"))
        path.symlink_to(victim.secret.with_name("other.sqlite"))
    else:
        statement = {
            "trigger": "CREATE TRIGGER t AFTER INSERT ON flow_runs BEGIN DELETE FROM ledger; END",
            "row": "UPDATE flow_runs SET started_at = 'noon'",
        }[what]
        with closing(sqlite3.connect(path)) as ledger, ledger:
            ledger.execute(statement)

    done = online.mfwb("push", str(victim.bundle))

    _assert_nothing_was_sent(server)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert "ledger" in done.err


def test_mended_by_a_sync(
    victim: Victim,
    online: Sandbox,
    server: WandbServer,
    bundled: tuple[str, Path],
    flows_root: Path,
) -> None:
    """What the line says helps: links go, and what they led to stays."""
    for way in ("a payload is a link", "a shown file is a link, and the manifest fits"):
        TAMPERINGS[way](victim)

    again = _sync(online, bundled[0], victim.bundle, flows_root, "--force")
    done = online.mfwb("push", str(victim.bundle))

    assert (again.code, done.code) == (0, 0), again.err + done.err
    assert server.state.artifact("acme/push/words:latest").files["words"] == b"eins\nzwei\n"
    assert victim.secret.read_bytes() == SECRET


@pytest.mark.parametrize("which", ["run", "level", "wandb"])
def test_a_sync_removes_nothing_elsewhere(
    which: str, victim: Victim, online: Sandbox, bundled: tuple[str, Path], flows_root: Path
) -> None:
    """A W&B run that is written again gives way; what lies behind a link is another one."""
    run = victim.run()
    link = {"run": run, "level": run.parent.parent, "wandb": run.parent}[which]
    elsewhere = link.rename(victim.secret.with_name("elsewhere"))
    link.symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))

    _sync(online, bundled[0], victim.bundle, flows_root, "--force")

    assert before
    assert sorted(elsewhere.rglob("*")) == before


def test_private(bundled: tuple[str, Path]) -> None:
    """Nobody else may look at a bundle."""
    bundle = bundled[1]
    modes = {path: path.lstat().st_mode & 0o777 for path in (bundle, *bundle.rglob("*"))}

    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in modes}
