"""No secret of a flow run reaches W&B, a bundle, the ledger or the terminal; innocent values do."""

from __future__ import annotations

import base64
import json
import re
import shutil
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from tests.integration.results import metadata_of, wandb_run
from tests.support.sandbox import FLOWS, Finished, Sandbox
from tests.support.secret_kinds import INNOCENT, INNOCENT_LINES, NAMED, SHAPED, letters
from tests.support.wandb_server import WandbServer

pytestmark = pytest.mark.xdist_group("secrets")

MASK = "***"
OWN = (
    *("parameter", "endpoint", "config", "constant", "nested", "env", "value", "field"),
    *("awssecret", "large", "each0", "each1", "remote", "tag"),
)
_LENGTHS = {"parameter": 30, "large": 40, "awssecret": 40, "each0": 30, "each1": 30}
_LENGTHS |= dict.fromkeys(("endpoint", "config", "constant"), 20)
SECRETS = {
    **{secret.kind: secret.secret for secret in SHAPED},
    **{f"named {name}": value for name, value in NAMED},
    **{seed: letters(seed, _LENGTHS.get(seed, 24)) for seed in OWN},
    "number": "98765432109",
}
FILES = (".pkl", ".parquet")
"""Artifacts whose bytes are Metaflow's own, or a table: docs/security.md names them."""


@dataclass(frozen=True)
class Scene:
    """A flow run with secrets, and where it was synced to."""

    sandbox: Sandbox
    server: WandbServer
    pathspec: str

    def mfwb(self, *arguments: str) -> Finished:
        """Run mfwb on the flow run's datastore."""
        return self.sandbox.mfwb(*arguments, "--metadata", metadata_of(self.sandbox.root / "flow"))

    def sync(self, project: str, *arguments: str) -> Finished:
        """Sync it into a project."""
        return self.mfwb("sync", self.pathspec, "--json", "--project", project, *arguments)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Return the flow run, made in a repository whose remote has a token."""
    root = tmp_path_factory.mktemp("secrets")
    repository = root / "flow"
    repository.mkdir()
    shutil.copy(FLOWS / "secret_flow.py", repository)
    remote = f"https://ci:{letters('remote', 24)}@git.example/a/b.git"
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.example")
    for command in (
        ("init", "-q"),
        ("remote", "add", "origin", remote),
        ("add", "."),
        ("commit", "-q", "-m", "a flow"),
    ):
        subprocess.run((*git, *command), cwd=repository, check=True)
    where = Sandbox(repository, {"SECRET_FLOW_ROOT": str(FLOWS.parents[1])})
    tag = f"token:{letters('tag', 24)}"
    done = where.script(repository / "secret_flow.py", "--quiet", "run", "--tag", tag, "--tag", "x")
    latest = repository / ".metaflow" / "SecretFlow" / "latest_run"
    assert latest.exists(), done.err
    with WandbServer() as server:
        known = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        yield Scene(Sandbox(root, known), server, f"SecretFlow/{latest.read_text()}")


Online = tuple[str, Finished, str]


@pytest.fixture(scope="module", params=["step", pytest.param("task", marks=pytest.mark.exhaustive)])
def online(request: pytest.FixtureRequest, scene: Scene) -> Online:
    """Return the project of an online sync, how it ended, and its granularity."""
    project = f"p{uuid.uuid4().hex[:8]}"
    return project, scene.sync(project, "--granularity", request.param), request.param


@pytest.fixture(scope="module")
def bundle(scene: Scene) -> tuple[Path, Finished, Finished]:
    """Return the bundle of an offline sync, how that ended, and how its push ended."""
    folder = scene.sandbox.root / "bundle"
    to = ("--mode", "offline", "--dir", str(folder), "--entity", "acme")
    done = scene.sync("pushed", *to)
    return folder, done, scene.sandbox.mfwb("push", str(folder), "--json")


_BASE64 = re.compile(r"[A-Za-z0-9+/]{200,}={0,2}")


def leaked(text: str) -> list[str]:
    """Return the secrets that a text shows, also in the data of cards, which is in base64."""
    data = [base64.b64decode(part).decode("utf-8", "ignore") for part in _decodable(text)]
    return [
        kind for kind, secret in SECRETS.items() if any(secret in part for part in (text, *data))
    ]


def _decodable(text: str) -> list[str]:
    return [part for part in _BASE64.findall(text) if len(part) % 4 == 0]


def dump(server: WandbServer, project: str) -> dict[str, str]:
    """Return all that the server has of a project, but for the bytes that are Metaflow's own."""
    parts = {}
    for run_id, run in server.state.runs(f"acme/{project}").items():
        facts = {field.name: getattr(run, field.name) for field in fields(run)}
        parts[run_id] = repr(_without(facts))
        parts |= {f"{run_id}/{path}": repr(run.files[path]) for path in run.files}
    for version in server.state.artifacts(f"acme/{project}"):
        facts = {field.name: getattr(version, field.name) for field in fields(version)}
        parts[version.path] = repr(_without(facts))
        for path in version.files:
            if not path.endswith(FILES):
                parts[f"{version.path}/{path}"] = repr(version.files[path])
    return parts


def _without(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in {"files", "logged", "used"}}


def test_online(scene: Scene, online: Online) -> None:
    """Neither config, summary, history, tables, files, log nor tags of any W&B run have one."""
    project, done, _ = online
    assert done.code == 0, done.err
    parts = dump(scene.server, project)
    assert len(parts) > 10
    assert {name: kinds for name, text in parts.items() if (kinds := leaked(text))} == {}


def test_what_mfwb_says(scene: Scene, online: Online) -> None:
    """The result of a sync has none; it counts and names what was masked."""
    _, done, _ = online
    assert leaked(done.out + done.err) == []
    assert done.document["totals"]["account"]["cards"]["masked"] == 1
    [flow_run] = done.document["flow_runs"]
    masked = {entry["item"] for entry in flow_run["masked"]}
    assert f"{scene.pathspec}/_parameters/api_key" in masked
    assert f"tags of {scene.pathspec}" in masked
    in_runs = {entry["item"] for run in flow_run["wandb_runs"] for entry in run["masked"]}
    assert f"{scene.pathspec}/start/1/db_password" in in_runs
    assert f"{scene.pathspec}/start/1/log" in in_runs
    account = done.document["totals"]["account"]
    assert account["parameters"]["masked"] == 4
    assert account["tags"]["masked"] == 1
    assert account["logs"]["masked"] == 4
    assert account["attempts"]["masked"] == 2
    assert account["artifacts"]["masked"] >= 15
    assert flow_run["losses"] == []


def test_innocent_values_stay(scene: Scene, online: Online) -> None:
    """Values, and lines of logs, that only look a little like secrets are as they were."""
    project, done, _granularity = online
    start = next(
        run for run in done.document["flow_runs"][0]["wandb_runs"] if run["job_type"] == "start"
    )
    run = scene.server.state.run(f"acme/{project}/{start['id']}")
    expected = json.loads(json.dumps(dict(INNOCENT)))
    expected["big_number"] = str(expected["big_number"])
    assert run.summary["innocent"] == expected
    assert run.summary["innocent_lines"] == list(INNOCENT_LINES)
    assert run.summary["max_tokens"] == 4096
    lines = "\n".join(str(line) for line in run.console)
    assert [line for line in INNOCENT_LINES if line not in lines] == []
    assert run.summary["db_password"] == MASK
    assert run.config["api_key"] == MASK
    assert run.summary["named"] == {name: MASK for name, _ in NAMED}


def test_offline(bundle: tuple[Path, Finished, Finished]) -> None:
    """No file of the bundle has one, but for Metaflow's own bytes."""
    folder, done, _ = bundle
    assert done.code == 0, done.err
    files = [path for path in folder.rglob("*") if path.is_file()]
    shown = {
        path.name: kinds
        for path in files
        if not path.name.endswith(FILES) and (kinds := leaked(path.read_bytes().decode("latin-1")))
    }
    assert len(files) > 10
    assert shown == {}


def test_pushed(scene: Scene, bundle: tuple[Path, Finished, Finished]) -> None:
    """What a push sends has none."""
    _, _, pushed = bundle
    assert pushed.code == 0, pushed.err
    assert leaked(pushed.out + pushed.err) == []
    parts = dump(scene.server, "pushed")
    assert {name: kinds for name, text in parts.items() if (kinds := leaked(text))} == {}


@pytest.mark.usefixtures("online")
def test_ledger(scene: Scene) -> None:
    """The ledger has none."""
    path = scene.sandbox.root / "state" / "ledger.sqlite"
    assert path.exists()
    connection = sqlite3.connect(path)
    text = "\n".join(connection.iterdump())
    connection.close()
    assert scene.pathspec in text
    assert leaked(text) == []


def commands(scene: Scene, project: str, granularity: str) -> dict[str, tuple[str, ...]]:
    """Return commands that show what a flow run has; `test_verified` has one more."""
    to = ("--project", project, "--granularity", granularity)
    plan: dict[str, tuple[str, ...]] = {"plan": ("plan", scene.pathspec, *to, "--verbose")}
    if granularity == "task":  # the others say the same as at granularity step
        return plan
    return {
        **plan,
        "plan --json": ("plan", scene.pathspec, *to, "--json"),
        "lineage": ("lineage", scene.pathspec, "--explain"),
        "explain": ("explain", f"{scene.pathspec}/start/1/db_password", *to),
        "explain nested": ("explain", f"{scene.pathspec}/start/1/nested", *to, "--json"),
        "explain parameter": ("explain", f"{scene.pathspec}/start/1/api_key", *to),
        "report": ("report", scene.pathspec, "-o", "-"),
        "sync": ("sync", scene.pathspec, *to, "--verbose"),
    }


def test_commands(scene: Scene, online: Online) -> None:
    """No command shows one."""
    project, _, granularity = online
    for name, command in commands(scene, project, granularity).items():
        done = scene.mfwb(*command)
        assert done.out, (name, done.err)
        assert (name, leaked(done.out + done.err)) == (name, [])


def test_second_sync(scene: Scene) -> None:
    """A second sync changes nothing; one without masks shows values, and a third masks them."""
    project = f"p{uuid.uuid4().hex[:8]}"
    first = scene.sync(project)
    assert scene.sync(project).document["flow_runs"][0]["status"] == "unchanged"
    start = wandb_run(first.document, f"{scene.pathspec}/start")["id"]

    off = scene.sandbox.mfwb(
        *("sync", scene.pathspec, "--json", "--project", project),
        *("--metadata", metadata_of(scene.sandbox.root / "flow")),
        MFWB_REDACT="false",
    )
    assert off.document["flow_runs"][0]["status"] == "synced", off.err
    run: Any = scene.server.state.run(f"acme/{project}/{start}")
    assert run.summary["db_password"] == letters("value", 24)
    assert off.document["totals"]["masked"] == 0

    verified = scene.mfwb("verify", scene.pathspec, "--project", project)
    assert verified.code == 6, verified.out
    assert leaked(verified.out + verified.err) == []

    again = scene.sync(project)
    assert again.document["flow_runs"][0]["status"] == "synced"
    run = scene.server.state.run(f"acme/{project}/{start}")
    assert run.summary["db_password"] == MASK
    assert leaked(repr((run.config, run.summary, run.console, run.tags))) == []


def test_verified(scene: Scene, online: Online) -> None:
    """A verification expects the masks, and nothing else differs."""
    project, _done, granularity = online
    verified = scene.mfwb(
        *("verify", scene.pathspec, "--project", project, "--json", "--read-data"),
        *("--granularity", granularity),
    )
    [result] = verified.document["flow_runs"]
    assert result["differences"] == []
    assert verified.code == 0
    assert leaked(verified.out + verified.err) == []
