"""What the workflows and the hooks run are verbs of the Makefile, and what they use is pinned."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.pyproject import read_toml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
VERBS = set(
    re.findall(r"^([a-z][a-z-]*):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
)
_RIGHTS_TO_PUBLISH = {
    "pages": {"pages": "write", "id-token": "write"},
    "release": {"id-token": "write"},
}
_PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
_OF_MATRIX = re.compile(r"\$\{\{ matrix\.(\w+) \}\}")


def jobs(workflow: Path) -> dict[str, Any]:
    """Return the jobs of a workflow."""
    result: dict[str, Any] = yaml.safe_load(workflow.read_text("utf-8"))["jobs"]
    return result


def lines_run(workflow: Path) -> Iterator[str]:
    """Yield each line that a workflow runs, once for each of its matrix."""
    for job in jobs(workflow).values():
        matrix = job.get("strategy", {}).get("matrix", {})
        for step in job["steps"]:
            if "run" in step:
                yield from filled_in(step["run"], matrix)


def filled_in(line: str, matrix: dict[str, list[str]]) -> Iterator[str]:
    """Yield a line with each value that a matrix has for what it names."""
    names = _OF_MATRIX.findall(line)
    for chosen in product(*(matrix[name] for name in names)):
        values = iter(chosen)
        yield _OF_MATRIX.sub(_next_of(values), line)


def _next_of(values: Iterator[str]) -> Callable[[re.Match[str]], str]:
    return lambda _: next(values)


def assert_verbs(line: str) -> None:
    """Assert that a line is `make`, with verbs that there are, and variables for them."""
    program, *texts = shlex.split(line)
    verbs = [word for word in texts if not re.fullmatch(r"[A-Z]+=[\w.]+", word)]

    assert program == "make", line
    assert verbs, line
    assert set(verbs) <= VERBS, line


def test_there_are_some() -> None:
    """The other tests look at something."""
    assert [path.stem for path in WORKFLOWS] == ["ci", "nightly", "pages", "release"]
    assert {"setup", "lint", "types", "layers", "test", "test-wheel"} <= VERBS


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_only_verbs_are_run(workflow: Path) -> None:
    """Who has the Makefile can run all that a workflow runs."""
    lines = list(lines_run(workflow))

    assert lines
    for line in lines:
        assert_verbs(line)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned(workflow: Path) -> None:
    """A tag can be moved to other code, a commit can not."""
    lines = [line.strip(" -") for line in workflow.read_text("utf-8").splitlines()]
    uses = [line for line in lines if line.startswith("uses:")]

    assert uses
    assert [line for line in uses if not _PINNED.fullmatch(line)] == []


def test_each_action_has_one_version() -> None:
    """All workflows use the same version of an action."""
    text = "\n".join(path.read_text("utf-8") for path in WORKFLOWS)
    versions = set(re.findall(r"uses: (\S+@\S+ # \S+)", text))

    assert len(versions) == len({version.partition("@")[0] for version in versions})


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_rights(workflow: Path) -> None:
    """A workflow may read; the job that publishes may say who it is, and has no line of ours."""
    rights = yaml.safe_load(workflow.read_text("utf-8"))["permissions"]
    more = {name: job for name, job in jobs(workflow).items() if "permissions" in job}

    assert rights == {"contents": "read"}
    assert {name: job["permissions"] for name, job in more.items()} == (
        {"publish": _RIGHTS_TO_PUBLISH[workflow.stem]}
        if workflow.stem in _RIGHTS_TO_PUBLISH
        else {}
    )
    assert not [step for job in more.values() for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_each_job_ends(workflow: Path) -> None:
    """A job that hangs is stopped, and no checkout leaves a key behind."""
    for job in jobs(workflow).values():
        assert 0 < job["timeout-minutes"] < 360
        for step in job["steps"]:
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


def test_each_python() -> None:
    """The tests run with each Python that pyproject.toml names, on each system."""
    about = read_toml(ROOT / "pyproject.toml")["project"]["classifiers"]
    pythons = [line.rpartition(" ")[2] for line in about if re.search(r":: 3\.\d+$", line)]
    matrix = jobs(WORKFLOWS[0])["test"]["strategy"]["matrix"]

    assert matrix == {"python": pythons, "system": ["ubuntu-latest", "macos-latest"]}


def test_ci_runs_the_same() -> None:
    """`.ci/run` says the same verbs, and the workflow leaves none of them out."""
    lines = re.findall(r"^make .*$", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE)
    verbs = {word for line in lines for word in line.split()[1:] if word in VERBS}

    assert {"lint", "types", "layers", "test", "test-torch"} <= verbs
    assert verbs <= {word for line in lines_run(WORKFLOWS[0]) for word in line.split()}


def test_hooks_run_verbs() -> None:
    """The hooks that run before a commit are verbs, too, or pinned."""
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    local = [item for item in repositories if item["repo"] == "local"]

    assert local
    for hook in local[0]["hooks"]:
        assert_verbs(hook["entry"])
    for repository in repositories:
        if repository["repo"] != "local":
            assert re.fullmatch(r"[0-9a-f]{40}", repository["rev"])
