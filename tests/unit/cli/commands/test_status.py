"""The call and the output of `mfwb status`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mfwb import api
from mfwb.cli.commands.status import status
from mfwb.cli.exit import end
from mfwb.errors import Unreachable
from mfwb.ledger import SqliteLedger
from mfwb.pipeline.rebuild import Rebuilt
from mfwb.ports import Destination, NoProgress, SyncState
from mfwb.units.moments import MOMENT_FORMAT
from tests.unit.ledger.entries import ENTRY, SERVER


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the ledger of the user, with two flow runs, one of which failed."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("MFWB_", "WANDB_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MFWB_STATE_DIR", str(tmp_path / "state"))
    path = tmp_path / "state" / "ledger.sqlite"
    with SqliteLedger.open(path) as opened:
        opened.write(ENTRY)
        opened.write(
            replace(
                ENTRY, flow_run="Flow/2", sync_state=SyncState.FAILED, reason="no", outcome=None
            )
        )
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr."""
    code = end(status, arguments)
    return code, *capsys.readouterr()


def flows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    """Return the flows of the document."""
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    result: list[dict[str, Any]] = json.loads(out)["flows"]
    return result


def test_it_only_tells(capsys: pytest.CaptureFixture[str]) -> None:
    """Flow runs that failed are told, and that is no failure of its own."""
    code, out, err = run(capsys)

    assert (code, err) == (0, "")
    assert "\nFlow  acme/wines       1       1       2  " in out
    assert "\nFlow/2  failed  " in out
    assert "\n2 losses\n" in out


def test_losses_of_past_syncs(capsys: pytest.CaptureFixture[str]) -> None:
    """Each can be listed with its flow run; under --strict they are exit code 3."""
    code, out, _ = run(capsys, "--losses", "--strict")

    assert code == 3
    assert out.startswith("Flow/1  synced  ")
    assert "  acme/wines\n  2 losses\n    y - too large\n" in out.replace("ü - gone\n    ", "")
    assert len(out.splitlines()) == 4
    assert run(capsys, "Other", "--strict")[0] == 0
    document = json.loads(run(capsys, "--json")[1])
    assert [(item["pathspec"], item["project"]) for item in document["losses"]] == [
        ("Flow/1", "wines"),
        ("Flow/1", "wines"),
    ]


def test_what_is_of_interest(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flows, entity and project narrow it down; what a file says of projects does not."""
    assert [flow["failed"] for flow in flows(capsys)] == [1]
    assert len(flows(capsys, "Flow", "--entity", "acme", "--project", "wines")) == 1
    assert flows(capsys, "Other") == []
    assert flows(capsys, "--entity", "else") == []
    assert flows(capsys, "--project", "else") == []

    Path("mfwb.toml").write_text('project = "else"\n', encoding="utf-8")
    assert len(flows(capsys)) == 1
    monkeypatch.setenv("MFWB_PROJECT", "else")
    assert flows(capsys) == []


def test_ledger_of_a_bundle(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A bundle has its own ledger."""
    bundle = tmp_path / "bundle"
    offline = Destination("offline", str(bundle), "acme", "beers")
    with SqliteLedger.open(bundle / "ledger.sqlite") as opened:
        opened.write(replace(ENTRY, destination=offline))
    [row] = flows(capsys, "--mode", "offline", "--dir", "bundle")

    assert (row["mode"], row["base"], row["project"]) == ("offline", str(bundle), "beers")


def test_nothing_is_made_where_nothing_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A bundle that is not there is not begun."""
    code, out, _ = run(capsys, "--mode", "offline", "--dir", "new")

    assert code == 0
    assert out.startswith(f"the ledger has no flow runs ({tmp_path}/new/ledger.sqlite); ")
    assert len(out.splitlines()) == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["Flow/latest"],
            "status does not ask Metaflow which flow run is the latest: give Flow or Flow/123",
        ),
        (
            ["--since", "soon"],
            f"since: {MOMENT_FORMAT}, not 'soon'",
        ),
        (
            ["Flow/7", "--rebuild"],
            "a ledger is rebuilt for whole flows: give Flow, not Flow/7",
        ),
        (["no flow"], "'no flow' is not a pathspec; give Flow/123, Flow/latest or Flow --last 5"),
        (["--rebuild"], "give --project NAME, or the flows to look for in W&B"),
        (
            ["--rebuild", "--project", "p", "--mode", "offline", "--dir", "b"],
            "the ledger of a bundle can't be rebuilt from W&B: sync into the bundle again",
        ),
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    """What is wrong is said on one line."""
    assert run(capsys, *arguments) == (2, "", f"mfwb: {said}\n")


def test_damaged_ledger(capsys: pytest.CaptureFixture[str], ledger: Path) -> None:
    """A damaged ledger is told with its cure."""
    ledger.write_bytes(b"garbage" * 100)
    code, out, err = run(capsys)

    assert (code, out) == (2, "")
    assert err == (
        f"mfwb: the ledger {ledger} is damaged: file is not a database; `mfwb status --rebuild` "
        "rebuilds it from W&B\n"
    )


def test_rebuilding(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found is told on stderr, then how things stand on stdout; chatter is kept away."""
    requested: list[Any] = []

    def rebuild(*flows: str, **said: Any) -> tuple[Rebuilt, ...]:
        print("chatter")  # noqa: T201 - that is the point
        said.pop("moved")(Path("aside"))
        assert isinstance(said.pop("progress"), NoProgress), "it is quiet"
        requested.append((flows, {name: text for name, text in said.items() if text is not None}))
        return (Rebuilt(SERVER, synced=1200, incomplete=3),)

    monkeypatch.setattr(api, "rebuild", rebuild)
    code, out, err = run(capsys, "Flow", "--rebuild", "--project", "wines", "--quiet")

    assert (code, requested) == (0, [(("Flow",), {"project": "wines"})])
    assert out.startswith("flow  project ")
    assert err.splitlines() == [
        "mfwb: the damaged ledger was renamed to aside",
        "mfwb: acme/wines has 1,200 synced and 3 incomplete flow runs",
    ]


def test_rebuilding_where_wandb_has_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ledger: Path
) -> None:
    """It says so, and does not advise what was just done."""
    ledger.unlink(missing_ok=True)
    monkeypatch.setattr(api, "rebuild", lambda *_, **__: (Rebuilt(SERVER),))

    code, out, err = run(capsys, "--rebuild", "--project", "wines")

    assert code == 0
    assert err == (
        "mfwb: acme/wines has no flow run of mfwb; if it should, give another --project or "
        "--entity\n"
    )
    assert out == (f"the ledger has no flow runs ({ledger}); start with `mfwb sync Flow/123`\n")


def test_rebuilding_that_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That a ledger was put aside is told, even if W&B can't be asked then."""

    def rebuild(*_: str, **said: Any) -> tuple[Rebuilt, ...]:
        said["moved"](Path("aside"))
        raise Unreachable("W&B is not there")

    monkeypatch.setattr(api, "rebuild", rebuild)

    assert run(capsys, "--rebuild", "--project", "wines") == (
        4,
        "",
        "mfwb: the damaged ledger was renamed to aside\nmfwb: W&B is not there\n",
    )


def test_it_imports_neither_sdk() -> None:
    """It is quick, since it needs neither SDK, nor what reads tables."""
    script = """
import sys
from mfwb.cli.exit import end
from mfwb.cli.commands.status import status
end(status, [])
print("imported:", *sorted({"wandb", "metaflow", "pandas", "pyarrow", "numpy"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("flow  project ")
    assert done.stdout.endswith("\nimported:\n")
