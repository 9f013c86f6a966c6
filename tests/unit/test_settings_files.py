"""Files that decide: which of them may, and what they may say without being named or trusted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mfwb.config import Settings, _FlowTable, _InputSettings, load_settings
from mfwb.errors import UsageError
from mfwb.settings_files import Trust, find_metaflow_file, find_wandb_file, load_trust
from mfwb.settings_files.metaflow_config import sensitive_in_metaflow_file
from mfwb.settings_files.sensitivity import HARMLESS, SENSITIVE
from mfwb.settings_files.wandb_settings import sensitive_in_wandb_file, servers_of_key
from mfwb.settings_inventory import list_files_to_trust, list_folder_files, list_paths_to_untrust

STRANGER = 12_345  # a user id that is neither root's nor ours

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with the user's own folders elsewhere."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MFWB_STATE_DIR", str(tmp_path / "state"))
    for name in ("WANDB_BASE_URL", "WANDB_CONFIG_DIR", "MFWB_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return here


def write(path: Path, text: str) -> Path:
    """Write a file, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path) -> str:
    """Return why the settings of the current folder are refused."""
    with pytest.raises(UsageError) as caught:
        load_settings({})
    return str(caught.value).replace(f"{folder}/", "")


def trust_all() -> None:
    """Do what `mfwb config trust` does."""
    for item in list_files_to_trust(None):
        load_trust().add(item.file)


# --- what is sensitive ----------------------------------------------------------------------


def test_every_setting_is_in_one_list() -> None:
    """A new setting is sensitive until somebody puts it into the list of harmless ones."""
    tables = {"flow", "wandb"}  # what is in them is looked at one by one

    fields = {*_InputSettings.model_fields, *_FlowTable.model_fields} - {"step"}
    assert fields == HARMLESS.keys() | SENSITIVE | tables
    assert not HARMLESS.keys() & SENSITIVE


SENSITIVE_LINES = {
    "metadata = 'service@https://other.example'": "metadata",
    "metadata = 'local@/home'": "metadata",
    "unpickle = 'trusted'": "unpickle",
    "dir = '/etc'": "dir",
    "dir = '../else'": "dir",
    "dir = '~/else'": "dir",
    "dir = 'link'": "dir",
    "file_references = true": "file_references",
    "max_memory = '64GB'": "max_memory",
    "on_deleted = 'recreate'": "on_deleted",
    "force = true": "force",
    "overwrite_edits = true": "overwrite_edits",
    "mode = 'online'": "mode",
    "[settings]\nbase_url = 'https://other.example'": "[settings] base_url",
    "[settings]\napi_key = 'x'": "[settings] api_key",
    "[settings]\nhttp_proxy = 'http://other.example'": "[settings] http_proxy",
    "[settings]\nhttps_proxy = 'http://other.example'": "[settings] https_proxy",
    "[settings.x_proxies]\nhttp = 'http://other.example'": "[settings] x_proxies",
    "[settings]\nidentity_token_file = '/x'": "[settings] identity_token_file",
    "[settings]\ncredentials_file = '/x'": "[settings] credentials_file",
    "[settings]\ninsecure_disable_ssl = true": "[settings] insecure_disable_ssl",
    "[settings.x_extra_http_headers]\na = 'b'": "[settings] x_extra_http_headers",
    "[settings]\nroot_dir = '/x'": "[settings] root_dir",
    "[settings]\nsave_code = true": "[settings] save_code",
    "[settings]\nmode = 'online'": "[settings] mode",
    "[settings]\nof_a_later_wandb = 1": "[settings] of_a_later_wandb",
    "[flow.F.settings]\nhttp_proxy = 'x'": "[flow.F.settings] http_proxy",
    "[flow.F.step.end.settings]\nx_proxies = {}": "[flow.F.step.end.settings] x_proxies",
    '[flow."F\\u001b[2J".settings]\nx_proxies = {}': "[flow.F\\x1b[2J.settings] x_proxies",
}


@pytest.mark.parametrize("text", SENSITIVE_LINES)
def test_what_is_sensitive_does_not_count(folder: Path, text: str) -> None:
    """It is named, with what to do about it; so it is in pyproject.toml."""
    (folder / "link").symlink_to(folder.parent)
    write(folder / "mfwb.toml", text)
    whole = refused(folder)
    (folder / "mfwb.toml").unlink()
    tables = "\n".join(
        line.replace("[", "[tool.mfwb.", 1) if line.startswith("[") else line
        for line in text.splitlines()
    )
    write(folder / "pyproject.toml", f"[tool.mfwb]\n{tables}")

    assert whole == (
        f"mfwb.toml: {SENSITIVE_LINES[text]} counts only if you trust this file; look at it, then "
        "run `mfwb config trust mfwb.toml`, or give --config mfwb.toml"
    )
    assert refused(folder).startswith(f"pyproject.toml: {SENSITIVE_LINES[text]} counts only if")


HARMLESS_TEXT = """
entity = "acme"
project = "wines"
mode = "offline"
dir = "bundle/of/today"
granularity = "task"
datasets = false
models = false
others = false
max_artifact_size = "1GB"
namespace = "user:somebody"
references = true
file_references = false
unpickle = "never"
max_memory = "1GB"
workers = 64
timeout = "1h"
wait = "1h"
abandoned_after = "1h"
on_deleted = "fail"
force = false
overwrite_edits = false
strict = true

[kinds]
"mylib.*" = "model"

[settings]
entity = "acme"
project = "wines"
mode = "offline"
run_group = "g"
run_job_type = "t"
run_name = "n"
run_notes = "words"
run_tags = ["a"]

[flow.F]
entity = "acme"
project = "training"
granularity = "step"

[flow.F.kinds]
"mylib.*" = "other"

[flow.F.settings]
run_tags = ["b"]

[flow.F.step.end]
datasets = true
max_artifact_size = "1KB"
"""


def test_what_is_harmless_counts(folder: Path) -> None:
    """A repository says where its flows belong and how they look, without being asked."""
    write(folder / "mfwb.toml", HARMLESS_TEXT)
    result = load_settings({})

    assert result.project_of("F") == "training"
    assert result.dir == Path("bundle/of/today")
    assert result.for_step("F", "end").datasets


@pytest.mark.parametrize("name", ["payloads", "level-00", "level-00/wandb", "level-00/wandb/x"])
def test_a_bundle_that_came_along(folder: Path, name: str) -> None:
    """It can't lead what is written there out of the folder by a link."""
    write(folder / "mfwb.toml", "dir = 'bundle'")
    link = folder / "bundle" / name
    link.parent.mkdir(parents=True)
    assert load_settings({}).dir == Path("bundle")
    link.symlink_to(folder.parent)

    assert refused(folder).startswith("mfwb.toml: dir counts only if you trust")


def test_many_names_are_counted(folder: Path) -> None:
    """A line names some, and says how many more there are."""
    lines = "".join(f"x_{number} = 1\n" for number in range(9))
    write(folder / "mfwb.toml", f"[settings]\n{lines}")

    assert "[settings] x_4 and 4 more count only if" in refused(folder)


def test_one_server_for_all_flows(folder: Path) -> None:
    """A flow can't have a server or a key of its own, whoever says so."""
    for name in ("base_url", "api_key"):
        for table in ("flow.F.settings", "flow.F.step.end.settings"):
            file = write(folder / "named.toml", f"[{table}]\n{name} = 'x'")
            with pytest.raises(UsageError, match=f"{name} applies to all flows"):
                load_settings({}, file=file)


def test_waiting_has_an_end(folder: Path) -> None:
    """A file can't make a call wait for years."""
    for name in ("timeout", "wait"):
        write(folder / "mfwb.toml", f"{name} = '5000w'")

        assert f"{name}: Input should be less than" in refused(folder)


# --- who may say it -------------------------------------------------------------------------

HOSTILE = "unpickle = 'trusted'\n"


def test_a_file_that_was_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an argument or by MFWB_CONFIG: then all of it counts."""
    file = write(folder / "mfwb.toml", HOSTILE)

    assert load_settings({}, file=file).unpickle == "trusted"
    monkeypatch.setenv("MFWB_CONFIG", "mfwb.toml")
    assert load_settings({}).unpickle == "trusted"


def test_variables_and_arguments(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the user's own."""
    assert load_settings({"unpickle": "trusted", "dir": folder}).unpickle == "trusted"
    monkeypatch.setenv("MFWB_UNPICKLE", "trusted")
    assert load_settings({}).unpickle == "trusted"


def test_the_users_own_file(folder: Path) -> None:
    """All of it counts, below the folder's file; tables of both add up."""
    text = f"{HOSTILE}project = 'mine'\n[settings]\nbase_url = 'https://own.example'\n"
    write(folder.parent / "config" / "mfwb" / "mfwb.toml", text)
    write(folder / "mfwb.toml", "project = 'theirs'\n[settings]\nrun_tags = ['a']\n")
    result = load_settings({})

    assert (result.unpickle, result.project) == ("trusted", "theirs")
    assert result.wandb == {"base_url": "https://own.example", "run_tags": ["a"]}


def test_a_users_folder_that_lies_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no home, the configuration folder is none of the current folder's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "config")
    write(folder / "config" / "mfwb" / "mfwb.toml", HOSTILE)

    assert load_settings({}).unpickle == "safe"


def test_a_file_that_is_trusted(folder: Path) -> None:
    """It counts until it says something else; comments say nothing."""
    file = write(folder / "mfwb.toml", HOSTILE)
    trust_all()

    assert load_settings({}).unpickle == "trusted"
    write(file, f"# a comment\n{HOSTILE}")
    assert load_settings({}).unpickle == "trusted"
    write(file, f"{HOSTILE}metadata = 'local@/'\n")
    assert "metadata" in refused(folder)
    write(file, HOSTILE)
    assert load_settings({}).unpickle == "trusted"
    assert load_trust().remove(list_paths_to_untrust(None)[0])
    assert "unpickle" in refused(folder)


def test_pyproject_that_is_trusted(folder: Path) -> None:
    """What others say in it may change."""
    file = write(folder / "pyproject.toml", f"[tool.mfwb]\n{HOSTILE}")
    trust_all()
    write(file, f"[project]\nversion = '2'\n[tool.mfwb]\n{HOSTILE}")

    assert load_settings({}).unpickle == "trusted"


def test_trust_is_for_one_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of a trusted file, and a link to it, are not trusted elsewhere."""
    file = write(folder / "mfwb.toml", HOSTILE)
    trust_all()
    for number, location in enumerate((folder.parent / "copy", folder.parent / "link")):
        location.mkdir()
        monkeypatch.chdir(location)
        if number:
            (location / "mfwb.toml").symlink_to(file)
        else:
            write(location / "mfwb.toml", HOSTILE)

        assert "unpickle" in refused(location)


def test_a_folder_that_is_reached_by_a_link(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same folder."""
    write(folder / "mfwb.toml", HOSTILE)
    trust_all()
    (folder.parent / "way").symlink_to(folder)
    monkeypatch.chdir(folder.parent / "way")

    assert load_settings({}, folder=folder.parent / "way").unpickle == "trusted"


def _by_anybody(file: Path) -> None:
    file.chmod(0o666)


def _of_another(file: Path) -> None:
    os.chown(file, STRANGER, STRANGER)


@pytest.mark.parametrize("give_away", [_by_anybody, pytest.param(_of_another, marks=only_root)])
def test_a_file_of_strangers(folder: Path, give_away: Callable[[Path], None]) -> None:
    """Not even what is harmless counts, unless it is named or trusted."""
    file = write(folder / "mfwb.toml", "project = 'theirs'")
    give_away(file)

    assert refused(folder).startswith("mfwb.toml: another user owns it or may write to it")
    assert load_settings({}, file=file).project == "theirs"
    trust_all()
    assert load_settings({}).project == "theirs"


def test_an_empty_file_of_strangers(folder: Path) -> None:
    """Who says nothing is not refused."""
    write(folder / "mfwb.toml", "").chmod(0o666)

    assert load_settings({}).project is None


def _looser(file: Path) -> None:
    file.chmod(0o644)


def _damaged(file: Path) -> None:
    file.write_text('{"files": [', encoding="utf-8")


def _of_other_types(file: Path) -> None:
    file.write_text('{"files": {"a": 1}}', encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [_looser, _damaged, _of_other_types, pytest.param(_of_another, marks=only_root)],
)
def test_a_list_that_others_may_have_written(folder: Path, change: Callable[[Path], None]) -> None:
    """Nothing in it is trusted."""
    write(folder / "mfwb.toml", HOSTILE)
    trust_all()
    change(load_trust().file)

    assert "unpickle" in refused(folder)


def test_the_list_is_private(folder: Path) -> None:
    """Nobody else reads it, and it is not looked for in the current folder."""
    write(folder / "mfwb.toml", HOSTILE)
    trust_all()
    file = load_trust().file

    assert file.stat().st_mode & 0o777 == 0o600
    assert load_trust({"MFWB_STATE_DIR": "state"}).file.is_absolute()
    assert not load_trust({"MFWB_STATE_DIR": "state"}).file.is_relative_to(folder)


def test_nothing_to_trust(folder: Path) -> None:
    """That is said, rather than that all is well."""
    write(folder / "mfwb.toml", "project = 'x'")

    with pytest.raises(UsageError, match="there is nothing to trust here"):
        list_files_to_trust(None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 100_000, "mfwb.toml: "),
        ("#" * 5_000_000, "mfwb.toml: it has more than"),
    ],
)
def test_a_file_that_is_made_to_break(folder: Path, text: str, words: str) -> None:
    """One that is nested too deeply, or too large, is told on a line."""
    write(folder / "mfwb.toml", text)

    assert words in refused(folder)
    assert len(refused(folder)) < 200


# --- files of the SDKs ----------------------------------------------------------------------


@pytest.fixture
def users_wandb(folder: Path) -> Callable[[str], object]:
    """Return what writes the user's own settings file of W&B."""
    return lambda text: write(
        folder.parent / "home" / ".config" / "wandb" / "settings", f"[default]\n{text}\n"
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("project = p\nentity = e\nmode = offline", []),
        ("base_url = https://api.wandb.ai", []),  # what `wandb init` writes
        ("base_url = https://api.wandb.ai/", []),
        ("base_url = https://other.example", ["base_url"]),
        ("base_url = http://api.wandb.ai", ["base_url"]),
        ("api_key = x\nhttps_proxy = y\nproject = p", ["api_key", "https_proxy"]),
        ("identity_token_file = /x\nmode = shared", ["identity_token_file", "mode"]),
        ("BASE_URL = https://other.example", ["base_url"]),
        ("a = b\n[DEFAULT]\nbase_url = https://other.example", ["base_url", "a"]),
    ],
)
def test_wandbs_file(folder: Path, text: str, names: list[str]) -> None:
    """Names of entity and project, and the server that W&B would use anyway, are harmless."""
    write(folder / "wandb" / "settings", f"[default]\n{text}\n")
    file = find_wandb_file(folder)

    assert file is not None
    assert sensitive_in_wandb_file(file.values) == names


def test_wandbs_own_server(users_wandb: Callable[[str], object]) -> None:
    """It is the one that W&B's variable or its file of the user names."""
    users_wandb("base_url = https://own.example/")
    values = {"base_url": "https://own.example"}

    assert sensitive_in_wandb_file(values) == []
    assert sensitive_in_wandb_file({"base_url": "https://api.wandb.ai"}) == ["base_url"]
    assert sensitive_in_wandb_file(values, {"WANDB_BASE_URL": "https://beats.example"}) == []


def test_the_servers_of_the_key(folder: Path, users_wandb: Callable[[str], object]) -> None:
    """WANDB_API_KEY is for the server that W&B's own settings name."""
    assert "https://api.wandb.ai" in servers_of_key(folder)
    users_wandb("base_url = https://own.example")
    assert servers_of_key(folder) == {"https://own.example"}
    write(folder / "wandb" / "settings", "[default]\nbase_url = https://here.example/")
    assert servers_of_key(folder) == {"https://here.example"}
    variable = {"WANDB_BASE_URL": "https://said.example"}
    assert servers_of_key(folder, variable) == {"https://said.example"}


def test_wandbs_other_folder(folder: Path) -> None:
    """`.wandb` goes before `wandb`; what W&B can't read says nothing, what breaks it is told."""
    write(folder / "wandb" / "settings", "[default]\nproject = p")
    (folder / ".wandb").mkdir()
    assert find_wandb_file(folder) is None
    file = write(folder / ".wandb" / "settings", "no section")
    result = find_wandb_file(folder)
    assert result is not None
    assert result.values == {}
    write(file, "[default]\nproject = %(x)s")
    with pytest.raises(UsageError, match="not settings of W&B"):
        find_wandb_file(folder)


def test_metaflows_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is that of the first `.metaflow` here or above, and a variable beats it."""
    text = """{"METAFLOW_SERVICE_URL": "https://other.example", "METAFLOW_OTEL_ENDPOINT": "x",
        "METAFLOW_DEFAULT_METADATA": "service", "METAFLOW_KUBERNETES_NAMESPACE": "n", "note": 1}"""
    write(folder / ".metaflow" / "config.json", text)
    (folder / "a" / "b").mkdir(parents=True)
    file = find_metaflow_file(folder / "a" / "b")
    assert file is not None
    result = sensitive_in_metaflow_file(file.values)
    (folder / "a" / ".metaflow").mkdir()

    assert result == ["METAFLOW_SERVICE_URL", "METAFLOW_OTEL_ENDPOINT"]
    assert sensitive_in_metaflow_file(file.values, {"METAFLOW_SERVICE_URL": "x"}) == [
        "METAFLOW_OTEL_ENDPOINT"
    ]
    assert find_metaflow_file(folder / "a" / "b") is None
    monkeypatch.setenv("METAFLOW_OTEL_ENDPOINT", "mine")
    assert sensitive_in_metaflow_file(file.values) == ["METAFLOW_SERVICE_URL"]


def test_addresses_of_links_are_sensitive() -> None:
    """A stranger's folder can't put links into the user's W&B."""
    addresses = ["METAFLOW_UI_URL", "METAFLOW_ARGO_WORKFLOWS_UI_URL"]
    values = {**dict.fromkeys(addresses, "https://evil.example"), "METAFLOW_ARGO_EVENTS_EVENT": "x"}

    assert sensitive_in_metaflow_file(values, {}) == addresses
    assert sensitive_in_metaflow_file(values, dict.fromkeys(addresses, "https://mine")) == []


@pytest.mark.parametrize("text", ["[]", "{", "[" * 100_000, "\udcff"])
def test_metaflows_file_of_another_shape(folder: Path, text: str) -> None:
    """It is told on a line."""
    path = folder / ".metaflow" / "config.json"
    path.parent.mkdir()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(UsageError, match=r"config\.json: "):
        find_metaflow_file(folder)


def test_all_files_of_a_folder(folder: Path) -> None:
    """They are trusted together, each for itself."""
    write(folder / "mfwb.toml", HOSTILE)
    write(folder / "wandb" / "settings", "[default]\nbase_url = https://other.example")
    write(folder / ".metaflow" / "config.json", '{"METAFLOW_SERVICE_URL": "https://other.example"}')
    trusted: Trust = load_trust()
    trust_all()

    assert [file.refusal_reason(trusted) for file in list_folder_files(folder)] == [
        None,
        None,
        None,
    ]
    for name in ("wandb/settings", ".metaflow/config.json"):
        [location] = list_paths_to_untrust(folder / name)
        assert trusted.remove(location)
        [item] = list_files_to_trust(folder / name)
        assert item.file.values
    assert isinstance(load_settings({}), Settings)


def test_a_folder_that_is_gone(folder: Path) -> None:
    """That is said, rather than that mfwb has a bug."""
    folder.rmdir()

    with pytest.raises(UsageError, match="the current folder does not exist any more"):
        load_settings({})
