"""What mypy says of programs that call mfwb: it refuses what a call would refuse."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

RIGHT = """
from datetime import datetime, timezone
from pathlib import Path

import mfwb
import mfwb.lineage


class Run:
    pathspec = "F/1"


class Watcher:
    def flow_run(self, pathspec: str, position: int, total: int) -> None: ...
    def wandb_runs(self, total: int) -> None: ...
    def advance(self) -> None: ...


mfwb.plan("F/1", Run(), ["F/2", Run()], granularity="step", project=None, progress=True)
mfwb.sync("F", since=datetime.now(timezone.utc), dir="bundle", mode="offline", timeout="5m")
mfwb.sync("F", last=5, dir=Path("bundle"), workers=3, max_memory=2_000, progress=Watcher())
mfwb.sync("F", every=True, config="mfwb.toml", max_artifact_size={"model": "2GB"}, timeout=3)
mfwb.sync(every=True, flow={"F": {"kinds": {"a.*": "model"}, "step": {"end": {"models": False}}}})
mfwb.sync("F/1", path_roots=["a", Path("b")], datastore_roots="a,b", settings={"run_tags": ["a"]})
done: mfwb.Result = mfwb.push("bundle", config=Path("mfwb.toml")).raise_for_failures()
mfwb.push(Path("bundle"), on_deleted="recreate")
mfwb.lineage(Run(), metadata="local@data").lineage.edges
mfwb.explain(Run(), "model", unpickle="never")
mfwb.status("F", Run(), entity="acme").to_dict()
mfwb.rebuild(["F"], project="wines")
try:
    mfwb.sync("F/1").raise_for_failures()
except mfwb.errors.FlowRunsFailed as failed:
    print(failed.reasons["F/1"].upper(), failed.exit_code + failed.total)
"""

WRONG = {
    'mfwb.sync("F/1", granularity="steps")': "typeddict-item|arg-type",
    'mfwb.plan("F/1", granularty="step")': "call-arg",
    'mfwb.sync("F/1", workers="many")': "arg-type",
    'mfwb.sync("F/1", flow={"F": {"projects": "p"}})': "typeddict-unknown-key",
    'mfwb.sync("F/1", max_artifact_size={"models": 1})': "typeddict-unknown-key|arg-type",
    "mfwb.sync(1)": "arg-type",
    'mfwb.push("bundle", mode="of")': "arg-type",
    "mfwb.push(1)": "arg-type",
    "mfwb.lineage()": "call-arg",
    'mfwb.lineage("F/1", "model")': "call-arg|misc",
    'mfwb.explain("F/1", unpickle=True)': "arg-type",
    'mfwb.status("F", progress=True)': "call-arg",
    'mfwb.rebuild("F", workers=[])': "arg-type",
    'mfwb.sync("F/1", progress="yes")': "arg-type",
    "mfwb.replay": "attr-defined",
}


def snippets() -> list[str]:
    """Return the Python that users read in the documentation."""
    pages = (REPOSITORY / "docs" / "python.md", REPOSITORY / "README.md")
    texts = [page.read_text(encoding="utf-8") for page in pages]
    return [code for text in texts for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, str]]:
    """Return the line and the code of each complaint about the wrong calls, then the right ones."""
    folder = tmp_path_factory.mktemp("typed")
    program = folder / "program.py"
    program.write_text("\n".join(["import mfwb", *WRONG, RIGHT]), encoding="utf-8")
    for number, snippet in enumerate(snippets()):
        (folder / f"snippet{number}.py").write_text(snippet, encoding="utf-8")
    files = sorted(map(str, folder.glob("*.py")))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--show-error-codes", *files],
        cwd=REPOSITORY,  # its settings for mypy, and what `make types` has kept of mfwb
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(files) > 5
    result = re.findall(r"^\S*program\.py:(\d+): error: .*\[(\S+)\]$", done.stdout, re.MULTILINE)
    assert len(result) == done.stdout.count("error: "), done.stdout
    return [(int(line), code) for line, code in result]


def test_right_calls_pass(complaints: list[tuple[int, str]]) -> None:
    """Values of all types that are documented, and objects that only have a pathspec."""
    assert [complaint for complaint in complaints if complaint[0] > 1 + len(WRONG)] == []


@pytest.mark.parametrize("call", WRONG)
def test_wrong_calls_are_refused(call: str, complaints: list[tuple[int, str]]) -> None:
    """A value that no setting has, a keyword that is none, and what is no pathspec."""
    line = 2 + [*WRONG].index(call)
    [code] = [code for number, code in complaints if number == line]

    assert re.fullmatch(WRONG[call], code)
