"""Every command over a real flow run all of whose names were given by a stranger."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.results import metadata_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.strangers import assert_inert
from tests.support.wandb_server import WandbServer

TEXTS = {
    "escapes": "\x1b[2J\x1b]0;t\x07\x1b]8;;http://evil.example\x1b\\x\x9b31m\r\b\x7f\nnew\ttab",
    "letters": "\u202egnp\u2066 zero\u200b lone \ud800\udcff nul \x00 \u2028",
    "markup": '[link=http://evil.example]"]; click A "javascript:x" %%{init:{}}%% <b> `[x](y)',
    "paths": "../../../../x\\..\\y/",
}
_CHANGED = ("user", "git-info", "script-name", "runtime", "python_version", "origin-run-id")
_MADE_BY_RICH = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def fan_flow(flow_run: Callable[[str], str]) -> str:
    """Return a flow run with a foreach, a card and joins."""
    return flow_run("fan_flow")


@pytest.fixture(
    params=[
        "escapes",
        pytest.param("letters", marks=pytest.mark.exhaustive),
        pytest.param("markup", marks=pytest.mark.exhaustive),
        pytest.param("paths", marks=pytest.mark.exhaustive),
    ]
)
def strange(
    request: pytest.FixtureRequest, tmp_path: Path, fan_flow: str, flows_root: Path
) -> tuple[str, Path]:
    """Return a flow run whose names all hold a text, and where it is."""
    root = tmp_path / "strange"
    flow, run = fan_flow.split("/")
    for part in (flow, f"mf.cards/{flow}"):
        if (flows_root / ".metaflow" / part).exists():
            shutil.copytree(flows_root / ".metaflow" / part, root / ".metaflow" / part)
    _give_names(root, root / ".metaflow" / flow / run, TEXTS[request.param])
    return fan_flow, root


def _give_names(root: Path, folder: Path, text: str) -> None:
    for path in folder.rglob("*.data.json"):
        _change(path, lambda document: _with_strange_artifacts(document, text))
    for path in folder.rglob("_meta/*.json"):
        _change(path, lambda document: _with_strange_facts(document, text, root))
    for path in folder.rglob("*.runtime_stdout.log"):
        with path.open("ab") as log:
            log.write(text.encode(errors="replace") + b"\n")


def _change(path: Path, how: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(how(json.loads(path.read_text(encoding="utf-8")))), "utf-8")


def _with_strange_artifacts(document: Any, text: str) -> Any:
    for part in ("objects", "info"):
        document[part] = {
            name if name[0] == "_" or name == "name" else name + text: value
            for name, value in document[part].items()
        }
    for name, facts in document["info"].items():
        if name[0] != "_" and "DataFrame" not in facts["type"]:
            facts["type"] += text
    return document


def _with_strange_facts(document: Any, text: str, root: Path) -> Any:
    if document.get("field_name") in _CHANGED:
        document["value"] = f"{document['value']}{text}"
    if document.get("field_name") == "ds-root":
        document["value"] = str(root / ".metaflow")
    if document.get("type") == "metaflow.artifact" and document["name"][0] != "_":
        document["name"] += text
    document["tags"] = [*document.get("tags", ()), text, ""]
    return document


def _check(done: Finished) -> Finished:
    assert done.code in (0, 1), done.err
    assert "a bug in mfwb" not in done.err + done.out
    assert_inert(done.out)
    assert_inert(_MADE_BY_RICH.sub("", done.err))
    return done


def test_without_wandb(strange: tuple[str, Path], sandbox: Sandbox) -> None:
    """What is told of it is plain text, and documents can be read."""
    pathspec, root = strange
    where = ("--metadata", metadata_of(root))
    for command in (
        ("plan", pathspec, "--verbose"),
        ("lineage", pathspec, "--explain"),
        ("lineage", pathspec, "--format", "mermaid"),
        ("report", pathspec, "-o", "-"),
    ):
        _check(sandbox.mfwb(*command, *where))
    for command in (("plan", pathspec, "--json"), ("lineage", pathspec, "--format", "json")):
        assert _check(sandbox.mfwb(*command, *where)).document
    odd = sandbox.mfwb("plan", "F/\x1b]0;x\x07", *where)
    assert_inert(odd.err)
    assert odd.code == 2


def test_with_wandb(
    strange: tuple[str, Path], online: Sandbox, project: str, w_and_b: WandbServer
) -> None:
    """It is synced, offline and online, and pushed; nothing lands beside the bundle."""
    pathspec, root = strange
    to = ("--metadata", metadata_of(root), "--entity", "acme")
    before = {path for path in root.parent.rglob("*") if root in path.parents}

    offline = (
        "--mode",
        "offline",
        "--dir",
        str(online.root / "bundle"),
        "--project",
        f"{project}o",
    )
    synced = _check(online.mfwb("sync", pathspec, *to, *offline, "--verbose"))
    pushed = _check(online.mfwb("push", str(online.root / "bundle"), "--json"))
    done = _check(online.mfwb("sync", pathspec, *to, "--project", project, "--json"))
    _check(online.mfwb("status"))

    assert "synced" in synced.out
    assert [item["status"] for item in done.document["flow_runs"]] == ["synced"]
    assert [item["status"] for item in pushed.document["flow_runs"]] == ["synced"]
    assert {path for path in root.parent.rglob("*") if root in path.parents} == before
    for location in (f"acme/{project}", f"acme/{project}o"):
        runs = w_and_b.state.runs(location).values()
        assert runs
        for run in runs:
            for text in (run.display_name, run.group, run.job_type, *run.tags):
                assert_inert(str(text))
