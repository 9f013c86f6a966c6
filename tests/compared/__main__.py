"""Make flow runs, sync them in four ways, and print what differs, a line each."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.compared import corpus
from tests.compared.settings import REGISTRY
from tests.compared.syncing import ENTITIES, WAYS, Way, sync, verify
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer

if TYPE_CHECKING:
    from tests.compared.metaflow_facts import FlowRunFacts


_PATIENCE = 3600  # seconds, for a sync of all flow runs
_WAYS_OF_A_SAMPLE = ("online-step", "offline-task")


def main() -> None:
    """Exit with 1 if anything differs, or if mfwb did not say that all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.compared", description=__doc__)
    parser.add_argument("folder", type=Path, help="where flow runs are made; those there are taken")
    parser.add_argument("--sample", action="store_true", help="a few flow runs in two ways")
    parser.add_argument("--only", default="", help="a pattern: flow runs whose pathspec begins so")
    names = [way.entity for way in WAYS]
    parser.add_argument("--way", action="append", choices=names, help="one of these; default: all")
    options = parser.parse_args()
    root = options.folder.resolve()
    requested = options.way or (_WAYS_OF_A_SAMPLE if options.sample else names)
    ways = [way for way in WAYS if way.entity in requested]
    made = corpus.make(root, sample=options.sample)
    pathspecs = [pathspec for pathspec in made if re.match(options.only, pathspec)]
    with WandbServer(entities=ENTITIES) as server:
        server.make_registry(REGISTRY)
        os.environ.update(server.env(root / "reader"))
        differences = _compare(root, server, pathspecs, ways)
    sys.stdout.write("".join(f"{line}\n" for line in differences))
    sys.exit(1 if differences else 0)


def _compare(
    root: Path, server: WandbServer, pathspecs: Sequence[str], ways: Sequence[Way]
) -> list[str]:
    reported = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
    sandbox = Sandbox(root, reported, patience=_PATIENCE)
    os.environ.update({k: v for k, v in sandbox.environment.items() if k.startswith("METAFLOW")})
    os.environ["MFWB_STATE_DIR"] = str(root / f"state-{os.getpid()}")
    facts = _facts(root, pathspecs)
    result: list[str] = []
    for way in ways:
        for done in sync(sandbox, way, pathspecs):
            totals = done.document.get("totals") if done.out else done.err
            sys.stderr.write(f"{way.entity}: exit code {done.code}, {totals}\n{done.err[-2000:]}")
            if done.code:
                result.append(f"{way.entity}: exit code {done.code}")
            if done.out:
                result += _differences_of_accounts(facts, way, done.document)
        result += _verified(way, verify(sandbox, way, pathspecs))
    for way in ways:
        result += _differences(server, facts, way.entity, way.granularity)
    count = Counter(line.split(" ", 1)[0] for line in result)
    sys.stderr.write(f"{len(pathspecs)} flow runs, {dict(count)} differences\n")
    return result


def _verified(way: Way, done: Finished) -> list[str]:
    """Return what `mfwb verify` takes for a difference: one of the two is wrong."""
    sys.stderr.write(f"{way.entity}: verify, exit code {done.code}\n{done.err[-2000:]}")
    if not done.out:
        return [f"{way.entity}: verify, exit code {done.code}"]
    flow_runs = done.document["flow_runs"]
    lines = [
        f"{way.entity} verify {entry['item']}: Metaflow {entry['metaflow']}, W&B {entry['wandb']}"
        for flow_run in flow_runs
        for entry in flow_run["differences"]
    ]
    failed = [run for run in flow_runs if run["verdict"] not in {"same", "different"}]
    lines += [f"{way.entity} verify {entry['pathspec']}: {entry['reason']}" for entry in failed]
    unknown = [item for flow_run in flow_runs for item in flow_run["unknown"]]
    sys.stderr.write("".join(f"{way.entity}: not known: {item}\n" for item in unknown))
    return lines


def _facts(root: Path, pathspecs: Sequence[str]) -> list[FlowRunFacts]:
    from tests.compared.metaflow_facts import read_flow_run  # noqa: PLC0415 - variables first

    return [read_flow_run(pathspec, root / corpus.RECORDS) for pathspec in pathspecs]


def _differences_of_accounts(
    flow_runs: list[FlowRunFacts], way: Way, document: dict[str, Any]
) -> list[str]:
    """Return what of the accounts in mfwb's document is not what Metaflow's client counts."""
    from tests.compared.account import (  # noqa: PLC0415 - variables first
        differences_of_account,
        differences_of_totals,
    )

    facts = {run.pathspec: run for run in flow_runs}
    differences = list(differences_of_totals(document))
    for outcome in document["flow_runs"]:
        if outcome["pathspec"] not in facts:
            continue  # the bundle has it from an earlier call
        differences += differences_of_account(facts[outcome["pathspec"]], outcome)
    return [f"{way.entity} {document['command']} {difference}" for difference in differences]


def _differences(
    server: WandbServer, flow_runs: list[FlowRunFacts], entity: str, granularity: str
) -> list[str]:
    from tests.compared.comparison import differences_of  # noqa: PLC0415 - variables first
    from tests.compared.wandb_facts import Project  # noqa: PLC0415

    projects: dict[str, Project] = {}
    lines = []
    for facts in flow_runs:
        flow = facts.pathspec.split("/")[0]
        if flow not in projects:
            projects[flow] = Project(server, f"{entity}/{flow}")
        result = differences_of(facts, projects[flow], granularity)
        lines += [f"{entity} {difference}" for difference in result]
    return lines


if __name__ == "__main__":
    main()
