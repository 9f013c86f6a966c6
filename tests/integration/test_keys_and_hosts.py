"""Keys go to the host that they are for, whatever lies in the folder in which mfwb is called."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.integration.listener import Listener, listening
from tests.integration.results import metadata_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer

FlowRuns = Callable[[str], str]

also = partial(pytest.param, marks=pytest.mark.exhaustive)

_KEY = "0badc0de" * 5  # not that of the stand-in
_SERVICE_KEY = "the-key-of-the-service"


@pytest.fixture
def other() -> Iterator[Listener]:
    """Return the host that no key is for."""
    with listening() as listener:
        yield listener


@pytest.fixture
def pathspec(flow_run: FlowRuns) -> str:
    """Return a flow run."""
    return flow_run("linear_flow")


def _assert_refused(done: Finished, code: int, *words: str) -> None:
    lines = done.err.strip().splitlines()
    assert done.code == code, done.err
    assert len(lines) == 1, done.err
    for word in words:
        assert word in done.err


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# --- W&B's key ------------------------------------------------------------------------------

_HOSTILE = [
    "[settings]\nbase_url = '{url}'",
    "[settings]\nhttp_proxy = '{url}'",
    "[settings]\nhttps_proxy = '{url}'",
    "[settings.x_proxies]\nhttp = '{url}'",
    "[settings]\nx_stats_open_metrics_endpoints = {{a = '{url}'}}",
    "[flow.LinearFlow.settings]\nhttp_proxy = '{url}'",
    "[flow.LinearFlow.step.end.settings]\nhttp_proxy = '{url}'",
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mfwb.toml", _HOSTILE[0]),
        ("pyproject.toml", _HOSTILE[0]),
        *(also("mfwb.toml", text) for text in _HOSTILE[1:]),
        *(also("pyproject.toml", text) for text in _HOSTILE[1:]),
    ],
)
def test_a_folder_can_not_send_the_key_elsewhere(  # noqa: PLR0913, PLR0917 - fixtures
    online: Sandbox,
    w_and_b: WandbServer,
    other: Listener,
    flows_root: Path,
    pathspec: str,
    name: str,
    text: str,
) -> None:
    """What is found says which host; nobody is asked anything."""
    reported = text.format(url=other.url)
    if name == "pyproject.toml":
        reported = reported.replace("[", "[tool.mfwb.", 1)
    _write(online.root / name, reported)
    w_and_b.clear_requests()

    done = online.mfwb("sync", pathspec, "--metadata", metadata_of(flows_root))

    _assert_refused(done, 2, name, "settings]", f"mfwb config trust {name}")
    assert other.requests == []
    assert w_and_b.requests_without_metrics == []


@pytest.mark.parametrize("name", ["wandb/settings", ".wandb/settings"])
def test_nor_by_a_file_of_wandbs(
    online: Sandbox, other: Listener, flows_root: Path, pathspec: str, name: str
) -> None:
    """The SDK takes its own file from the current folder, whatever WANDB_DIR says."""
    sandbox = replace(online, without=("WANDB_BASE_URL",))
    _write(online.root / name, f"[default]\nbase_url = {other.url}\n")
    requested = ("sync", pathspec, "--metadata", metadata_of(flows_root), "--timeout", "1s")

    for environment in ({}, {"WANDB_DIR": str(online.root / "elsewhere")}):
        done = sandbox.mfwb(*requested, WANDB_API_KEY=_KEY, **environment)

        _assert_refused(done, 2, name, "base_url", f"mfwb config trust {name}")
    assert other.requests == []


def test_trust(
    online: Sandbox, w_and_b: WandbServer, project: str, flows_root: Path, pathspec: str
) -> None:
    """What was looked at and trusted counts, until it changes."""
    where = ("--metadata", metadata_of(flows_root), "--project", project)
    file = online.root / "mfwb.toml"
    _write(file, f"[settings]\nbase_url = '{w_and_b.base_url}'\napi_key = '{w_and_b.api_key}'\n")
    sandbox = replace(online, without=("WANDB_BASE_URL", "WANDB_API_KEY"))

    before = sandbox.mfwb("sync", pathspec, *where)
    trusted = sandbox.mfwb("config", "trust")
    synced = sandbox.mfwb("sync", pathspec, *where)
    shown = sandbox.mfwb("config")
    document = sandbox.mfwb("config", "show", "--json")
    _write(file, f"{file.read_text(encoding='utf-8')}http_proxy = 'http://127.0.0.1:9'\n")
    changed = sandbox.mfwb("sync", pathspec, *where)
    anew = sandbox.mfwb("config", "trust", "mfwb.toml")
    untrusted = sandbox.mfwb("config", "untrust")
    after = sandbox.mfwb("sync", pathspec, *where)

    _assert_refused(before, 2, "[settings] base_url and [settings] api_key count only if")
    assert trusted.code == 0
    assert f'[settings] base_url = "{w_and_b.base_url}"' in trusted.out
    assert "keys go over the network unencrypted" not in trusted.out  # it is this machine
    assert synced.code == 0, synced.err
    assert w_and_b.state.runs(f"acme/{project}")
    for reported in (trusted.out, shown.out, document.out):
        assert w_and_b.api_key not in reported
    assert f'settings.base_url = "{w_and_b.base_url}"' in shown.out
    assert [(item["counts"], item["trusted"]) for item in document.document["files"]] == [
        (True, True)
    ]
    _assert_refused(changed, 2, "http_proxy")
    assert (anew.code, untrusted.code) == (0, 0)
    assert "mfwb.toml" in untrusted.out
    _assert_refused(after, 2, "base_url")


def test_a_file_that_was_named_can_not_send_the_key_elsewhere(
    online: Sandbox, w_and_b: WandbServer, other: Listener, flows_root: Path, pathspec: str
) -> None:
    """WANDB_API_KEY is for the server that W&B's settings name; for another one there is none."""
    _write(online.root / "mfwb.toml", f"[settings]\nbase_url = '{other.url}'")
    w_and_b.clear_requests()
    requested = ("sync", pathspec, "--metadata", metadata_of(flows_root), "--config", "mfwb.toml")

    done = online.mfwb(*requested)
    _write(online.root / "home" / "netrc", f"default login user password {_KEY}\n")
    by_default = online.mfwb(*requested)

    for item in (done, by_default):
        _assert_refused(item, 4, w_and_b.base_url, other.url, "WANDB_API_KEY", "wandb login --host")
    assert other.requests == []
    assert w_and_b.requests_without_metrics == []


def test_a_plan_needs_no_key(
    online: Sandbox, other: Listener, flows_root: Path, pathspec: str
) -> None:
    """It is a plan for that server all the same."""
    _write(online.root / "mfwb.toml", f"[settings]\nbase_url = '{other.url}'")

    done = online.mfwb(
        "plan", pathspec, "--metadata", metadata_of(flows_root), "--config", "mfwb.toml"
    )

    assert done.code == 0, done.err
    assert other.requests == []


def test_the_key_of_that_server_is_used(  # noqa: PLR0913, PLR0917 - the same
    online: Sandbox,
    w_and_b: WandbServer,
    other: Listener,
    project: str,
    flows_root: Path,
    pathspec: str,
) -> None:
    """It is that of netrc, or of the same file; of the variable's key nobody hears."""
    named = f"[settings]\nbase_url = '{w_and_b.base_url}'\n"
    variables = {"WANDB_BASE_URL": other.url, "WANDB_API_KEY": _KEY}
    machine = w_and_b.base_url.removeprefix("http://")
    requested = ("sync", pathspec, "--metadata", metadata_of(flows_root), "--config", "mfwb.toml")

    _write(online.root / "mfwb.toml", f"{named}api_key = '{w_and_b.api_key}'\n")
    by_file = online.mfwb(*requested, "--project", project, **variables)
    _write(online.root / "mfwb.toml", named)
    _write(
        online.root / "home" / "netrc",
        f"machine {machine} login user password {w_and_b.api_key}\n",
    )
    by_netrc = online.mfwb(*requested, "--project", f"{project}-2", **variables)

    for item, name in ((by_file, project), (by_netrc, f"{project}-2")):
        assert item.code == 0, item.err
        assert w_and_b.state.runs(f"acme/{name}")
    assert other.requests == []


def test_push_sends_no_key_elsewhere(
    online: Sandbox, w_and_b: WandbServer, other: Listener, flows_root: Path, pathspec: str
) -> None:
    """The same holds for a bundle; by netrc it goes where the file says, `wandb sync` included."""
    to = ("--mode", "offline", "--dir", "bundle", "--entity", "acme", "--project", "keys")
    assert online.mfwb("sync", pathspec, *to, "--metadata", metadata_of(flows_root)).code == 0
    _write(online.root / "mfwb.toml", f"[settings]\nbase_url = '{other.url}'")

    result = online.mfwb("push", "bundle")
    named = online.mfwb("push", "bundle", "--config", "mfwb.toml")
    _write(online.root / "mfwb.toml", f"[settings]\nbase_url = '{w_and_b.base_url}'")
    machine = w_and_b.base_url.removeprefix("http://")
    _write(
        online.root / "home" / "netrc",
        f"machine {machine} login user password {w_and_b.api_key}\n",
    )
    variables = {"WANDB_BASE_URL": other.url, "WANDB_API_KEY": _KEY}
    by_netrc = online.mfwb("push", "bundle", "--config", "mfwb.toml", **variables)

    _assert_refused(result, 2, "base_url")
    _assert_refused(named, 4, "WANDB_API_KEY")
    assert by_netrc.code == 0, by_netrc.err
    assert w_and_b.state.runs("acme/keys")
    assert other.requests == []


def test_a_server_that_sends_one_elsewhere(
    online: Sandbox, other: Listener, flows_root: Path, pathspec: str
) -> None:
    """wandb-core (0.31.0) takes the key off itself."""
    with listening(redirect_to=other.url) as server:
        url = server.url.replace("localhost", "127.0.0.1")
        requested = ("sync", pathspec, "--metadata", metadata_of(flows_root), "--timeout", "1s")
        done = online.mfwb(*requested, WANDB_BASE_URL=url)

        assert server.values_of("authorization")
    assert done.code == 4
    assert other.requests
    assert other.values_of("authorization") == set()


# --- the key of Metaflow's service ----------------------------------------------------------


@pytest.mark.parametrize("command", [also("plan"), also("lineage"), "sync"])
def test_a_folder_can_not_name_the_service(online: Sandbox, other: Listener, command: str) -> None:
    """Neither by a file of ours nor by Metaflow's own."""
    key = {"METAFLOW_SERVICE_AUTH_KEY": _SERVICE_KEY}
    _write(online.root / "mfwb.toml", f"metadata = 'service@{other.url}'")
    ours = online.mfwb(command, "AFlow/1", **key)
    (online.root / "mfwb.toml").unlink()
    config = {"METAFLOW_SERVICE_URL": other.url, "METAFLOW_DEFAULT_METADATA": "service"}
    _write(online.root / ".metaflow" / "config.json", json.dumps(config))
    sandbox = replace(online, without=("METAFLOW_DEFAULT_METADATA",))
    theirs = sandbox.mfwb(command, "AFlow/1", **key)

    _assert_refused(ours, 2, "mfwb.toml", "metadata counts only if")
    _assert_refused(theirs, 2, ".metaflow/config.json", "METAFLOW_SERVICE_URL counts only if")
    assert other.requests == []


def test_a_service_that_is_trusted(online: Sandbox, other: Listener) -> None:
    """Then Metaflow's own file counts, as it does for Metaflow."""
    config = {"METAFLOW_SERVICE_URL": other.url, "METAFLOW_DEFAULT_METADATA": "service"}
    _write(online.root / ".metaflow" / "config.json", json.dumps(config))
    sandbox = replace(online, without=("METAFLOW_DEFAULT_METADATA",))

    assert sandbox.mfwb("config", "trust", ".metaflow/config.json").code == 0
    sandbox.mfwb("plan", "AFlow/1")
    assert "/flows/AFlow/runs/1" in other.paths


@pytest.mark.parametrize(
    ("own", "words"),
    [("http://127.0.0.1:9", "is for http://127.0.0.1:9"), ("", "is for no service")],
)
def test_a_file_that_was_named_gets_no_key_for_its_service(
    online: Sandbox, other: Listener, own: str, words: str
) -> None:
    """The key is for the service that Metaflow's settings name; a flag is the user's own word."""
    _write(online.root / "mfwb.toml", f"metadata = 'service@{other.url}'")
    variables = {"METAFLOW_SERVICE_AUTH_KEY": _SERVICE_KEY}
    if own:
        variables["METAFLOW_SERVICE_URL"] = own

    done = online.mfwb("plan", "AFlow/1", "--config", "mfwb.toml", **variables)
    requested = list(other.requests)
    (online.root / "mfwb.toml").unlink()
    online.mfwb("plan", "AFlow/1", "--metadata", f"service@{other.url}", **variables)

    _assert_refused(done, 4, words, f"--metadata service@{other.url}")
    assert requested == []
    assert other.values_of("x-api-key") == {_SERVICE_KEY}


def test_the_service_that_the_key_is_for(online: Sandbox, other: Listener) -> None:
    """Where the file names the same one, or there is no key, all is well."""
    _write(online.root / "mfwb.toml", f"metadata = 'service@{other.url}/'")
    without = online.mfwb("plan", "AFlow/1", "--config", "mfwb.toml")
    assert other.values_of("x-api-key") == set()
    variables = {"METAFLOW_SERVICE_AUTH_KEY": _SERVICE_KEY, "METAFLOW_SERVICE_URL": other.url}
    same = online.mfwb("plan", "AFlow/1", "--config", "mfwb.toml", **variables)

    assert {without.code, same.code} <= {0, 1}  # the flow run is not there
    assert other.values_of("x-api-key") == {_SERVICE_KEY}


def test_a_service_that_sends_one_elsewhere(online: Sandbox, other: Listener) -> None:
    """The key does not go along to another host."""
    with listening(redirect_to=other.url.replace("localhost", "127.0.0.1")) as service:
        variables = {
            "METAFLOW_SERVICE_AUTH_KEY": _SERVICE_KEY,
            "METAFLOW_SERVICE_HEADERS": '{"x-more": "secret"}',
        }
        online.mfwb("plan", "AFlow/1", "--metadata", f"service@{service.url}", **variables)

        assert service.values_of("x-api-key") == {_SERVICE_KEY}
    assert other.requests
    assert other.values_of("x-api-key") == set()
    assert other.values_of("x-more") == set()
