"""Rules for artifacts of a flow: metadata; if its seed is even an alias, and for one a link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.compared.metaflow_facts import FlowRunFacts
from tests.compared.settings import ALIAS, FLOW, LINKED, REGISTRY
from tests.compared.wandb_facts import Project

__all__ = ["differences_of_rules"]


def differences_of_rules(facts: FlowRunFacts, project: Project) -> Iterator[tuple[str, Any, Any]]:
    """Yield what W&B has otherwise than the rules say: the item, Metaflow's side, and W&B's."""
    flow, _, run_id = facts.pathspec.partition("/")
    if flow != FLOW:
        return
    seed = int(facts.parameters["seed"])
    for name in sorted({version.name.split(":")[0] for version in project.versions.values()}):
        final = project.with_alias(name, f"run-{run_id}")
        for version in final:
            is_own = version.metadata["metaflow"]["flow_run"] == facts.pathspec
            if is_own and version.metadata.get("seed") != seed:
                yield f"{version.path} metadata seed", seed, version.metadata.get("seed")
        links = {link.rsplit(":", 1)[0] for version in final for link in version.links}
        wanted = name == LINKED and seed % 2 == 0
        if [link.split("/", 1)[1] for link in links] != [
            f"wandb-registry-{REGISTRY}/{name}"
        ] * wanted:
            yield f"{project.path}/{name}:run-{run_id} link", wanted, sorted(links)
        if not final or seed % 2:
            continue
        holders = [
            [alias for alias in version.aliases if re.fullmatch(r"run-\d+", alias)]
            for version in project.with_alias(name, ALIAS)
        ]
        newest = max((int(alias[4:]) for aliases in holders for alias in aliases), default=0)
        if len(holders) != 1 or newest < int(run_id):
            yield f"{project.path}/{name}:{ALIAS}", f"run-{run_id} or newer", holders
