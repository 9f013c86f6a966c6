"""The call and the output of `mfwb explain`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mfwb.cli.app import mfwb
from mfwb.cli.commands.explain import explain
from mfwb.cli.exit import end
from mfwb.errors import NotFound
from mfwb.pipeline.explain import Explanation
from tests.unit.explained import explained, sample


class Call:
    """Stands for `mfwb.api.explain`: notes what it is asked, chatters, and returns a sample."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: dict[str, Any] = {}

    def __call__(self, pathspec: str, **said: Any) -> Explanation:
        """Do all that."""
        said.pop("progress")
        self.asked = {"pathspec": pathspec, **said}
        print("chatter on stdout")  # noqa: T201 - that is the point
        print("chatter on stderr", file=sys.stderr)  # noqa: T201 - the same
        if pathspec == "F/9/a/b":
            raise NotFound("there is no F/9")
        return explained(sample(), "train/model", self.folder)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Return what takes the place of the call."""
    monkeypatch.chdir(tmp_path)
    stand_in = Call(tmp_path / "payloads")
    monkeypatch.setattr("mfwb.api.explain", stand_in)
    return stand_in


def test_what_is_asked(call: Call) -> None:
    """The options arrive as they were said; what was not is None."""
    end(explain, ["F/1/a/b"])
    assert call.asked.pop("pathspec") == "F/1/a/b"
    assert set(call.asked.values()) == {None}

    end(explain, ["F/1/a/b", "--no-models", "--unpickle", "never", "--project", "p"])
    reported = {name: value for name, value in call.asked.items() if value is not None}
    assert reported == {
        "pathspec": "F/1/a/b",
        "models": False,
        "unpickle": "never",
        "project": "p",
    }


def test_it_takes_what_plan_takes_of_what_becomes_what() -> None:
    """What changes the plan of an artifact can be said; what changes only the work can't."""
    names = {
        command: {param.name for param in mfwb.commands[command].params}
        for command in ("plan", "explain")
    }

    assert names["explain"] - names["plan"] == {"pathspec"}
    assert names["plan"] - names["explain"] == {
        *("pathspecs", "since", "until", "last", "every", "tags", "failed", "mode", "dir"),
        *("workers", "max_requests_per_minute", "timeout", "wait", "on_deleted"),
        *("abandoned_after", "shard"),
        *("force", "overwrite_edits", "strict", "report", "summary", "online", "out"),
    }


def test_data_on_stdout_talk_on_stderr(call: Call, capfd: pytest.CaptureFixture[str]) -> None:
    """The text is on stdout alone; what SDKs print goes to stderr."""
    code = end(explain, ["F/1/a/b"])
    out, err = capfd.readouterr()

    assert (code, call.asked["pathspec"]) == (0, "F/1/a/b")
    assert out.startswith("DemoFlow/7/train/model\n  written by train ")
    assert out.endswith('modules               ["tests"]\n')
    assert err == "chatter on stdout\nchatter on stderr\n"


@pytest.mark.usefixtures("call")
def test_a_document(capfd: pytest.CaptureFixture[str]) -> None:
    """With --json stdout has one document; with --quiet stderr has nothing."""
    assert end(explain, ["F/1/a/b", "--json", "--quiet"]) == 0
    out, err = capfd.readouterr()

    assert json.loads(out)["artifact"] == "DemoFlow/7/train/model"
    assert out.endswith("}\n")
    assert err == ""


@pytest.mark.usefixtures("call")
def test_what_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """An error is one line, and nothing is on stdout."""
    assert end(explain, ["F/9/a/b", "--quiet"]) == 1
    assert capsys.readouterr() == ("", "mfwb: there is no F/9\n")
