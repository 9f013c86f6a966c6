"""`mfwb ls` and `mfwb open`, of real flow runs that were synced to a W&B stand-in."""

from __future__ import annotations

import json
import os
import pty
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer
from tests.support.warm import Process

Sync = Callable[..., Finished]
FlowRuns = Callable[[str], str]


def test_where_a_flow_run_is(  # noqa: PLR0913, PLR0917 - all that it takes
    sync: Sync,
    online: Sandbox,
    project: str,
    w_and_b: WandbServer,
    flow_run: FlowRuns,
    flows_root: Path,
) -> None:
    """It is listed before and after its sync, and its page is found."""
    pathspec = flow_run("linear_flow")
    flow = pathspec.split("/")[0]
    metadata = ("--metadata", f"local@{flows_root}")
    too_early = online.mfwb("open", pathspec)
    before = online.mfwb("ls", pathspec, "--json", *metadata)
    sync(pathspec, "--log-file", "debug.log")
    log = (online.root / "debug.log").read_text()
    w_and_b.clear_requests()
    after = online.mfwb("ls", flow, "--json", *metadata)
    flows = online.mfwb("ls", *metadata)
    text = online.mfwb("ls", pathspec, *metadata)
    missing = online.mfwb("ls", "NoSuchFlow", *metadata)
    group = online.mfwb("open", pathspec)
    latest = online.mfwb("open", f"{flow}/latest", "--json", *metadata)
    step = online.mfwb("open", f"{pathspec}/start")
    typo = online.mfwb("open", f"{pathspec}/statr")
    overview = online.mfwb("open", pathspec, "--overview")
    of_a_flow = online.mfwb("open", flow, "--overview")
    elsewhere = online.mfwb("open", f"{flow}/77", "--entity", "o/p?", "--project", "x")
    other = online.mfwb("open", f"{flow}/77", "--entity", "o p", "--project", "x")

    assert too_early.code == 1
    assert too_early.err.startswith(f"mfwb: {pathspec} was not synced from here")
    assert too_early.err.count("\n") == 1
    [listed] = before.document["flow_runs"]
    assert (listed["state"], listed["syncs"]) == ("finished", [])
    assert listed["user"] == "tester"
    [listed] = [run for run in after.document["flow_runs"] if run["pathspec"] == pathspec]
    [one] = listed["syncs"]
    assert (one["standing"], one["project"], one["losses"] > 0) == ("synced", project, True)
    assert any(line.split()[0] == flow and pathspec in line for line in flows.out.splitlines())
    heading, line = text.out.splitlines()
    assert heading.split() == ["flow", "run", "state", "age", "user", "in", "W&B"]
    assert line.startswith(f"{pathspec}  finished  ")
    assert f"  acme/{project} {one['losses']} loss" in line
    assert (missing.code, missing.out) == (1, "")
    pages = f"{w_and_b.base_url}/acme/{project}"
    assert group.out == f"{pages}/groups/{pathspec.replace('/', '%2F')}/workspace\n"
    assert latest.document["url"].startswith(f"{pages}/groups/")
    run = w_and_b.state.run(step.out.removeprefix(f"{w_and_b.base_url}/").replace("/runs", "")[:-1])
    assert run.display_name == f"{pathspec}/start"
    assert (typo.code, "did you mean start?" in typo.err) == (1, True)
    assert (overview.code, "--overview" in overview.err) == (1, True)
    assert (of_a_flow.code, "give Flow/123, not" in of_a_flow.err) == (2, True)
    assert elsewhere.code == 2
    assert other.out == f"{w_and_b.base_url}/o%20p/x/groups/{flow}%2F77/workspace\n"
    assert w_and_b.count("UpsertBucket") == 0
    for part in (
        "GraphQL mutation MfwbClaimRun: done  ",
        f"make {pathspec}/",  # of which W&B run, and of how many in one request, is chance
        f"{pathspec}  plan: done",
        f"write {pathspec} as synced",
        "datastore           open ",
    ):
        assert part in log
    assert w_and_b.api_key not in log
    assert log.splitlines()[-1].endswith("  ended")


def test_the_browser_gets_the_page(
    sync: Sync, online: Sandbox, project: str, flow_run: FlowRuns, tmp_path: Path
) -> None:
    """On a terminal, $BROWSER is started with the page; --print starts none."""
    pathspec = flow_run("linear_flow")
    sync(pathspec)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/opened\n')
    browser.chmod(0o755)

    shown = on_a_terminal(online, "open", pathspec, BROWSER=str(browser))
    printed = on_a_terminal(online, "open", pathspec, "--print", BROWSER=str(browser))
    none = on_a_terminal(online, "open", pathspec, BROWSER=str(tmp_path / "nothing"))

    [opened] = (tmp_path / "opened").read_text().splitlines()
    assert opened.endswith(f"/acme/{project}/groups/{pathspec.replace('/', '%2F')}/workspace")
    assert shown.strip() == f"mfwb: opened {opened}"
    assert printed.strip() == opened
    assert none.strip() == opened


def on_a_terminal(sandbox: Sandbox, *arguments: str, **environment: str) -> str:
    """Return what mfwb shows on a terminal."""
    master, slave = pty.openpty()
    everything = {**sandbox.environment, **environment}
    process = Process(arguments, folder=sandbox.root, environment=everything, terminal=slave)
    os.close(slave)
    shown = b""
    try:
        while data := os.read(master, 10_000):
            shown += data
    except OSError:  # Linux's end of a terminal
        pass
    os.close(master)
    process.communicate(sandbox.patience)
    assert process.returncode == 0, shown
    return shown.decode()


def make_runs(root: Path, flow: str, number: int) -> None:
    """Write the metadata of runs of a flow that were abandoned long ago; every other has a tag."""
    record = {"flow_id": flow, "user_name": "ann", "tags": [], "system_tags": ["user:ann"]}
    write_record(root / ".metaflow" / flow, record)
    for count in range(number):
        run_id = 1_700_000_000_000_000 + count
        tags = [] if count % 2 else ["even"]
        run = {**record, "run_number": run_id, "ts_epoch": run_id // 1000, "tags": tags}
        write_record(root / ".metaflow" / flow / str(run_id), run)


def write_record(folder: Path, record: Mapping[str, object]) -> None:
    """Write a record as Metaflow's local provider does."""
    (folder / "_meta").mkdir(parents=True)
    (folder / "_meta" / "_self.json").write_text(json.dumps({"ts_epoch": 1, **record}))


def test_many_runs_of_a_flow(online: Sandbox) -> None:
    """Only the newest are read, the others counted, on stderr; names are whole in a pipe."""
    flow = "AFlowWithAVeryLongNameThatNoTableMayBreak"
    make_runs(online.root, flow, 45)

    first = online.mfwb("ls", flow)
    last = online.mfwb("ls", flow, "-n", "3", "--json")
    every = online.mfwb("ls", flow, "--all", "--tag", "even")
    failed = online.mfwb("ls", flow, "--no-failed")
    flows = online.mfwb("ls", "--json")
    tagged = online.mfwb("ls", "--tag", "even")
    other_tag = online.mfwb("ls", "--tag", "odd")

    lines = first.out.splitlines()
    assert len(lines) == 21
    assert first.err == "mfwb: 25 more; --last N or --all lists them\n"
    assert all(line.startswith(f"{flow}/17") for line in lines[1:])
    assert [run["tags"] for run in last.document["flow_runs"]] == [["even"], [], ["even"]]
    assert last.document["more"] == 0
    assert len(every.out.splitlines()) == 24
    assert every.err == ""
    assert failed.out == ""
    assert "no flow run" in failed.err
    [row] = flows.document["flows"]
    assert (row["flow"], row["runs"], row["synced"]) == (flow, 45, 0)
    assert tagged.out.splitlines()[1].split()[:3] == [flow, "23", "0"]
    assert (other_tag.out, "no flow run" in other_tag.err) == ("", True)
