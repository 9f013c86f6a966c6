"""Output and exit code of a command."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from mfwb.cli import options
from mfwb.cli.exit import end
from mfwb.cli.help import Command
from mfwb.cli.run import run_with_selection
from mfwb.config import Settings
from mfwb.errors import Unreachable
from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.pipeline.selection import Selection
from mfwb.ports import Progress
from mfwb.snapshot.pathspec import Pathspec
from mfwb.units.moments import parse_moment
from tests.unit.report.junit_schema import parse
from tests.unit.report.samples import BIG, RUNS, SYNCED, flow_run

CLEAN = Result("sync", (flow_run(RUNS[0]),))
FAILED = Result("sync", (*SYNCED.flow_runs, FlowRunOutcome("F/2", Status.FAILED, reason="gone")))


BUGGY = Result(
    "sync", (*FAILED.flow_runs, FlowRunOutcome("F/3", Status.FAILED, reason="a bug", bug=True))
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, so that no settings file is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MFWB_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


class Call:
    """Stands for `api.sync_selection`: notes what it is asked, chatters, and returns a result."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.asked: list[tuple[Selection, Settings]] = []

    def __call__(self, selection: Selection, settings: Settings, _: Progress) -> Result:
        """Do all that."""
        self.asked.append((selection, settings))
        print("chatter on stdout")  # noqa: T201 - that is the point
        print("chatter on stderr", file=sys.stderr)  # noqa: T201 - the same
        return self.result


def run(call: Call, *arguments: str) -> int:
    """Return the exit code of a command that makes a call."""

    @click.command(cls=Command)
    @options.flow_run_selection
    @options.destination
    @options.artifact_handling
    @options.sync_behavior
    @options.result_output
    def command(**said: Any) -> int:
        return run_with_selection(call, **said)

    return end(command, arguments)


@pytest.mark.parametrize(
    ("result", "arguments", "code"),
    [
        (CLEAN, [], 0),
        (CLEAN, ["--strict"], 0),
        (SYNCED, [], 0),
        (SYNCED, ["--strict"], 3),
        (FAILED, [], 1),
        (FAILED, ["--strict"], 1),
        (BUGGY, [], 70),
        (BUGGY, ["--strict"], 70),
    ],
)
def test_exit_codes(result: Result, arguments: list[str], code: int) -> None:
    """A bug is 70, else failures are 1, else losses under --strict are 3, else all is well."""
    assert run(Call(result), "F/1", *arguments) == code


def test_files_for_ci(folder: Path) -> None:
    """The report is replaced by each call, and the summary is appended."""
    files = ["--report", "junit.xml", "--summary", "summary.md"]
    (folder / "junit.xml").write_text("of an earlier call")

    assert run(Call(SYNCED), "F/1", *files, "--strict") == 3
    assert run(Call(CLEAN), "F/1", *files) == 0

    root = parse((folder / "junit.xml").read_text())
    assert (root.get("name"), root.get("failures")) == ("mfwb sync", "0")
    assert (folder / "summary.md").read_text().count("### mfwb sync") == 2
    assert sorted(path.name for path in folder.iterdir()) == ["junit.xml", "summary.md"]


def test_losses_are_failures_if_the_exit_code_says_so(folder: Path) -> None:
    """A report does not contradict the exit code."""
    for arguments, failures in ((["--strict"], "1"), ([], "0")):
        run(Call(SYNCED), "F/1", "--report", "junit.xml", *arguments)
        root = parse((folder / "junit.xml").read_text())
        assert root.get("failures") == failures


@pytest.mark.parametrize("option", ["--report", "--summary"])
def test_file_without_a_folder(
    option: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """This is found before anything is done."""
    call = Call(CLEAN)

    assert run(call, "F/1", option, "no/such/file") == 2
    assert run(call, "F/1", option, str(folder)) == 2
    assert call.asked == []
    assert f"{option}: no/such/file is no file" in capsys.readouterr().err
    assert run(call, "F/1", option, "") == 0  # as of a variable that is not set


def test_error_that_leaves_no_result(folder: Path) -> None:
    """A report of an earlier call would look as if all was well."""

    def call(*_: Any) -> Result:
        raise Unreachable("W&B can't be reached: ]]> <no>")

    (folder / "junit.xml").write_text("of an earlier call")
    code = run(call, "F/1", "--report", "junit.xml", "--summary", "summary.md")  # type: ignore[arg-type]
    [error] = parse((folder / "junit.xml").read_text()).iter("error")

    assert code == 4
    assert error.attrib == {"message": "W&B can't be reached: ]]> <no>", "type": "Unreachable"}
    assert "can&#39;t be reached" in (folder / "summary.md").read_text()


def test_file_that_cannot_be_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The result is printed, and the call has failed."""
    (folder / "summary.md").symlink_to("/dev/full")

    assert run(Call(CLEAN), "F/1", "--summary", "summary.md") == 1
    captured = capsys.readouterr()
    assert "WineFlow/7  synced" in captured.out
    assert "a report can't be written: " in captured.err


def test_strict_may_come_from_a_file(folder: Path) -> None:
    """Strictness counts wherever it was said."""
    (folder / "mfwb.toml").write_text("strict = true\n")
    (folder / "other.toml").write_text("strict = false\n")

    assert run(Call(SYNCED), "F/1") == 3
    assert run(Call(SYNCED), "F/1", "--config", "other.toml") == 0


def test_what_was_not_said_is_none() -> None:
    """Without flags every setting is left to files and variables."""
    call = Call(CLEAN)
    run(call, "F/1", "G/latest")
    [(selection, settings)] = call.asked

    assert selection == Selection((Pathspec("F", "1"), Pathspec("G", "latest")), since_is_ago=False)
    assert settings == Settings.model_validate({})
    assert settings.model_fields_set <= {"explicit", "origins"}
    assert settings.origins == {}
    assert settings.explicit == frozenset()


def test_what_was_said_is_handed_on() -> None:
    """Flags arrive as one selection, and as settings."""
    call = Call(CLEAN)
    run(
        call,
        *("F", "--last", "5", "--no-models", "--datasets", "--mode", "offline", "--dir", "b"),
        *(
            "--force",
            "--overwrite-edits",
            "--workers",
            "3",
            "--max-artifact-size",
            "2GB",
            "--granularity",
            "task",
        ),
        *("--metadata", "local@x", "--namespace", "n"),
        *("--unpickle", "trusted", "--max-memory", "500MB", "--references"),
        *("--since", "24h", "--until", "2999-11-01", "--tag", "a", "--tag", "b", "--no-failed"),
        *("--timeout", "10m", "--wait", "1h", "--on-deleted", "fail", "--abandoned-after", "2d"),
    )
    [(selection, settings)] = call.asked

    assert selection.since is not None
    assert replace(selection, since=None) == Selection(
        (Pathspec("F"),),
        since_is_ago=True,
        until=parse_moment("2999-11-01", 0),
        last=5,
        tags=("a", "b"),
        failed=False,
        namespace="n",
    )
    reported = settings.model_dump(exclude_unset=True)
    assert reported == {
        "timeout": 600.0,
        "wait": 3600.0,
        "on_deleted": "fail",
        "abandoned_after": 172_800.0,
        "models": False,
        "datasets": True,
        "mode": "offline",
        "dir": Path("b"),
        "force": True,
        "overwrite_edits": True,
        "workers": 3,
        "max_artifact_size": dict.fromkeys(("dataset", "model", "other"), 2 * 10**9),
        "granularity": "task",
        "metadata": "local@x",
        "namespace": "n",
        "unpickle": "trusted",
        "max_memory": 500 * 10**6,
        "references": True,
    }
    assert settings.explicit == frozenset(reported)


def test_text_on_stdout_talk_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    """The report is on stdout alone; what SDKs print goes to stderr."""
    run(Call(CLEAN), "F/1")
    out, err = capfd.readouterr()

    assert out.startswith("WineFlow/7  synced  acme/wines\n")
    assert "1 written, no losses\n" in out
    assert "chatter" not in out
    assert err == "chatter on stdout\nchatter on stderr\n"


def test_json_is_one_document(capfd: pytest.CaptureFixture[str]) -> None:
    """With --json stdout is one document, and stderr tells failures and losses."""
    assert run(Call(FAILED), "F/1", "--json") == 1
    out, err = capfd.readouterr()

    assert json.loads(out) == FAILED.to_dict()
    assert err.splitlines()[2:] == [
        f"mfwb: lost WineFlow/7/train/4/history: {BIG.reason}",
        "mfwb: F/2 failed: gone",
    ]


def test_quiet_says_what_failed_or_was_lost(capfd: pytest.CaptureFixture[str]) -> None:
    """With --quiet there are failures and losses on stderr and nothing else, chatter neither."""
    run(Call(FAILED), "F/1", "--quiet")
    out, err = capfd.readouterr()

    assert out == ""
    assert err.splitlines() == [
        f"mfwb: lost WineFlow/7/train/4/history: {BIG.reason}",
        "mfwb: F/2 failed: gone",
    ]


def test_quiet_success_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    """With --quiet, nothing is said if all went well."""
    run(Call(CLEAN), "F/1", "--quiet")

    assert capfd.readouterr() == ("", "")


def test_verbose_tells_more(capfd: pytest.CaptureFixture[str]) -> None:
    """With --verbose there are details."""
    run(Call(CLEAN), "F/1", "--verbose")

    assert "digest d-wines" in capfd.readouterr().out
