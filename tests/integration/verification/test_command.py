"""`mfwb verify`: what it finds, how it ends, and what it repairs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.results import Synced, metadata_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_damage import Damage
from tests.support.wandb_server import WandbServer
from tests.unit.report.junit_schema import parse

Verify = Callable[..., Finished]
ITEMS_PER_REQUEST = 20
_LOG_IN = {"Viewer", "GetDefaultEntity"}


@dataclass(frozen=True)
class Verified:
    """A flow run that was synced, and how to verify it."""

    synced: Synced
    verify: Verify
    damage: Damage


@pytest.fixture
def fan(
    synced: Callable[..., Synced], online: Sandbox, w_and_b: WandbServer, flows_root: Path
) -> Verified:
    """Return a synced flow run, and `mfwb verify --json` of it."""
    done = synced("fan_flow")

    def verify(*arguments: str, **environment: str) -> Finished:
        fixed = ("--project", done.project, "--metadata", metadata_of(flows_root))
        return online.mfwb("verify", done.pathspec, *fixed, *arguments, **environment)

    return Verified(done, verify, Damage(w_and_b, f"acme/{done.project}"))


def differences_in(finished: Finished) -> list[dict[str, Any]]:
    """Return the differences of the only flow run of a document."""
    [flow_run] = json.loads(finished.out)["flow_runs"]
    return list(flow_run["differences"])


def test_a_correct_project_is_the_same(fan: Verified, w_and_b: WandbServer) -> None:
    """No difference, nothing written, and few requests for what is compared."""
    before = w_and_b.state.snapshot()
    w_and_b.clear_requests()

    done = fan.verify("--json")

    document = json.loads(done.out)
    [flow_run] = document["flow_runs"]
    assert done.code == 0, done.out
    assert flow_run["verdict"] == "same"
    assert flow_run["compared"]["run"] == 7
    assert document["totals"]["compared"] >= ITEMS_PER_REQUEST * flow_run["requests"]
    sent = [
        (request.operation, request.path)
        for request in w_and_b.requests_without_metrics
        if request.operation not in _LOG_IN
    ]
    assert flow_run["requests"] == len(sent), sent
    assert w_and_b.state.snapshot() == before
    assert re.fullmatch(rf"mfwb: {flow_run['pathspec']} same: [\d,]+ items, .*\n", done.err)


def _rename(damage: Damage) -> None:
    damage.run("once").display_name += "x"


def _regroup(damage: Damage) -> None:
    damage.run("once").group = "another"


def _fail(damage: Damage) -> None:
    damage.run("once").state = "failed"


def _swap(damage: Damage) -> None:
    damage.run("gather").summary["scores"] = [1, 2, 4]


def _cut_log(damage: Damage) -> None:
    damage.run("each").console.popitem()


def _row(damage: Damage) -> None:
    damage.run("each").history.pop()


def _strange(damage: Damage) -> None:
    damage.copy_run("once", "stray", display_name="a stray one")


DAMAGES: dict[str, tuple[Callable[[Damage], None], str]] = {
    "a W&B run is missing": (lambda item: item.remove_run("once"), "once"),
    "a strange W&B run": (_strange, "stray"),
    "another name": (_rename, "once"),
    "another group": (_regroup, "once"),
    "another state": (_fail, "once"),
    "a value of the config": (lambda item: item.set_config("each", "factor", 11), "factor"),
    "a value of the summary": (_swap, "scores"),
    "a line of the log": (_cut_log, "each"),
    "a row of the history": (_row, "each"),
    "an edge is gone": (lambda item: item.drop_use("end", "side"), "side"),
    "an output is gone": (lambda item: item.drop_output("end", "total"), "total"),
    "an alias is gone": (lambda item: item.move_alias("total", "latest", None), "total"),
    "another checksum": (
        lambda item: item.set_entry("side", "side.parquet", digest="1B2M2Y8AsgTpgAmY7PhCfg=="),
        "side",
    ),
}


_SAMPLE = {"a W&B run is missing", "a value of the summary", "an edge is gone", "another checksum"}


@pytest.mark.parametrize(
    "name",
    [
        name if name in _SAMPLE else pytest.param(name, marks=pytest.mark.exhaustive)
        for name in DAMAGES
    ],
)
def test_damage_is_found_and_named(fan: Verified, name: str) -> None:
    """Exit code 6, and a difference that names the item."""
    damage, item = DAMAGES[name]
    with fan.damage.undone():
        damage(fan.damage)
        done = fan.verify("--json")

    result = differences_in(done)
    assert done.code == 6, done.err
    assert any(item in f"{entry['item']} {entry['wandb_run']}" for entry in result), result
    assert all(entry["cause"] for entry in result)


@pytest.mark.exhaustive
def test_flipped_bytes_are_found_if_data_is_read(fan: Verified) -> None:
    """Without `--read-data` the bytes are not read, and all else is the same."""
    with fan.damage.undone():
        kept = fan.damage.version("side").files["side.parquet"].read()
        fan.damage.replace_bytes("side", "side.parquet", kept[:-1] + b"!")
        without, with_data = fan.verify("--json"), fan.verify("--json", "--read-data")

    assert without.code == 0, without.out
    assert with_data.code == 6, with_data.out
    assert json.loads(with_data.out)["totals"]["bytes_read"] > 0
    assert any("side" in item["item"] for item in differences_in(with_data))


def test_repair(fan: Verified, w_and_b: WandbServer) -> None:
    """What a sync can write is written again, and nothing else; the second look proves it."""
    with fan.damage.undone():
        fan.damage.drop_use("end", "side")
        fan.damage.drop_output("end", "total")
        fan.damage.run("gather").summary.pop("scores")
        w_and_b.clear_requests()
        repaired = fan.verify("--repair", "--json")
        written = {item.variables.get("name") for item in w_and_b.requests_of("UpsertBucket")} - {
            None
        }
        after = fan.verify("--json")
        expected = {fan.damage.run(step).name for step in ("end", "gather")}

    assert repaired.code == 0, repaired.out
    assert written == expected
    assert json.loads(repaired.out)["totals"]["repaired"] >= 3
    assert after.code == 0, after.out


@pytest.mark.exhaustive
def test_repair_of_an_alias(fan: Verified) -> None:
    """It is a difference of the flow run as a whole, which is written again."""
    with fan.damage.undone():
        fan.damage.move_alias("total", "latest", None)
        fan.damage.move_alias("side", f"run-{fan.synced.pathspec.split('/')[1]}", None)
        done = fan.verify("--repair", "--json")

    assert done.code == 0, done.out
    assert json.loads(done.out)["totals"]["repaired"] == 2


def test_repair_deletes_nothing(fan: Verified) -> None:
    """A strange W&B run stays, and is still a difference."""
    with fan.damage.undone():
        _strange(fan.damage)
        done = fan.verify("--repair", "--json")
        is_there = "stray" in fan.damage.project.runs

    assert done.code == 6
    assert is_there
    assert [item["repairable"] for item in differences_in(done)] == [False]


@pytest.mark.parametrize("what", ["MfwbVerifyRuns", "MfwbVerifyAliases", "download"])
def test_an_outage_is_no_difference(fan: Verified, w_and_b: WandbServer, what: str) -> None:
    """Then nothing is known of the flow run: exit code 1, and no "missing"."""
    w_and_b.fail(what, 400, times=None)

    done = fan.verify("--json", "--timeout", "1s")

    w_and_b.clear_faults()
    [flow_run] = json.loads(done.out)["flow_runs"]
    assert done.code == 1
    assert flow_run["verdict"] == "failed"
    assert flow_run["differences"] == []
    assert flow_run["reason"].startswith("can't ")


def test_a_key_that_does_not_hold(fan: Verified) -> None:
    """It ends the call with exit code 4."""
    done = fan.verify(WANDB_API_KEY="0" * 40)

    assert done.code == 4, done.out
    assert done.out == ""


def test_a_flow_run_that_was_never_synced(fan: Verified) -> None:
    """Its W&B runs are missing; the project need not even exist."""
    done = fan.verify("--json", "--project", "nobody-synced-this")

    assert done.code == 6
    assert {item["kind"] for item in differences_in(done)} == {"run"}
    assert len(differences_in(done)) == 7
    assert {item["cause"] for item in differences_in(done)} == {
        "W&B has no such project, or does not show it with this key"
    }


def test_a_bundle_before_its_push(
    fan: Verified, online: Sandbox, flows_root: Path, w_and_b: WandbServer
) -> None:
    """All flow runs of a bundle, without a request; damage to its files is found."""
    where = ("--mode", "offline", "--dir", "bundle", "--project", "wines")
    metadata = ("--metadata", metadata_of(flows_root))
    written = online.mfwb("sync", fan.synced.pathspec, *where, *metadata, "--entity", "acme")
    assert written.code == 0, written.err
    w_and_b.clear_requests()

    same = online.mfwb("verify", *where, *metadata, "--json", WANDB_API_KEY="")
    payload = next(
        path for path in (online.root / "bundle" / "payloads").rglob("*") if path.is_file()
    )
    payload.chmod(0o600)
    payload.write_bytes(payload.read_bytes()[:-1])
    damaged = online.mfwb("verify", *where, *metadata, "--json")

    assert same.code == 0, same.out + same.err
    assert json.loads(same.out)["flow_runs"][0]["pathspec"] == fan.synced.pathspec
    assert w_and_b.requests_without_metrics == []
    assert damaged.code == 6, damaged.out


def test_one_failure_ends_no_other(fan: Verified, online: Sandbox) -> None:
    """A flow run that is not there is in the result and the reports, beside the one that is."""
    reports = ("--report", "junit.xml", "--summary", "summary.md")
    done = fan.verify("FanFlow/1", "--json", *reports)

    verdicts = [load["verdict"] for load in json.loads(done.out)["flow_runs"]]
    assert verdicts == ["same", "failed"]
    assert done.code == 1
    same, failed = parse((online.root / "junit.xml").read_text("utf-8"))
    assert (same.get("tests"), same.get("failures"), same.get("errors")) == ("8", "0", "0")
    assert (failed.get("tests"), failed.get("errors")) == ("1", "1")
    assert "### mfwb verify" in (online.root / "summary.md").read_text("utf-8")


@pytest.mark.parametrize(
    "arguments", [("--read-data-subset", "5"), ("--dir", "missing"), ("--last", "0")]
)
def test_wrong_usage(fan: Verified, arguments: tuple[str, ...]) -> None:
    """One line, and exit code 2."""
    done = fan.verify(*arguments)

    assert done.code == 2, done.out
    assert len(done.err.splitlines()) == 1
