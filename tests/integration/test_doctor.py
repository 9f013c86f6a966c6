"""`mfwb doctor`: each kind of trouble is really made, and found by name, status and exit code."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.integration.results import metadata_of
from tests.support.json_documents import assert_as_published
from tests.support.metadata_service import MetadataService
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer
from tests.support.warm import Constraints

also = partial(pytest.param, marks=pytest.mark.exhaustive)

_NETRC_KEY = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture
def read_from(flow_run: Callable[[str], str], flows_root: Path) -> tuple[str, ...]:
    """Return the arguments that lead to a flow run."""
    flow_run("two_flow")
    return "--metadata", metadata_of(flows_root)


@pytest.fixture
def own_server() -> Iterator[WandbServer]:
    """Return a W&B stand-in of the test's own, to change what it says."""
    with WandbServer() as server:
        yield server


def with_server(sandbox: Sandbox, server: WandbServer, **more: str) -> Sandbox:
    """Return a sandbox whose W&B is a server."""
    variables = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
    return Sandbox(sandbox.root, {**variables, **more})


def doctor(sandbox: Sandbox, *arguments: str, **variables: str) -> Finished:
    """Run `mfwb doctor --json`."""
    return sandbox.mfwb("doctor", "--json", "--timeout", "10s", *arguments, **variables)


def found(done: Finished, group: str, name: str) -> dict[str, Any]:
    """Return the one check of that name."""
    checks = [
        item for item in done.document["checks"] if (item["group"], item["name"]) == (group, name)
    ]
    assert len(checks) == 1, done.document["checks"]
    return dict(checks[0])


def status(done: Finished, group: str, name: str) -> str:
    """Return how the one check of that name ended."""
    return str(found(done, group, name)["status"])


def failures(done: Finished) -> list[str]:
    """Return the names of all checks that failed."""
    return [item["name"] for item in done.document["checks"] if item["status"] == "failed"]


# --- all is well -----------------------------------------------------------------------------


def _tree(*folders: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for folder in folders
        for path in sorted(folder.rglob("*"))
    }


def test_all_is_well_and_nothing_is_written(
    sandbox: Sandbox,
    own_server: WandbServer,
    flow_run: Callable[[str], str],
    read_from: tuple[str, ...],
    flows_root: Path,
) -> None:
    """Both ends are really read; files, W&B and the ledger are afterwards what they were."""
    location = with_server(sandbox, own_server)
    (location.root / "mfwb.toml").write_text("[settings]\nrun_tags = ['x']\n", encoding="utf-8")
    synced = location.mfwb("sync", flow_run("two_flow"), "--project", "wines", *read_from)
    assert synced.code == 0, synced.err
    folders = location.root, flows_root / ".metaflow" / "TwoFlow"  # other tests run other flows
    tree, runs = _tree(*folders), repr(own_server.state.runs("acme/wines"))
    own_server.clear_requests()

    done = doctor(location, "--project", "wines", *read_from)

    assert done.code == 0, done.out
    assert (failures(done), done.err) == ([], "")
    assert _tree(*folders) == tree
    assert repr(own_server.state.runs("acme/wines")) == runs
    assert [request for request in own_server.requests if "mutation" in request.incoming.text] == []
    assert {request.incoming.kind for request in own_server.requests} == {"graphql", "other"}
    sample = found(done, "Metaflow", "datastore")["detail"]
    assert "read " in sample
    assert "Flow/" in sample
    assert found(done, "W&B", "project")["detail"].startswith("acme/wines exists")
    assert found(done, "This machine", "ledger")["detail"].startswith("1 flow runs, no sync")
    totals = done.document["totals"]
    assert sum(totals.values()) == len(done.document["checks"])


def test_first_of_all(sandbox: Sandbox, w_and_b: WandbServer) -> None:
    """Before anything was synced, nothing is made, not even a folder."""
    (sandbox.root / ".metaflow").mkdir(parents=True)

    done = doctor(with_server(sandbox, w_and_b))

    assert done.code == 0, done.out
    assert status(done, "Metaflow", "metadata") == "warned"
    assert found(done, "This machine", "ledger")["detail"].startswith("there is none yet")
    assert not (sandbox.root / "state").exists()
    assert [path.name for path in (sandbox.root / "home").rglob("*")] == []


def test_text(online: Sandbox, read_from: tuple[str, ...]) -> None:
    """People see groups, what is set and from where, and a last line; nothing on stderr."""
    done = online.mfwb("doctor", "--project", "wines", *read_from)

    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    groups = [line for line in lines if line and line[0] != " "]
    assert groups[:-1] == [
        *("Versions", "Settings", "Metaflow", "W&B", "This machine", "Settings in force")
    ]
    assert groups[-1].endswith(f" ok{groups[-1].partition(' ok')[2]}")
    assert any(line.split() == ["project", '"wines"', "argument", "project"] for line in lines)


# --- settings and versions: exit 2 ------------------------------------------------------------


def test_origins_of_settings(online: Sandbox, read_from: tuple[str, ...]) -> None:
    """Each setting has its value and its origin: the default, a file with its table, and so on."""
    path = online.root / "mfwb.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        "workers = 3\n[settings]\nrun_tags = ['x']\n[flow.F.step.end]\nmodels = false\n",
        encoding="utf-8",
    )

    done = doctor(online, *read_from, MFWB_WAIT="5s")

    settings = {item["name"]: item for item in done.document["settings"]}
    assert settings["workers"]["origin"] == str(path)
    assert settings["settings.run_tags"]["origin"] == f"{path} [settings]"
    assert settings["flow.F.step.end.models"]["origin"] == f"{path} [flow.F.step.end]"
    assert settings["wait"]["origin"] == "MFWB_WAIT"
    assert settings["timeout"] == {
        "name": "timeout",
        "value": "10s",
        "origin": "argument timeout",
        "kind": "argument",
    }
    assert settings["granularity"] == {
        "name": "granularity",
        "value": "step",
        "origin": "default",
        "kind": "default",
    }


def test_wrong_setting(online: Sandbox) -> None:
    """The others go on; both ends are not asked with settings that nobody gave."""
    done = doctor(online, MFWB_WORKERS="many")

    assert (done.code, failures(done)) == (2, ["values"])
    assert "MFWB_" in found(done, "Settings", "values")["detail"]
    assert status(done, "W&B", "all") == "skipped"
    assert status(done, "This machine", "confinement") == "passed"


def test_file_that_does_not_count(online: Sandbox, read_from: tuple[str, ...]) -> None:
    """A file of the folder with sensitive settings is refused, and the reason shown."""
    path = online.root / "mfwb.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text("[settings]\nbase_url = 'https://elsewhere.example'\n", encoding="utf-8")

    done = doctor(online, *read_from)

    assert done.code == 2
    assert "base_url" in found(done, "Settings", "values")["detail"]
    assert status(done, "Settings", "file") == "warned"


def _fake_package(folder: Path, name: str, version: str) -> Path:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return folder


@pytest.mark.parametrize(
    ("package", "version", "code", "check", "expected"),
    [
        ("ob-metaflow", "2.19.9.1", 0, "metaflow and ob-metaflow", "warned"),
        ("wandb", "0.29.0", 2, "wandb", "failed"),
        also("metaflow", "2.11.0", 2, "metaflow", "failed"),
        also("wandb", "99.0", 0, "wandb", "warned"),
    ],
)
def test_versions(  # noqa: PLR0913, PLR0917 - fixtures
    online: Sandbox,
    read_from: tuple[str, ...],
    tmp_path: Path,
    package: str,
    version: str,
    code: int,
    check: str,
    expected: str,
) -> None:
    """They are those of the first packages on the path, and known to work or not."""
    folder = _fake_package(tmp_path / "packages", package, version)

    done = doctor(online, *read_from, PYTHONPATH=str(folder))

    assert done.code == code, done.out
    result = found(done, "Versions", check)
    assert result["status"] == expected
    assert version in result["detail"]
    assert result["advice"]


@pytest.mark.parametrize(
    ("package", "version", "command"),
    [
        ("wandb", "0.29.0", "status"),
        ("metaflow", "2.11.0", "plan F/1"),
        also("wandb", "0.29.0", "config show"),
        also("wandb", "0.29.0", "push bundle"),
        also("metaflow", "2.11.0", "sync F/1"),
        also("metaflow", "2.11.0", "lineage F/1"),
        also("metaflow", "2.11.0", "explain F/1/start/x"),
    ],
)
def test_old_versions_are_refused_at_the_start(
    online: Sandbox, tmp_path: Path, package: str, version: str, command: str
) -> None:
    """One line, exit 2, and nothing done; the help and the version still work."""
    folder = _fake_package(tmp_path / "packages", package, version)

    done = online.mfwb(*command.split(), PYTHONPATH=str(folder))

    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert done.err.startswith(f"mfwb: {package} {version} is too old")
    assert online.mfwb("--version", PYTHONPATH=str(folder)).code == 0
    assert online.mfwb(command.split(maxsplit=1)[0], "--help", PYTHONPATH=str(folder)).code == 0


# --- ends that are not reached: exit 4 --------------------------------------------------------


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_no_server(online: Sandbox, read_from: tuple[str, ...]) -> None:
    """What depends on it is skipped, all else is checked."""
    url = f"http://127.0.0.1:{_closed_port()}"

    done = doctor(online, *read_from, WANDB_BASE_URL=url)

    assert (done.code, failures(done)) == (4, ["server"])
    server = found(done, "W&B", "server")
    assert url in server["detail"]
    assert "refused" in server["detail"]
    assert [status(done, "W&B", item) for item in ("credentials", "entity", "project")] == [
        *["skipped"] * 3
    ]
    assert status(done, "Metaflow", "datastore") == "passed"


def test_wrong_key(online: Sandbox, read_from: tuple[str, ...]) -> None:
    """The origin of the key is named, and never the key."""
    done = doctor(online, *read_from, WANDB_API_KEY=_NETRC_KEY)

    assert (done.code, failures(done)) == (4, ["credentials"])
    credentials = found(done, "W&B", "credentials")
    assert "the variable WANDB_API_KEY" in credentials["detail"]
    assert "wandb login" in credentials["advice"]
    assert _NETRC_KEY not in done.out + done.err


def test_no_key(online: Sandbox, read_from: tuple[str, ...]) -> None:
    """It says how to get one."""
    done = doctor(Sandbox(online.root, online.extra, ("WANDB_API_KEY",)), *read_from)

    assert (done.code, failures(done)) == (4, ["credentials"])
    assert found(done, "W&B", "credentials")["detail"].startswith("there are no W&B credentials")


def test_key_of_netrc(online: Sandbox, read_from: tuple[str, ...], w_and_b: WandbServer) -> None:
    """Its file is named, and never the key."""
    netrc = online.root / "home" / "netrc"
    netrc.parent.mkdir(parents=True)
    host = w_and_b.base_url.removeprefix("http://")
    netrc.write_text(f"machine {host}\nlogin user\npassword {w_and_b.api_key}\n")

    done = doctor(Sandbox(online.root, online.extra, ("WANDB_API_KEY",)), *read_from)

    assert done.code == 0, done.out
    assert f"netrc ({netrc})" in found(done, "W&B", "credentials")["detail"]
    assert w_and_b.api_key not in done.out + done.err


def test_no_such_entity(online: Sandbox, read_from: tuple[str, ...]) -> None:
    """The entities of the user are named."""
    done = doctor(online, *read_from, "--entity", "nobody", "--project", "wines")

    assert (done.code, failures(done)) == (4, ["entity"])
    assert "acme" in found(done, "W&B", "entity")["advice"]
    assert status(done, "W&B", "project") == "skipped"


@pytest.mark.parametrize(
    ("entity", "read_only", "code", "statuses"),
    [
        also("acme", set(), 0, ("passed", "passed")),
        also("acme", {"acme"}, 4, ("failed", "skipped")),
        ("acme", {"acme/wines"}, 4, ("passed", "failed")),
        ("other", set(), 4, ("warned", "failed")),
    ],
)
def test_rights(  # noqa: PLR0913, PLR0917 - fixtures
    sandbox: Sandbox,
    own_server: WandbServer,
    read_from: tuple[str, ...],
    entity: str,
    read_only: set[str],
    code: int,
    statuses: tuple[str, str],
) -> None:
    """What W&B says about who may write is believed, and nothing is written to try it."""
    own_server.store.make_project("acme", "wines")
    own_server.store.strange_entities.add("other")
    own_server.store.read_only |= read_only

    done = doctor(
        with_server(sandbox, own_server), *read_from, "--entity", entity, "--project", "wines"
    )

    assert done.code == code, done.out
    assert tuple(status(done, "W&B", item) for item in ("entity", "project")) == statuses


def test_old_server(sandbox: Sandbox, own_server: WandbServer, read_from: tuple[str, ...]) -> None:
    """A server of one's own says its version; one without a field is asked for less."""
    own_server.store.server_version = "0.61.0"
    own_server.fail(
        lambda item: "readOnly" in item.text and item.operation == "DoctorEntity",
        status=400,
        message='Cannot query field "readOnly" on type "Entity".',
    )

    done = doctor(with_server(sandbox, own_server), *read_from)

    assert done.code == 0, done.out
    assert status(done, "W&B", "entity") == "passed"
    assert "0.61.0" in found(done, "W&B", "version")["detail"]
    assert status(done, "W&B", "version") == "warned"


def test_queries_that_fail(
    sandbox: Sandbox, own_server: WandbServer, read_from: tuple[str, ...]
) -> None:
    """An error is never "not there", and ends no other check."""
    own_server.fail("DoctorViewer", status=400, times=None)

    done = doctor(with_server(sandbox, own_server), *read_from)

    assert (done.code, failures(done)) == (4, ["entity and project"])
    assert status(done, "This machine", "proxies") == "passed"


def test_late_server(sandbox: Sandbox, own_server: WandbServer, read_from: tuple[str, ...]) -> None:
    """No check takes longer than allowed."""
    own_server.hold("DoctorViewer")

    done = sandbox.mfwb(
        *("doctor", "--json", "--timeout", "5s", *read_from),
        **with_server(sandbox, own_server).extra,
    )

    assert (done.code, failures(done)) == (4, ["entity and project"])
    assert "did not answer within" in found(done, "W&B", "entity and project")["detail"]
    assert status(done, "This machine", "confinement") == "passed"


# --- Metaflow's side --------------------------------------------------------------------------


@pytest.fixture
def service(read_from: tuple[str, ...], flows_root: Path) -> Iterator[MetadataService]:
    """Return a metadata service that has the flow runs of all tests."""
    assert read_from
    with closing(MetadataService(flows_root)) as service:
        yield service


def test_service(online: Sandbox, service: MetadataService, flows_root: Path) -> None:
    """It is asked for flow runs, an artifact is read, and its clock compared."""
    roots = {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(flows_root)}

    done = doctor(online, "--metadata", f"service@{service.url}", **roots)

    assert done.code == 0, done.out
    names = ("metadata", "datastore", "clock")
    assert [status(done, "Metaflow", name) for name in names] == ["passed"] * 3


@pytest.mark.parametrize("ahead", [3_600.0, also(-3_600.0)])
def test_clocks(online: Sandbox, service: MetadataService, ahead: float) -> None:
    """A clock that is an hour off is a warning, whichever end it is of."""
    service.clock_ahead = ahead

    done = doctor(online, "--metadata", f"service@{service.url}", WANDB_BASE_URL=service.url)

    for group in ("Metaflow", "W&B"):
        clock = found(done, group, "clock")
        assert clock["status"] == "warned"
        shown = re.search(r"clock is ([\d,]+) s (behind|ahead of) that of", clock["detail"])
        assert shown, clock
        assert abs(int(shown[1].replace(",", "")) - abs(ahead)) <= 5
        assert shown[2] == ("behind" if ahead > 0 else "ahead of")


def test_service_with_errors(online: Sandbox, service: MetadataService) -> None:
    """What it answers is named; the datastore can't be read without it."""
    service.fail("", status=500)

    done = doctor(online, "--metadata", f"service@{service.url}", METAFLOW_SERVICE_RETRY_COUNT="1")

    assert (done.code, failures(done)) == (4, ["metadata"])
    assert "500" in found(done, "Metaflow", "metadata")["detail"]
    assert status(done, "Metaflow", "datastore") == "skipped"
    assert status(done, "W&B", "credentials") == "passed"


def test_no_root(online: Sandbox, tmp_path: Path) -> None:
    """A folder without `.metaflow`: what a sync says, and with the same exit code."""
    done = doctor(online, "--metadata", f"local@{tmp_path / 'nothing'}")

    assert (done.code, failures(done)) == (2, ["metadata"])
    assert "Could not find directory .metaflow" in found(done, "Metaflow", "metadata")["detail"]


def test_artifacts_that_are_gone(
    online: Sandbox, flow_run: Callable[[str], str], flows_root: Path, tmp_path: Path
) -> None:
    """The metadata is there, the artifacts are not."""
    flow, run = flow_run("two_flow").split("/")
    for path in (f"{flow}/_meta", f"{flow}/{run}"):
        source = flows_root / ".metaflow" / path
        for file in source.rglob("*"):
            target = tmp_path / "copy" / ".metaflow" / path / file.relative_to(source)
            if file.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())

    done = doctor(
        online,
        *("--metadata", metadata_of(tmp_path / "copy")),
        METAFLOW_DATASTORE_SYSROOT_LOCAL=str(tmp_path / "copy"),
    )

    datastore = found(done, "Metaflow", "datastore")
    assert datastore["status"] == "warned", done.out
    assert f"no artifact of {flow}/{run} can be read" in datastore["detail"]


# --- this machine -----------------------------------------------------------------------------


def test_few_files(online: Sandbox, read_from: tuple[str, ...]) -> None:
    """A limit that a sync would meet is a failure that says what to do."""
    few = Constraints(limits={"RLIMIT_NOFILE": 100})

    done = online.constrained_mfwb(few, "doctor", "--json", *read_from)

    assert (done.code, failures(done)) == (2, ["open files"])
    assert "ulimit -n" in found(done, "This machine", "open files")["advice"]


def test_damaged_ledger(online: Sandbox, read_from: tuple[str, ...]) -> None:
    """It is named, and left as it is."""
    ledger = online.root / "state" / "ledger.sqlite"
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b"no database, and longer than the header of one" * 100)

    done = doctor(online, *read_from)

    assert (done.code, failures(done)) == (2, ["ledger"])
    assert ledger.read_bytes().startswith(b"no database")
    assert [path.name for path in ledger.parent.iterdir()] == ["ledger.sqlite"]


def test_offline_does_without_wandb(sandbox: Sandbox, read_from: tuple[str, ...]) -> None:
    """Neither a key nor a server is needed; the bundle's disk is looked at."""
    offline = ("--mode", "offline", "--dir", "bundle", "--entity", "acme")

    done = doctor(sandbox, *offline, *read_from)

    assert done.code == 0, done.out
    skipped = [item["name"] for item in done.document["checks"] if item["status"] == "skipped"]
    assert skipped == ["server", "credentials", "project", "clock"]
    assert status(done, "This machine", "disk: bundle") == "passed"
    assert not (sandbox.root / "bundle").exists()


def test_bug_in_a_check(online: Sandbox, read_from: tuple[str, ...]) -> None:
    """It is a failed line with a log, exit 70, and the other checks go on."""
    program = (
        "import shutil\ndef broken(path):\n    raise ArithmeticError('planted')\n"
        "shutil.disk_usage = broken\nfrom mfwb.cli import main\nmain()\n"
    )

    done = online.python(program, "doctor", "--json", *read_from)

    assert_as_published(("doctor",), done.out)
    assert (done.code, failures(done)) == (70, ["disk"])
    detail = found(done, "This machine", "disk")["detail"]
    assert detail.startswith("this is a bug in mfwb (ArithmeticError: planted)")
    assert Path(detail.rpartition(" with ")[2]).is_file()
    assert status(done, "This machine", "proxies") == "passed"


def test_python(online: Sandbox, read_from: tuple[str, ...]) -> None:
    """`mfwb.doctor` returns the same, and raises nothing."""
    script = (
        "import json, mfwb\n"
        f"found = mfwb.doctor(metadata={read_from[1]!r}, project='wines')\n"
        "print(json.dumps(found.to_dict()))\n"
        "assert found.exit_code == 0\n"
        "assert mfwb.doctor(workers='many').exit_code == 2\n"
    )

    done = online.python(script)

    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert (document["command"], document["exit_code"]) == ("doctor", 0)
    assert os.linesep not in done.out.strip()
