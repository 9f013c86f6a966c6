"""An error of mfwb's own, wherever it occurs: exit 70, and a log that is ready for an issue."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mfwb import __version__
from tests.integration.results import metadata_of
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import API_KEY, WandbServer

Ends = dict[str, tuple[int, str, list[str]]]

_PROGRAM = Path(__file__).with_name("planted_bugs.py")
_SECRETS = {
    "MY_TOKEN": "token-of-a-variable",
    "SERVICE_SECRET": 'it\'s a "secret" with blanks',
    "METAFLOW_SERVICE_HEADERS": json.dumps({"x-api-key": "key-in-a-json-object"}),
    "ALL_PROXY": "http://somebody:password-of-a-proxy@127.0.0.1:9",
}
_IN_FILES = ("password-of-netrc", API_KEY, "key-of-metaflows-config")
"""Of netrc, of mfwb's own settings file, and of Metaflow's."""
_BY_FORM = (
    "https://ann:a-pass-word@host.example/x",
    "https://host.example/blob?sig=signed-with-this&se=1",
    "Authorization: Basic YXBpOjAxMjM0NTY3ODlhYmNkZWY=",
    "api_key='never-seen-before'",
)
_NEVER = (
    *("token-of-a-variable", 'a "secret" with', 'a \\"secret\\" with', "key-in-a-json-object"),
    *("password-of-a-proxy", *_IN_FILES),
    *("a-pass-word", "signed-with-this", "YXBpOjAxMjM0NTY3", "never-seen-before"),
)
_SECTIONS = (
    "How to report it",
    "Settings that are not the default",
    "Last operations, of which at most 200 are kept",
    "Traceback",
)
_OPERATIONS = {
    "source": "read",
    "lineage": "rebuild its lineage: begins",
    "planning": "plan: ",
    "payload": "prepare: begins",
    "sink": "write: begins",
    "ledger": "open ",
    "report": "text: ended by Planted",
}
"""The operation that shows in which stage it was."""


@pytest.fixture(scope="module")
def place(
    w_and_b: WandbServer,
    flow_run: Callable[[str], str],
    flows_root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Sandbox, Ends]:
    """Return a sandbox in which each stage had a bug, and how mfwb ended each time."""
    root = tmp_path_factory.mktemp("bugs")
    known = {"WANDB_BASE_URL": w_and_b.base_url, "MFWB_TIMEOUT": "20s"}
    sandbox = Sandbox(root, {**known, **_SECRETS})
    home = root / "home"
    (home / "metaflowconfig").mkdir(parents=True)
    (home / "netrc").write_text(f"machine h.example\nlogin u\npassword {_IN_FILES[0]}\n")
    (home / "metaflowconfig" / "config.json").write_text(
        json.dumps({"METAFLOW_SERVICE_AUTH_KEY": _IN_FILES[2]})
    )
    config = root / "own.toml"
    config.write_text(
        f"workers = 2\n[flow.Other.settings]\nrun_notes = 'n'\n[settings]\nrun_tags = ['a']\n"
        f"api_key = '{w_and_b.api_key}'\n"
    )
    secrets = " ".join([*_SECRETS.values(), *_IN_FILES, *_BY_FORM])
    pathspec = flow_run("two_flow")
    arguments = ("sync", pathspec, "--metadata", metadata_of(flows_root), "--config", str(config))
    done = sandbox.run(sys.executable, str(_PROGRAM), secrets, *arguments)
    assert done.code == 0, done.err
    return sandbox, done.document


@pytest.mark.parametrize("stage", _OPERATIONS)
def test_a_bug_in_each_stage(place: tuple[Sandbox, Ends], stage: str) -> None:
    """The log has versions, settings, operations and the traceback, and no secret."""
    sandbox, ends = place
    code, printed, paths = ends[stage]

    assert (code, bool(paths)) == (70, True), printed
    assert "this is a bug in mfwb (Planted: " in printed
    assert Path(paths[-1]).name in "".join(printed.split())
    log = Path(paths[-1]).read_text(encoding="utf-8")
    lines = log.splitlines()
    assert lines[0] == f"mfwb {__version__}"
    assert [line for line in lines if line in _SECTIONS] == [*_SECTIONS]
    for package in ("metaflow", "wandb", "pandas", "pyarrow", "pydantic", "rich", "requests"):
        assert re.search(rf"^{package} \d", log, re.MULTILINE), package
    settings, _, rest = log.partition(_SECTIONS[1])[2].partition(_SECTIONS[2])
    assert f"workers = 2  ({sandbox.root / 'own.toml'})" in settings
    assert "settings.api_key = '***'" in settings
    operations, _, traceback = rest.partition("\nTraceback\n")
    assert _OPERATIONS[stage] in operations
    assert f"Planted: planted into {stage}: " in traceback
    assert 'File "' in traceback
    assert [secret for secret in _NEVER if secret in log] == []
    assert [secret for secret in _NEVER if secret in printed] == []
    assert Path(paths[-1]).stat().st_mode & 0o077 == 0
