"""The call and the output of `mfwb lineage`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mfwb.cli.commands.lineage import lineage
from mfwb.cli.exit import end
from mfwb.pipeline.reading import TracedFlowRun
from tests.unit.report.lineage.samples import KNOWN


class Call:
    """Stands for `mfwb.api.lineage`: notes what it is asked, chatters, and returns a sample."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def __call__(self, pathspec: str, **said: Any) -> TracedFlowRun:
        """Do all that."""
        said.pop("progress")
        self.asked = {"pathspec": pathspec, **said}
        print("chatter on stdout")  # noqa: T201 - that is the point
        print("chatter on stderr", file=sys.stderr)  # noqa: T201 - the same
        return KNOWN


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Return what takes the place of the call."""
    monkeypatch.chdir(tmp_path)
    stand_in = Call()
    monkeypatch.setattr("mfwb.api.lineage", stand_in)
    return stand_in


def test_what_is_asked(call: Call) -> None:
    """The options arrive as they were said; what was not is None."""
    end(lineage, ["F/1"])
    reported = ("config", "datastore_roots", "metadata", "namespace")
    assert call.asked == {"pathspec": "F/1", **dict.fromkeys(reported)}

    end(lineage, ["F/latest", "--metadata", "local@x", "--namespace", "n"])
    assert call.asked["pathspec"] == "F/latest"
    assert (call.asked["metadata"], call.asked["namespace"]) == ("local@x", "n")


def test_data_on_stdout_talk_on_stderr(call: Call, capfd: pytest.CaptureFixture[str]) -> None:
    """The tree is on stdout alone; what SDKs print goes to stderr."""
    code = end(lineage, ["F/1"])
    out, err = capfd.readouterr()

    assert (code, call.asked["pathspec"]) == (0, "F/1")
    assert out.startswith("DemoFlow/7  finished\n")
    assert out.endswith("16 edges: 12 read, 3 foreach-input, 1 parameter\n")
    assert err == "chatter on stdout\nchatter on stderr\n"


@pytest.mark.usefixtures("call")
def test_quiet_leaves_the_data(capfd: pytest.CaptureFixture[str]) -> None:
    """With --quiet stderr is silent, and stdout has what was asked for."""
    end(lineage, ["F/1", "--quiet", "--format", "json"])
    out, err = capfd.readouterr()

    assert json.loads(out)["flow_run"] == "DemoFlow/7"
    assert err == ""


@pytest.mark.usefixtures("call")
@pytest.mark.parametrize(
    ("arguments", "begins"),
    [
        ([], "DemoFlow/7  finished\n"),
        (["--format", "text"], "DemoFlow/7  finished\n"),
        (["--format", "json"], '{\n  "version": 1,\n  "flow_run": "DemoFlow/7",\n'),
        (["--format", "mermaid"], "%% DemoFlow/7\nflowchart TD\n"),
        (["--artifact", "best"], "best  an artifact of DemoFlow/7  finished\n"),
        (["--artifact", "best", "--format", "mermaid"], "%% DemoFlow/7\nflowchart TD\n"),
    ],
)
def test_formats(arguments: list[str], begins: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each format begins as its readers expect, and ends with a line break."""
    assert end(lineage, ["F/1", *arguments]) == 0
    out = capsys.readouterr().out

    assert out.startswith(begins)
    assert out.endswith("\n")
    assert not out.endswith("\n\n")


@pytest.mark.usefixtures("call")
def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    """--explain arrives at each form that has words."""
    end(lineage, ["F/1", "--explain", "--quiet"])
    assert "read by its code" in capsys.readouterr().out

    end(lineage, ["F/1", "--explain", "--format", "json", "--quiet"])
    assert '"why": "read by its code"' in capsys.readouterr().out


@pytest.mark.usefixtures("call")
def test_an_unknown_artifact(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is not there ends as in `explain`: one line, nothing on stdout."""
    assert end(lineage, ["F/1", "--artifact", "modle", "--quiet"]) == 1
    assert capsys.readouterr() == (
        "",
        "mfwb: DemoFlow/7 has no artifact 'modle'; did you mean model?\n",
    )
