"""Odd values of each option, of each variable, and of each field that wandb takes as it is."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import click
import pytest
import wandb

from mfwb.config import Settings
from tests.faults.every_command import assert_no_bug, commands
from tests.faults.odd_places import OddPlaces, odd_places

__all__ = ["odd_places"]

_TEXTS = ("", "zz", "-1", "0", "nan", "1e999", "9" * 400, "\udcff", "\x1b[31m", "a/b", "x" * 4000)
_TOML = ('"zz"', "-5", "0", "1.5", "true", "false", "[]", '["a"]', "{a = 1}", '""', '"/"', "1e300")
_ONE_OF = 120


def _sample(name: str) -> Any:
    return () if zlib.crc32(name.encode()) % _ONE_OF == 0 else pytest.mark.exhaustive


def _options() -> list[Any]:
    return [
        pytest.param(words, option.opts[0], id=name, marks=_sample(name))
        for words, command in commands().items()
        for option in command.params
        if isinstance(option, click.Option) and not option.is_flag
        for name in [f"{words.replace(' ', '_')}{option.opts[0]}"]
    ]


@pytest.mark.parametrize(("command", "option"), _options())
def test_options(odd_places: OddPlaces, tmp_path: Path, command: str, option: str) -> None:
    """Each value is used or refused."""
    place = odd_places.make(tmp_path)
    for value in _TEXTS:
        assert_no_bug(place, place.run(command, f"{option}={value}"))


@pytest.mark.parametrize(
    "setting", [pytest.param(name, marks=_sample(name)) for name in sorted(Settings.model_fields)]
)
def test_variables_of_mfwb(odd_places: OddPlaces, tmp_path: Path, setting: str) -> None:
    """The same as a variable, for the commands that use all settings."""
    place = odd_places.make(tmp_path)
    for number, value in enumerate(_TEXTS):
        command = ("plan", "sync 1", "config show")[number % 3]
        done = place.run(command, environment={f"MFWB_{setting.upper()}": value})
        assert_no_bug(place, done)


@pytest.mark.parametrize(
    "field",
    [pytest.param(name, marks=_sample(name)) for name in sorted(wandb.Settings.model_fields)],
)
def test_fields_of_wandb(odd_places: OddPlaces, tmp_path: Path, field: str) -> None:
    """W&B takes many values that it can't use, and must not fail in mfwb's name."""
    place = odd_places.make(tmp_path)
    for number, value in enumerate(_TOML):
        text = f'project = "p{number}"\n[settings]\n{field} = {value}\n'
        (tmp_path / "mfwb.toml").write_text(text, encoding="utf-8")
        arguments = ("--config", "mfwb.toml", "--force")
        command = "sync" if number % 2 else "sync 1"
        assert_no_bug(place, place.run(command, *arguments))


_TABLES = {
    "kinds": (
        "5",
        "[]",
        '"x"',
        '{"*" = 5}',
        '{"*" = "nosuch"}',
        '{"[" = "model"}',
        '{"" = "value"}',
    ),
    "redact": (
        "5",
        "[]",
        '"x"',
        "{patterns = 5}",
        '{patterns = ["("]}',
        '{patterns = [""]}',
        '{names = ["["]}',
        "{enabled = 5}",
        "{nosuch = 1}",
        "{exempt = [5]}",
    ),
    "curves": ("5", '""', "[5]", '["["]', "{}", '[""]'),
    "max_artifact_size": ("-1", '"x"', "{dataset = -1}", '{nosuch = "1GB"}', "1e400", "[]"),
    "flow": (
        "5",
        "[]",
        '"x"',
        "{TwoFlow = 5}",
        "{TwoFlow = {step = 5}}",
        "{TwoFlow = {step = {start = 5}}}",
        '{"" = {}}',
        '{"a/b" = {datasets = false}}',
        "{TwoFlow = {artifact = 5}}",
        "{TwoFlow = {artifact = {number = 5}}}",
        '{TwoFlow = {artifact = {number = {aliases = [""]}}}}',
        '{TwoFlow = {artifact = {number = {when = "("}}}}',
        '{TwoFlow = {artifact = {number = {aliases = ["a"], when = "1/0"}}}}',
        '{TwoFlow = {artifact = {number = {aliases = ["a"], when = "nosuch > 1"}}}}',
        '{TwoFlow = {artifact = {number = {link = "///"}}}}',
        '{TwoFlow = {artifact = {"[" = {metadata = ["x"]}}}}',
        '{TwoFlow = {granularity = "task", entity = ""}}',
    ),
    "path_roots": ("5", '[""]', '["/nosuch"]', '["~nosuch/x"]', "[5]"),
    "datastore_roots": ('[""]', '["/nosuch"]', '["s3://"]', '["x://y"]'),
    "metadata": ('"local@"', '"local@/nosuch"', '"service@"', '"service@x"', '"@"', '"x"'),
    "namespace": ('""', '"nosuch"', '"user:"'),
    "dir": ('""', '"/dev/null/x"', '"~nosuch"', '"mfwb.toml"'),
}


@pytest.mark.parametrize("table", [pytest.param(name, marks=_sample(name)) for name in _TABLES])
def test_tables(odd_places: OddPlaces, tmp_path: Path, table: str) -> None:
    """Tables and lists with odd parts, which may be wrong only where they are used."""
    place = odd_places.make(tmp_path)
    for value in _TABLES[table]:
        (tmp_path / "mfwb.toml").write_text(f"{table} = {value}\n", encoding="utf-8")
        for command in ("sync", "plan", "config show"):
            assert_no_bug(place, place.run(command, "--config", "mfwb.toml"))
