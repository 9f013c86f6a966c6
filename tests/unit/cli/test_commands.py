"""Which function of mfwb.api a command calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mfwb.cli import main
from mfwb.outcome import Result
from mfwb.pipeline.selection import Selection


@pytest.mark.parametrize(
    ("arguments", "called"),
    [
        (["sync", "F/1"], "sync"),
        (["sync", "F/1", "--dry-run"], "plan"),
        (["plan", "F/1"], "plan"),
    ],
)
def test_commands_call_the_api(
    arguments: list[str],
    called: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each command is one call, and a dry run is a plan."""
    monkeypatch.chdir(tmp_path)
    calls = []

    def note(name: str) -> Any:
        def call(selection: Selection, *_: Any, **__: Any) -> Result:
            calls.append((name, tuple(map(str, selection.pathspecs))))
            return Result(name, ())

        return call

    for name in ("sync", "plan"):
        monkeypatch.setattr(f"mfwb.api.{name}_selection", note(name))
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 0
    assert calls == [(called, ("F/1",))]
    assert capsys.readouterr().out == "0 flow runs\n"
