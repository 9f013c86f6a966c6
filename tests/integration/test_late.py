"""A sync that finds nothing new does without wandb, and yet knows what W&B's settings say."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from tests.integration.results import metadata_of
from tests.support.sandbox import Finished, Sandbox

_WATCHED = """
import sys
from mfwb.cli import main

try:
    main(sys.argv[1:])
finally:
    print("imported:", "wandb" in sys.modules, file=sys.stderr)
"""


def test_settings_are_remembered_and_no_longer_than_they_hold(
    online: Sandbox, flow_run: Callable[[str], str], flows_root: Path
) -> None:
    """The project comes from W&B's file; when somebody edits that, the next sync goes there."""
    flow = flow_run("two_flow").partition("/")[0]
    settings = online.root / "home" / "wandb-config" / "settings"

    which = ("sync", flow, "--last", "1", "--metadata", metadata_of(flows_root))
    requested = (*which, "--entity", "acme", "--json")

    def watched_sync() -> Finished:
        return online.run(sys.executable, "-c", _WATCHED, *requested)

    _say_project(settings, "first")
    reported = [*(online.mfwb(*requested) for _ in range(2)), watched_sync()]
    _say_project(settings, "second")
    other = watched_sync()

    assert [_status(item) for item in (*reported, other)] == [
        ("first", "synced"),
        ("first", "unchanged"),
        ("first", "unchanged"),
        ("second", "synced"),
    ]
    assert "imported: False" in reported[-1].err
    assert "imported: True" in other.err


def test_what_is_remembered_wrongly_is_found_out_once(
    online: Sandbox, flow_run: Callable[[str], str], flows_root: Path
) -> None:
    """Nothing is written where it does not belong, and the call after goes on."""
    flow = flow_run("two_flow").partition("/")[0]
    memory = online.root / "state" / "wandb-defaults.json"

    def sync(*asked: str) -> Finished:
        where = ("--metadata", metadata_of(flows_root), "--entity", "acme", "--json")
        return online.mfwb("sync", flow, *asked, *where)

    assert [sync("--last", "1").code for _ in range(2)] == [0, 0]  # the first has no folder yet
    reported = json.loads(memory.read_text(encoding="utf-8"))
    reported["defaults"]["project"] = "somebody-elses"
    memory.write_text(json.dumps(reported), encoding="utf-8")
    found_out = sync("--last", "1")
    after = sync("--last", "1")

    assert found_out.code == 2
    assert "W&B's settings changed meanwhile; run it again" in found_out.err
    assert _status(after) == ("TwoFlow", "unchanged")


def _say_project(settings: Path, name: str) -> None:
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f"[default]\nproject = {name}-late\n", encoding="utf-8")


def _status(done: Finished) -> tuple[str, str]:
    assert done.code == 0, done.err
    [flow_run] = done.document["flow_runs"]
    return flow_run["project"].removesuffix("-late"), flow_run["status"]
