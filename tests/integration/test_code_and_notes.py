"""The code package as an artifact, notes and links: what W&B has of them, online and pushed."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import wandb

from tests.integration.aspects import ASPECTS
from tests.integration.results import losses_of, metadata_of, wandb_run
from tests.support.sandbox import Finished, Sandbox
from tests.support.versions import since
from tests.support.wandb_server import RunSnapshot, WandbServer
from tests.unit.source.tars import FLOW, NEW, member, packed

pytestmark = since("metaflow", "2.16", "a local flow run can have a code package")

SHAPE = Path(__file__).parents[1] / "flows" / "shapes" / "from_package"
NAME = "FromPackage-code"
CONSOLE = {"METAFLOW_UI_URL": "https://ui.example.com/mf/"}


@dataclass(frozen=True)
class Packaged:
    """A flow run with a code package, copied for one test, and a W&B of the test's own."""

    sandbox: Sandbox
    server: WandbServer
    pathspec: str

    def mfwb(self, command: str, *arguments: str, **environment: str) -> Finished:
        """Run a command on the flow run."""
        where = ("--project", "code", "--entity", "acme", "--metadata", self.metadata)
        return self.sandbox.mfwb(
            command, self.pathspec, *where, *arguments, "--json", **environment
        )

    def synced(self, *arguments: str, **environment: str) -> Any:
        """Sync it, and return the document."""
        done = self.mfwb("sync", *arguments, **environment)
        assert done.code == 0, done.err
        return done.document

    def pushed(self, *arguments: str, **environment: str) -> Any:
        """Sync it into a bundle, and push that."""
        self.synced("--mode", "offline", "--dir", "bundle", *arguments, **environment)
        done = self.sandbox.mfwb("push", "bundle", "--json")
        assert done.code == 0, done.err
        return done.document

    @property
    def api(self) -> wandb.Api:
        """Return W&B's own client, as a person would use it."""
        at = {"base_url": self.server.base_url}
        return wandb.Api(overrides=at, api_key=self.server.api_key)

    @property
    def metadata(self) -> str:
        """Return the --metadata that reads it."""
        return metadata_of(self.sandbox.root)

    @property
    def runs(self) -> dict[str, RunSnapshot]:
        """Return the W&B runs by step."""
        runs = self.server.state.runs("acme/code").values()
        return {run.display_name.rpartition("/")[2]: run for run in runs}

    @property
    def package(self) -> Path:
        """Return the file of the package in Metaflow's datastore."""
        record = json.loads(_records(self.sandbox.root)[0].read_text())
        sha = json.loads(record["value"])["sha"]
        return Path(self.sandbox.root, ".metaflow", "FromPackage", "data", sha[:2], sha)

    def replace(self, data: bytes) -> None:
        """Put another package in the place of Metaflow's."""
        sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        blob = self.package.parents[1] / sha[:2] / sha
        blob.parent.mkdir(exist_ok=True)
        blob.write_bytes(data)
        blob.with_name(f"{sha}_meta").write_text('{"cas_raw": true, "cas_version": 1}')
        for path in _records(self.sandbox.root):
            record = json.loads(path.read_text())
            record["value"] = json.dumps({**json.loads(record["value"]), "sha": sha})
            path.write_text(json.dumps(record))


def _records(root: Path) -> list[Path]:
    return sorted((root / ".metaflow").rglob("*_code-package_*.json"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a real flow run that has a code package."""
    root = tmp_path_factory.mktemp("packaged")
    shutil.copytree(SHAPE, root, dirs_exist_ok=True)
    sandbox = Sandbox(root, {"METAFLOW_FEAT_ALWAYS_UPLOAD_CODE_PACKAGE": "1"})
    ran = sandbox.script(str(root / "from_package.py"), "--quiet", "run")
    assert ran.code == 0, ran.err
    return root


@pytest.fixture
def packaged(made: Path, tmp_path: Path) -> Iterator[Packaged]:
    """Return a copy of it, with a server of its own."""
    shutil.copytree(made / ".metaflow", tmp_path / ".metaflow")
    number = (tmp_path / ".metaflow" / "FromPackage" / "latest_run").read_text()
    with WandbServer() as server:
        at = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        yield Packaged(Sandbox(tmp_path, at), server, f"FromPackage/{number}")


def test_the_files_of_the_flow_are_an_artifact(packaged: Packaged, made: Path) -> None:
    """Byte for byte, without Metaflow's own files, logged once and used by nobody."""
    document = packaged.synced()

    code = packaged.server.state.artifact(f"acme/code/{NAME}:latest")
    sources = {path.relative_to(SHAPE).as_posix(): path for path in SHAPE.rglob("*.py")}
    assert {name: code.files[name] for name in code.files} == {
        name: path.read_bytes() for name, path in sources.items()
    }
    with tarfile.open(fileobj=BytesIO(packaged.package.read_bytes())) as archive:
        own = len(archive.getnames()) - len(sources)
    assert code.type == "code"
    assert sorted(code.aliases) == sorted(("latest", f"run-{packaged.pathspec.split('/')[1]}"))
    assert code.metadata["metaflow"]["files_of_metaflow"] == own
    assert f"{own:,} files of its own" in (code.description or "")
    assert [name for name, run in packaged.runs.items() if _code_of(run)] == ["start"]
    assert not any(item.type == "code" for run in packaged.runs.values() for item in run.used)
    [flow_run] = document["flow_runs"]
    assert flow_run["account"]["code_packages"] == {"written": 1}
    assert losses_of(document) == []
    assert made.exists()


def _code_of(run: RunSnapshot) -> list[str]:
    return [item.digest for item in run.logged if item.type == "code"]


def test_a_push_does_the_same(packaged: Packaged, made: Path, tmp_path: Path) -> None:
    """Field by field; and a verification of what was pushed finds nothing."""
    online = packaged
    online.synced(**CONSOLE)
    other = tmp_path / "other"
    shutil.copytree(made / ".metaflow", other / ".metaflow")
    with WandbServer() as server:
        at = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        offline = Packaged(Sandbox(other, at), server, online.pathspec)
        where = ("--metadata", online.metadata)  # the lines in the notes name it
        document = offline.pushed(*where, **CONSOLE)
        done = offline.mfwb("verify", "--read-data", *where, **CONSOLE)
        assert done.code == 0, done.out
        for aspect in ("identity", "config", "logged", "used", "summary"):
            of = ASPECTS[aspect]
            assert {step: of(run) for step, run in offline.runs.items()} == {
                step: of(run) for step, run in online.runs.items()
            }, aspect
    assert document["flow_runs"][0]["account"]["code_packages"] == {"written": 1}


def test_it_can_be_switched_off_and_on(packaged: Packaged) -> None:
    """Without it nothing is logged, and the account says so; afterwards it is added."""
    document = packaged.synced("--no-code")

    assert document["flow_runs"][0]["account"]["code_packages"] == {"switched_off": 1}
    assert not any(map(_code_of, packaged.runs.values()))
    packaged.synced()
    assert _code_of(packaged.runs["start"])
    assert packaged.synced()["flow_runs"][0]["status"] == "unchanged"


def test_equal_code_is_one_version(packaged: Packaged) -> None:
    """Another flow run with the same files logs the same version, however they are packed."""
    packaged.synced()
    files = [
        (path.relative_to(SHAPE).as_posix(), path.read_bytes()) for path in SHAPE.rglob("*.py")
    ]
    packaged.replace(packed(*NEW, *(member(*file, mtime=7) for file in reversed(files))))

    packaged.synced("--force")

    assert packaged.server.state.artifact(f"acme/code/{NAME}:latest").version == "v0"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(None, "its bytes are gone", id="gone"),
        pytest.param(b"no package", "it is damaged", id="damaged", marks=pytest.mark.exhaustive),
        pytest.param(
            packed(*NEW), "it has no file of the flow", id="empty", marks=pytest.mark.exhaustive
        ),
    ],
)
def test_a_package_that_cannot_be_read_is_a_loss(
    packaged: Packaged, data: bytes | None, reason: str
) -> None:
    """One loss with its reason; the rest goes on, and the account adds up."""
    if data is None:
        packaged.package.unlink()
    else:
        packaged.replace(data)

    document = packaged.synced()

    [loss] = losses_of(document)
    assert loss["item"].endswith("/code-package")
    assert reason in loss["reason"]
    assert document["flow_runs"][0]["account"]["code_packages"] == {"lost": 1}
    assert len(packaged.runs) == 4


def test_keys_in_code_are_masked(packaged: Packaged) -> None:
    """The file says `***`, is counted, and verify reads the same from Metaflow."""
    key = "b7Qx" + "29fLmZ81sKd0"
    packaged.replace(
        packed(
            *NEW,
            member("flow.py", FLOW + f'\nAPI_KEY = "{key}"\n'.encode()),
            member("plain.py", b"x = 1\n"),
        )
    )

    document = packaged.synced()

    code = packaged.server.state.artifact(f"acme/code/{NAME}:latest")
    assert code.files["flow.py"] == FLOW + b'\nAPI_KEY = "***"\n'
    assert code.files["plain.py"] == b"x = 1\n"
    assert "masked in 1 of the files" in (code.description or "")
    [flow_run] = document["flow_runs"]
    assert flow_run["account"]["code_packages"] == {"masked": 1}
    masked = [entry for run in flow_run["wandb_runs"] for entry in run["masked"]]
    assert [(entry["item"].rpartition("/")[2], entry["marks"]) for entry in masked] == [
        ("code-package", 1)
    ]
    assert packaged.mfwb("verify", "--read-data").code == 0


def test_a_hostile_package(packaged: Packaged) -> None:
    """Nothing leaves the artifact; each member that is no file of it is a loss."""
    packaged.replace(
        packed(
            *NEW,
            member("../../above.py", b"bad"),
            member("out", type=tarfile.SYMTYPE, linkname="/etc"),
            member("a" * 300 + ".py", b"long"),
            member("A.py", b"1"),
            member("a.py", b"2"),
            member("flow.py", FLOW),
        )
    )

    document = packaged.synced()

    code = packaged.server.state.artifact(f"acme/code/{NAME}:latest")
    assert code.files["flow.py"] == FLOW
    assert len(code.files) == 4
    assert len(code.metadata["metaflow"]["renamed_files"]) == 2
    losses = {loss["item"].rpartition("code-package/")[2] for loss in losses_of(document)}
    assert losses == {"../../above.py", "out"}
    assert not list(packaged.sandbox.root.rglob("above.py"))


def test_notes_and_links(packaged: Packaged) -> None:
    """The docstring, the lines that open the step, and the page of Metaflow's UI."""
    packaged.synced(**CONSOLE)

    run = packaged.runs["start"]
    task = run.config["metaflow"]["tasks"][0]
    link = f"https://ui.example.com/mf/{task}"
    assert run.config["metaflow"]["links"] == {"metaflow_ui": link}
    assert run.notes == (
        "```text\nWrite what all read.\n```\n\n"
        "Open it in Metaflow:\n\n```python\nfrom metaflow import Step, metadata, namespace\n\n"
        f"metadata({json.dumps(packaged.metadata)})\nnamespace(None)\n"
        f'step = Step("{packaged.pathspec}/start")\n```\n\n[Metaflow UI]({link})'
    )
    lines = (run.notes or "").split("```")[3].removeprefix("python\n")
    opened = packaged.sandbox.run(sys.executable, "-c", f"{lines}\nprint(step.task.pathspec)")
    assert opened.out.strip() == task, opened.err


def test_notes_of_people_stay(packaged: Packaged) -> None:
    """Notes that nobody changed follow Metaflow; those that somebody wrote stay, always."""
    first = packaged.synced()
    run_id = wandb_run(first, f"{packaged.pathspec}/start")["id"]
    before = packaged.runs["end"].notes or ""
    _write_notes(packaged, run_id, "the best so far")

    packaged.synced(**CONSOLE)
    assert packaged.runs["start"].notes == "the best so far"
    after = packaged.runs["end"].notes or ""
    assert before
    assert after.startswith(f"{before}\n\n[Metaflow UI]")
    packaged.synced("--force", "--overwrite-edits", **CONSOLE)
    assert packaged.runs["start"].notes == "the best so far"
    done = packaged.mfwb("verify", **CONSOLE)
    assert done.code == 0, done.out


def _write_notes(packaged: Packaged, run_id: str, notes: str) -> None:
    run: Any = packaged.api.run(f"acme/code/{run_id}")  # its attributes are not declared
    run.notes = notes
    run.update()


@pytest.mark.exhaustive
def test_verify_notices(packaged: Packaged) -> None:
    """Notes that were removed, and an artifact of code that was: both are differences."""
    first = packaged.synced()
    _write_notes(packaged, wandb_run(first, f"{packaged.pathspec}/end")["id"], "")
    packaged.api.artifact(f"acme/code/{NAME}:v0").delete(delete_aliases=True)

    done = packaged.mfwb("verify")

    assert done.code == 6, done.out
    differences = done.document["flow_runs"][0]["differences"]
    assert {(entry["kind"], entry["item"].rpartition("/")[2]) for entry in differences} >= {
        ("notes", "end notes"),
        ("artifact", "start artifact code-package"),
    }
