"""`mfwb explain` on real flow runs: it says what a sync does, and leaves everything alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfwb.safe_text import fit_encoding
from tests.integration.results import Synced, metadata_of
from tests.support.sandbox import Finished, Sandbox

FlowRuns = Callable[[str], str]
Explain = Callable[..., Finished]


@pytest.fixture
def explain(sandbox: Sandbox, flows_root: Path) -> Explain:
    """Return `mfwb explain` of shared flow runs."""

    def explain(*arguments: str) -> Finished:
        return sandbox.mfwb("explain", *arguments, "--metadata", metadata_of(flows_root))

    return explain


def _folded(done: Finished) -> str:
    """Return what was printed, in ASCII and on one line."""
    assert done.code == 0, done.err
    return " ".join(fit_encoding(done.out).split())


# --- what it prints -------------------------------------------------------------------------


def test_a_table(explain: Explain, flow_run: FlowRuns) -> None:
    """A DataFrame of a foreach: a parquet file per task, and the first one's rows."""
    pathspec = flow_run("fan_flow")
    text = _folded(explain("FanFlow/latest/each/part"))

    assert text.startswith(
        f"{pathspec}/each/part written by each x 3 tasks, all different what pandas."
    )
    assert "kind dataset: mfwb knows pandas." in text
    assert "artifact part, type dataset, alias run-" in text
    assert f"run-{pathspec.split('/')[1]}-candidates-each" in text
    assert "files 0/part.parquet" in text
    assert 'shown summary["part"]: 4 rows of 2 columns' in text
    assert f"by W&B run {pathspec}/each in project FanFlow of your default entity" in text
    assert "lost nothing" in text
    assert "part = pandas.read_parquet(path)" in text


def test_values_and_what_is_handed_on(explain: Explain, flow_run: FlowRuns) -> None:
    """A number per task becomes a chart and a column; a join has what it chose by itself."""
    pathspec = flow_run("fan_flow")
    score = _folded(explain(f"{pathspec}/each/score"))
    chosen = _folded(explain(f"{pathspec}/meet/part"))

    assert 'summary["score"] = {"min": 10, "max": 30, "mean": 20.0}' in score
    assert "chart tasks/score table tasks, column score" in score
    assert "; written by each/" in chosen
    assert "file part.parquet" in chosen


def test_parameters_and_classes_of_the_flows_own(explain: Explain, flow_run: FlowRuns) -> None:
    """An included file is in config and logged by the first step; an own class is a pickle."""
    pathspec = flow_run("stored_flow")
    texts = _folded(explain(f"{pathspec}/_parameters/words"))
    thing = _folded(explain(f"{pathspec}/start/thing"))

    assert 'written config["words"] = {"name": "words", "size": 10, "sha1": ' in texts
    assert "file words 10 B the included file" in texts
    assert f"by W&B run {pathspec}/start in" in texts
    assert "mfwb does not know __main__.Thing, and no table or model is seen in it" in thing
    assert "file thing.pkl 3.0 MB Metaflow's own pickle needs __main__" in thing


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--unpickle", "never"), "not loaded: --unpickle never"),
        (("--no-datasets",), "no artifact: switched off by --no-datasets or MFWB_DATASETS"),
    ],
)
def test_settings(
    explain: Explain, flow_run: FlowRuns, arguments: tuple[str, ...], says: str
) -> None:
    """What the settings change is told, as a sync with them would do it."""
    assert says in _folded(explain(f"{flow_run('stored_flow')}/start/frame", *arguments))


# --- it is what a sync does -----------------------------------------------------------------


@pytest.mark.exhaustive
def test_it_says_what_a_sync_writes(explain: Explain, synced: Callable[..., Synced]) -> None:
    """Names, files, sizes and summary are those of the W&B run that a sync made."""
    done = synced("fan_flow")
    [run] = [
        item
        for item in done.finished.document["flow_runs"][0]["wandb_runs"]
        if item["job_type"] == "each"
    ]
    [part] = [item for item in run["outputs"] if item["name"] == "part"]

    document = explain(f"{done.pathspec}/each/part", "--json").document
    [shown] = document["wandb_runs"]
    [artifact] = shown["artifacts"]

    assert (shown["id"], shown["name"]) == (run["id"], run["name"])
    assert (artifact["name"], artifact["type"]) == (part["name"], part["type"])
    assert [file["path"] for file in artifact["files"]] == part["files"]
    assert sum(file["size"] for file in artifact["files"]) == part["size"]
    assert {item["key"] for item in shown["previews"]} == {"part"}
    assert document["losses"] == run["losses"] == []


# --- how it ends ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pathspec", "code", "words"),
    [
        ("LinearFlow", 2, "'LinearFlow' does not name an artifact; give Flow/123/train/model"),
        ("LinearFlow/latest/strat/x", 1, "has no step 'strat'; did you mean start?"),
        ("LinearFlow/latest/start/zzzz", 1, "has no artifact 'zzzz'; it has "),
        ("NoSuchFlow/latest/start/x", 1, "there is no NoSuchFlow"),
    ],
)
def test_bad_input(
    explain: Explain, flow_run: FlowRuns, pathspec: str, code: int, words: str
) -> None:
    """What can't be explained is one line that says so, and nothing on stdout."""
    flow_run("linear_flow")
    done = explain(pathspec)

    assert (done.code, done.out) == (code, ""), done.err
    assert len(done.err.splitlines()) == 1, done.err
    assert words in done.err


# --- what it leaves alone -------------------------------------------------------------------

_WITHOUT_WANDB = """
import sys
sys.modules["wandb"] = None  # importing it fails
from mfwb.cli import main
main(sys.argv[1:])
"""

_PROGRAM = """
import json
import sys
import mfwb

found = mfwb.explain(sys.argv[1], metadata=sys.argv[2], unpickle="never")
print(json.dumps({
    "pathspec": found.pathspec,
    "project": found.project,
    "paths": [file.path for one in found.replayed for made in one.ready.artifacts
              for file in made.files],
    "wandb": "wandb" in sys.modules,
}))
"""


def test_w_and_b_has_no_part_in_it(sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path) -> None:
    """The command works where there is no wandb, and leaves no file behind."""
    temporary = sandbox.root / "tmp"
    temporary.mkdir()
    pathspec = f"{flow_run('stored_flow')}/start/frame"
    command = ("explain", pathspec, "--metadata", metadata_of(flows_root))
    sandbox.run(sys.executable, "-c", "")  # makes the home, which is to stay as it is
    before = set(sandbox.root.rglob("*"))

    done = sandbox.run(sys.executable, "-c", _WITHOUT_WANDB, *command, TMPDIR=str(temporary))

    assert done.code == 0, done.err
    assert done.out.startswith(pathspec)
    assert done.err == ""
    assert set(sandbox.root.rglob("*")) == before


@pytest.mark.exhaustive
def test_from_python(sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path) -> None:
    """`mfwb.explain` returns the same as values; the project is W&B's own by its convention."""
    pathspec = f"{flow_run('stored_flow')}/start/frame"

    done = sandbox.run(
        *(sys.executable, "-c", _PROGRAM, pathspec, metadata_of(flows_root)), WANDB_PROJECT="ours"
    )

    reported: dict[str, Any] = json.loads(done.out) if done.code == 0 else {}
    assert reported == {
        "pathspec": pathspec,
        "project": "ours",
        "paths": ["frame.pkl"],
        "wandb": False,
    }, done.err


def test_where_w_and_b_says_that_it_goes(
    sandbox: Sandbox, flow_run: FlowRuns, flows_root: Path
) -> None:
    """W&B's settings file counts as it does for a sync: `explain` and `plan` say the same."""
    pathspec = flow_run("stored_flow")
    folder = sandbox.root / "wandb"
    folder.mkdir()
    settings = "[default]\nentity = acme\nproject = wines\n"
    (folder / "settings").write_text(settings, encoding="utf-8")
    whence = ("--json", "--metadata", metadata_of(flows_root))

    explained = sandbox.mfwb("explain", f"{pathspec}/start/frame", *whence)
    planned = sandbox.mfwb("plan", pathspec, *whence)

    [flow_run_planned] = planned.document["flow_runs"]
    where = flow_run_planned["entity"], flow_run_planned["project"]
    assert where == ("acme", "wines")
    assert (explained.document["entity"], explained.document["project"]) == where
