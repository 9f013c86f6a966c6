"""A value of a wrong type in a settings file: which one it is, and what is expected there."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import wandb
from pydantic import BaseModel

from mfwb.config import Settings, _FlowTable, _InputSettings, _StepTable, load_settings
from mfwb.errors import UsageError
from mfwb.sink.setup.run_settings import check_wandb_settings

_VALUES = {
    "a text": '"zz"',
    "a whole number": "-5",
    "a number": "1.5",
    "true or false": "true",
    "a date": "2026-01-01",
    "a moment": "2026-01-01T00:00:00Z",
    "a time": "07:30:00",
    "a list": '[["a"]]',
    "a table": "{a = 5}",
    "a list of tables": "[{a = 5}]",
}
_IN_FILE: dict[str, type[BaseModel]] = {
    "": _InputSettings,
    "flow.F": _FlowTable,
    "flow.F.step.end": _StepTable,
}
_OF_PYTHON = re.compile(
    r"object is not|has no attribute|valid dictionary|valid tuple|valid string|valid boolean"
    r"|<class|datetime\.|\[key\]|dict\[|unable to|Expecting value|instance of"
)


def _settings() -> Iterator[tuple[str, str]]:
    for table, model in _IN_FILE.items():
        for name, info in model.model_fields.items():
            yield table, info.alias or name


@pytest.mark.parametrize(("table", "name"), [*_settings()])
def test_any_value_of_any_setting(tmp_path: Path, table: str, name: str) -> None:
    """It holds, or the complaint names the file, the setting with its table, and what is wrong."""
    whole = f"{table}.{name}" if table else name
    at = rf"(there is no setting ')?{re.escape(whole)}[.:]"
    if name == "settings":
        at += rf"|\[{re.escape(whole)}\] a: there is no such setting"
    for value in _VALUES.values():
        reported = _complaint(tmp_path, table, f"{name} = {value}")

        if reported is not None:
            assert re.match(rf"mfwb\.toml: ({at})", reported), reported
            assert not _OF_PYTHON.search(reported), reported


@pytest.mark.parametrize("name", [*wandb.Settings.model_fields])
def test_any_value_of_any_field_of_wandbs(tmp_path: Path, name: str) -> None:
    """Likewise where a field is W&B's to check, whose own words may tell of Python alone."""
    for number, value in enumerate(_VALUES.values()):
        table = [*_IN_FILE][number % len(_IN_FILE)]
        location = f"{table}.settings".removeprefix(".")

        reported = _complaint(tmp_path, location, f"{name} = {value}")

        if reported is None:
            continue
        if "applies to" in reported:  # said of a table that must not have it
            assert reported.startswith(f"mfwb.toml: {location}: {name} applies to "), reported
            continue
        at = re.escape(f"mfwb.toml: [{location}] {name}")
        assert re.match(rf"{at}(\.\w+)?: [^\n]+ \(a field of wandb\.Settings\)$", reported), (
            reported
        )
        assert not _OF_PYTHON.search(reported), reported


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("workers = true", "workers: it is a whole number, not True"),
        ("wait = false", "wait: durations are written like 90s, 10m, 24h or 7d, not False"),
        ("max_memory = true", "max_memory: sizes are written like 500MB or 2GB, not True"),
        ("strict = 2026-01-01", "strict: it is true or false, not 2026-01-01"),
        ("datastore_roots = 5", "datastore_roots: it is a list, not 5"),
        ("datastore_roots = ['/a', 5]", "datastore_roots.1: it is a text, not 5"),
        ("dir = 5", "dir: it is a path, not 5"),
        ("settings = []", "settings: it is a table, not []"),
        ("[flow.F]\nstep = 'x'", "flow.F.step: it is a table, not 'x'"),
        ("[flow.F.step]\nend = 1", "flow.F.step.end: it is a table, not 1"),
    ],
)
def test_what_is_expected(tmp_path: Path, toml: str, said: str) -> None:
    """It is said in the words of TOML."""
    assert _complaint(tmp_path, "", toml) == f"mfwb.toml: {said}"


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("run_tags = 5", "run_tags: it is a list"),
        ("run_name = 'x'\nrun_tags = 5", "run_tags: it is a list"),
        ("run_tags = ['a', 5]", "run_tags.1: it is a text"),
        (
            "x_stats_open_metrics_filters = 5",
            "x_stats_open_metrics_filters: it is a table or a list",
        ),
        ("x_extra_http_headers = 'x'", "x_extra_http_headers: it is a table"),
        ("api_key = 12345", "api_key: it is a text"),
    ],
)
def test_what_wandb_expects(tmp_path: Path, toml: str, said: str) -> None:
    """So it is of fields of `wandb.Settings`, whatever type of error W&B makes of them."""
    expected = f"mfwb.toml: [settings] {said} (a field of wandb.Settings)"

    assert _complaint(tmp_path, "settings", toml) == expected


def test_which_file_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two files it is the one whose word holds; in Python it is an argument."""
    home = tmp_path / "home"
    (home / "mfwb").mkdir(parents=True)
    (home / "mfwb" / "mfwb.toml").write_text("[settings]\nrun_tags = 5\nrun_name = 6")
    (tmp_path / "mfwb.toml").write_text("[settings]\nrun_tags = ['a']")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))

    with pytest.raises(UsageError, match=rf"^{home}/mfwb/mfwb\.toml: \[settings\] run_name: "):
        check_wandb_settings(load_settings({}, folder=tmp_path, environ={}))
    with pytest.raises(UsageError, match=r"^the arguments: \[settings\] run_group: it is a text"):
        check_wandb_settings(load_settings({"settings": {"run_group": 5}}, environ={}))
    with pytest.raises(UsageError, match=r"^\[settings\] run_group: it is a text"):
        check_wandb_settings(Settings.model_validate({"settings": {"run_group": 5}}))


def _complaint(folder: Path, table: str, line: str) -> str | None:
    """Return what is said about a file, without the folder's name; None if nothing is wrong."""
    file = folder / "mfwb.toml"
    file.unlink(missing_ok=True)  # some file systems take a millisecond to make one empty
    file.write_text(f"[{table}]\n{line}" if table else line, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # W&B's, of fields that have no effect any more
        try:
            check_wandb_settings(load_settings({}, file=file, environ={}))
        except UsageError as error:
            return str(error).replace(f"{folder}/", "")
    return None
