"""Files of the machine that syncs stay there, whatever a flow run points at: byte by byte."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.integration.metaflow_tampering import Tampered, moved
from tests.integration.results import losses_of, metadata_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer

SECRET = b"4f1c-the-key-of-the-machine-that-syncs"
DATA = b"8c20-data-that-may-go"
HIDDEN = b"77aa-what-is-hidden-beside-the-data"
ME, STRANGER = "tester", "eve"
WORDS = b"eins\r\nzwei\n"

Origin = Callable[[str], Tampered]
Copy = Callable[[], Tampered]
Everywhere = Callable[..., "Sent"]


def _layout(base: Path) -> Path:
    """Make a project beside a secret, with another secret in it, and links from here to there."""
    project = base / "project"
    for name in ("key", "folder/key"):
        (base / "outside" / name).parent.mkdir(parents=True, exist_ok=True)
        (base / "outside" / name).write_bytes(SECRET)
    (project / "set").mkdir(parents=True)
    (project / ".env").write_bytes(SECRET)
    (project / "set" / ".hidden").write_bytes(HIDDEN)
    (project / "set" / "out").symlink_to(base / "outside" / "key")
    (project / "link").symlink_to(base / "outside" / "key")
    (project / "link-to-folder").symlink_to(base / "outside")
    (project / "set" / "a.csv").write_bytes(DATA)
    (project / "words.txt").write_bytes(WORDS)
    return project


PLACES = (
    "outside/key",
    "outside",
    "project/.env",
    "project/link",
    "project/link-to-folder",
    "project/link-to-folder/folder/key",
    "project/set/../../outside/key",
    "project/set",
    "project/set/a.csv",
)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """Return a function that makes a flow run of a user, once, which points at all places."""

    @cache
    def origin(user: str) -> Tampered:
        base = tmp_path_factory.mktemp(user)
        project = _layout(base)
        locations = [*(str(base / name) for name in PLACES), "/proc/self/environ", "/dev/zero"]
        done = Sandbox(project).flow(
            "pointing_flow",
            *("run", "--run-id-file", "id.txt"),
            METAFLOW_USER=user,
            PLACES=os.pathsep.join(locations),
        )
        assert done.code == 0, done.err
        return Tampered(project, f"PointingFlow/{(project / 'id.txt').read_text()}")

    return origin


@pytest.fixture
def copy(origin: Origin, tmp_path: Path) -> Copy:
    """Return a function that copies the stranger's flow run to where it can be tampered with."""

    def copy() -> Tampered:
        project = _layout(tmp_path / "copy")
        known = origin(STRANGER)
        moved(known.root, project)
        return Tampered(project, known.pathspec)

    return copy


class Sent:
    """All that commands said and wrote about a flow run."""

    def __init__(self, finished: dict[str, Finished], stored: dict[str, bytes]) -> None:
        self.finished = finished
        self.stored = stored

    def holds(self, data: bytes) -> list[str]:
        """Return where some bytes are."""
        reported = {name: (item.out + item.err).encode() for name, item in self.finished.items()}
        return [name for name, text in (reported | self.stored).items() if data in _opened(text)]

    @property
    def losses(self) -> dict[str, str]:
        """Return why what is lost of the offline sync."""
        result = losses_of(self.finished["offline"].document)
        return {loss["item"].rpartition("/")[2]: loss["reason"] for loss in result}


def _opened(data: bytes) -> bytes:
    return data + gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


@pytest.fixture
def everywhere(tmp_path: Path, w_and_b: WandbServer, project: str) -> Everywhere:
    """Return a function that has every command look at a flow run, or some of them."""
    sandbox = Sandbox(tmp_path / "sandbox")
    to_server = {"WANDB_BASE_URL": w_and_b.base_url, "WANDB_API_KEY": w_and_b.api_key}
    bundle = tmp_path / "bundle"

    def everywhere(
        run: Tampered,
        *arguments: str,
        artifact: str = "place_0",
        only: Sequence[str] = ("plan", "offline", "online", "lineage", "explain"),
    ) -> Sent:
        whence = ("--metadata", metadata_of(run.root))
        where = ("--project", project, "--json", *whence, *arguments)
        offline = ("--mode", "offline", "--dir", str(bundle), "--entity", "acme")
        about = f"{run.pathspec}/start/{artifact}"
        commands: dict[str, Callable[[], Finished]] = {
            "plan": lambda: sandbox.mfwb("plan", run.pathspec, *where, **to_server),
            "offline": lambda: sandbox.mfwb("sync", run.pathspec, *offline, *where),
            "online": lambda: sandbox.mfwb("sync", run.pathspec, *where, **to_server),
            "lineage": lambda: sandbox.mfwb("lineage", run.pathspec, *whence),
            "explain": lambda: sandbox.mfwb("explain", about, "--json", *whence, *arguments),
        }
        finished = {name: commands[name]() for name in only}
        for name, item in finished.items():
            assert item.code == 0, (name, item.err, item.out)
        stored = {
            str(path.relative_to(bundle)): path.read_bytes()
            for path in bundle.rglob("*")
            if path.is_file()
        }
        stored |= {f"server/{name}": data for name, data in _uploaded(w_and_b, project).items()}
        return Sent(finished, stored)

    return everywhere


def _uploaded(server: WandbServer, project: str) -> dict[str, bytes]:
    """Return the bytes of all artifacts and files that a project of the stand-in has."""
    result: dict[str, bytes] = {}
    for version in server.state.versions(f"acme/{project}"):
        result |= {f"{version.path}/{name}": data for name, data in version.files.items()}
    for run in server.state.runs(f"acme/{project}").values():
        result |= {f"{run.id}/{name}": data for name, data in run.files.items()}
        result[f"{run.id}/log"] = "\n".join(map(str, run.console)).encode()
    return result


# --- Path artifacts -------------------------------------------------------------------------


def test_paths_of_a_stranger(origin: Origin, everywhere: Everywhere) -> None:
    """Nothing of this machine goes along, and each path is a loss that says what would let it."""
    sent = everywhere(origin(STRANGER))

    assert sent.holds(SECRET) == []
    assert sent.holds(DATA) == []
    assert sent.holds(b"WANDB_API_KEY=") == []
    count = len(PLACES) + 2
    assert {f"place_{number}" for number in range(count)} <= sent.losses.keys()
    assert all("--path-root DIR" in sent.losses[f"place_{number}"] for number in range(count))


def test_paths_of_ones_own(origin: Origin, everywhere: Everywhere) -> None:
    """What lies in the folder that the flow ran in goes, unless it is hidden or a link."""
    sent = everywhere(origin(ME), artifact=f"place_{len(PLACES) - 1}")

    assert sent.holds(SECRET) == []
    assert sent.holds(HIDDEN) == []
    assert any(name.startswith("payloads/") for name in sent.holds(DATA))
    assert any(name.startswith("server/") for name in sent.holds(DATA))
    assert sent.losses["out"] == "it is a link that leads out of the folder"
    assert sent.losses[".hidden"] == "it is hidden, which needs --path-root"


def test_paths_that_are_allowed(origin: Origin, everywhere: Everywhere) -> None:
    """Who names a folder lets it go, also of a stranger's flow run, and of no other folder."""
    run = origin(STRANGER)

    sent = everywhere(run, "--path-root", str(run.root / "set"))

    assert any(name.startswith("server/") for name in sent.holds(DATA))
    assert any(name.startswith("server/") for name in sent.holds(HIDDEN))
    assert sent.holds(SECRET) == []
    assert "--path-root DIR" in sent.losses["place_0"]


def test_a_root_that_is_allowed_later(
    origin: Origin, tmp_path: Path, sandbox: Sandbox, project: str
) -> None:
    """The flow run is synced again then, since W&B is to get more of it."""
    run = origin(STRANGER)
    where = ("--mode", "offline", "--dir", str(tmp_path / "bundle"), "--entity", "acme")
    fixed = (*where, "--project", project, "--json", "--metadata", metadata_of(run.root))

    def status(*more: str) -> Any:
        done = sandbox.mfwb("sync", run.pathspec, *fixed, *more)
        assert done.code == 0, done.err
        return done.document["flow_runs"][0]["status"]

    allowed = ("--path-root", str(run.root / "set"))
    assert [status(), status(), status(*allowed), status(*allowed)] == [
        "synced",
        "unchanged",
        "synced",
        "unchanged",
    ]


# --- IncludeFiles ---------------------------------------------------------------------------


def test_an_honest_included_file(copy: Copy, everywhere: Everywhere) -> None:
    """It goes byte by byte, although the datastore was moved, and is a stranger's."""
    run = copy()

    sent = everywhere(run, artifact="words", only=["offline", "online"])

    assert any(name.startswith("server/") for name in sent.holds(WORDS))
    assert any(name.startswith("payloads/") for name in sent.holds(WORDS))


@pytest.mark.parametrize("unpickle", ["safe", pytest.param("never", marks=pytest.mark.exhaustive)])
def test_metadata_that_names_another_blob(
    copy: Copy, everywhere: Everywhere, tmp_path: Path, unpickle: str
) -> None:
    """What Metaflow's client would load is never loaded."""
    run, marker = copy(), tmp_path / "marker"
    run.point_metadata_at("words", run.store(b"cos\nsystem\n(S'touch " + bytes(marker) + b"'\ntR."))

    sent = everywhere(run, "--unpickle", unpickle, artifact="words")

    assert not marker.exists()
    assert any(name.startswith("server/") for name in sent.holds(WORDS))


def _external(target: str) -> dict[str, Any]:
    return {"type": "external", "url": target, "is_text": False, "encoding": None}


def _uploaded_v2(target: str, size: int = 10**6) -> dict[str, Any]:
    facts = {"type": "uploader-v2", "sub-type": "uploaded", "size": size}
    return {**facts, "url": target, "is_text": True, "encoding": "utf-8"}


@pytest.mark.parametrize(
    "descriptor",
    [
        lambda target: _external(f"local://{target}"),
        _external,
        lambda target: _external(f"file://{target}"),
        lambda target: _uploaded_v2(f"local://{target}"),
        lambda target: {**_uploaded_v2(f"local://{target}"), "sub-type": "external"},
        lambda target: {**_external(f"local://{target}"), "type": "uploader-v1"},
    ],
    ids=["external", "bare", "file", "uploaded", "v2-external", "v1"],
)
@pytest.mark.parametrize("secret", ["key", "gzipped", "link", "environ", "zero"])
@pytest.mark.exhaustive
def test_descriptors_of_any_file(
    copy: Copy,
    everywhere: Everywhere,
    descriptor: Callable[[str], dict[str, Any]],
    secret: str,
) -> None:
    """Whatever a descriptor names: an open secret, a gzipped one, a link in the datastore."""
    _assert_kept(copy(), everywhere, descriptor, secret)


def test_a_descriptor_of_any_file(copy: Copy, everywhere: Everywhere) -> None:
    """The plainest of them."""
    _assert_kept(copy(), everywhere, lambda target: _external(f"local://{target}"), "key")


def _assert_kept(
    run: Tampered,
    everywhere: Everywhere,
    descriptor: Callable[[str], dict[str, Any]],
    secret: str,
) -> None:
    external = run.root.parent / "outside"
    sha = hashlib.sha1(SECRET, usedforsecurity=False).hexdigest()
    (external / sha).write_bytes(gzip.compress(SECRET))
    link = run.root / "data" / "PointingFlow" / "link"
    link.symlink_to(external / "key")
    target = {
        "key": str(external / "key"),
        "gzipped": str(external / sha),
        "link": str(link),
        "environ": "/proc/self/environ",
        "zero": "/dev/zero",
    }[secret]
    run.describe("words", descriptor(target))

    sent = everywhere(run, artifact="words")

    assert sent.holds(SECRET) == []
    assert sent.holds(b"WANDB_API_KEY=") == []
    assert "--path-root DIR" in sent.losses["words"]


def test_a_descriptor_of_a_file_that_is_allowed(copy: Copy, everywhere: Everywhere) -> None:
    """Who names a folder lets it go."""
    run = copy()
    run.describe("words", _external(f"local://{run.root / 'set' / 'a.csv'}"))

    sent = everywhere(run, "--path-root", str(run.root / "set"), artifact="words")

    assert any(name.startswith("server/") for name in sent.holds(DATA))


def test_an_included_file_in_another_cloud(copy: Copy, everywhere: Everywhere) -> None:
    """The keys of the machine that syncs fetch nothing that the flow run's datastore has not."""
    run = copy()
    run.describe("words", _uploaded_v2(f"s3://private/PointingFlow/{'0' * 40}"))

    sent = everywhere(run, artifact="words", only=["offline"])

    assert "METAFLOW_DATATOOLS_S3ROOT" in sent.losses["words"]


def test_an_included_file_that_is_larger_than_recorded(copy: Copy, everywhere: Everywhere) -> None:
    """It ends where it should have ended."""
    run = copy()
    data = bytes(3_000_000)
    sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    location = run.root / "data" / "PointingFlow" / sha
    location.write_bytes(gzip.compress(data, 3))
    run.describe("words", _uploaded_v2(f"local://{location}", size=1000))
    sent = everywhere(run, artifact="words", only=["offline"])
    assert sent.losses["words"] == "it has more than the 1,000 bytes that are recorded"


def test_an_included_file_that_is_a_bomb(copy: Copy, everywhere: Everywhere) -> None:
    """Also if what is recorded is what comes out."""
    run = copy()
    member = bytes(3_000_000)
    data = member * 100  # more than is allowed in any case
    sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    location = run.root / "data" / "PointingFlow" / sha
    location.write_bytes(gzip.compress(member, 3) * 100)
    run.describe("words", _uploaded_v2(f"local://{location}", size=len(data)))

    sent = everywhere(run, artifact="words", only=["offline"])

    assert sent.losses["words"] == "it unpacks to more bytes than 200 times what is stored"


def test_a_descriptor_that_is_none(copy: Copy, everywhere: Everywhere) -> None:
    """It is a loss, whatever is in its place."""
    run = copy()
    run.describe("words", {**_external("x"), "url": 7})

    sent = everywhere(run, artifact="words", only=["offline"])

    assert "damaged" in sent.losses["words"]
