"""Odd values of each option, of each variable, and of each field that wandb takes as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import pytest
import wandb

from mfwb.config import Settings
from tests.faults.every_command import assert_no_bug, commands
from tests.faults.odd_places import OddPlaces, all_pairs, odd_places

__all__ = ["odd_places"]

_TEXTS = ("", "zz", "-1", "0", "nan", "1e999", "9" * 400, "\udcff", "\x1b[31m", "a/b", "x" * 4000)
_TOML = ('"zz"', "-5", "0", "1.5", "true", "false", "[]", '["a"]', "{a = 1}", '""', '"/"', "1e300")


def _numbers(values: Sequence[str]) -> list[str]:
    """Return the places of values; these would be odd names of tests."""
    return [str(number) for number in range(len(values))]


def _options() -> list[str]:
    return [
        f"{words} {option.opts[0]}"
        for words, command in commands().items()
        for option in command.params
        if isinstance(option, click.Option) and not option.is_flag
    ]


@pytest.mark.parametrize(("option", "number"), all_pairs(_options(), _numbers(_TEXTS), 600))
def test_options(odd_places: OddPlaces, tmp_path: Path, option: str, number: str) -> None:
    """Each value is used or refused."""
    place = odd_places.make(tmp_path)
    command, _, name = option.rpartition(" ")

    assert_no_bug(place, place.run(command, f"{name}={_TEXTS[int(number)]}"))


@pytest.mark.parametrize(
    ("setting", "number"), all_pairs(sorted(Settings.model_fields), _numbers(_TEXTS), 120)
)
def test_variables_of_mfwb(
    odd_places: OddPlaces, tmp_path: Path, setting: str, number: str
) -> None:
    """The same as a variable, for the commands that use all settings."""
    place = odd_places.make(tmp_path)
    command = ("plan", "sync 1", "config show")[int(number) % 3]

    done = place.run(command, environment={f"MFWB_{setting.upper()}": _TEXTS[int(number)]})

    assert_no_bug(place, done)


@pytest.mark.parametrize(
    ("field", "number"), all_pairs(sorted(wandb.Settings.model_fields), _numbers(_TOML), 800)
)
def test_fields_of_wandb(odd_places: OddPlaces, tmp_path: Path, field: str, number: str) -> None:
    """W&B takes many values that it can't use, and must not fail in mfwb's name."""
    place = odd_places.make(tmp_path)
    text = f'project = "p"\n[settings]\n{field} = {_TOML[int(number)]}\n'
    (tmp_path / "mfwb.toml").write_text(text, encoding="utf-8")
    command = "sync" if int(number) % 2 else "sync 1"

    assert_no_bug(place, place.run(command, "--config", "mfwb.toml"))


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


_VALUES = [f"{table} = {value}" for table, values in _TABLES.items() for value in values]


@pytest.mark.parametrize(
    ("number", "command"), all_pairs(_numbers(_VALUES), ("sync", "plan", "config show"), 120)
)
def test_tables(odd_places: OddPlaces, tmp_path: Path, number: str, command: str) -> None:
    """Tables and lists with odd parts, which may be wrong only where they are used."""
    place = odd_places.make(tmp_path)
    (tmp_path / "mfwb.toml").write_text(f"{_VALUES[int(number)]}\n", encoding="utf-8")

    assert_no_bug(place, place.run(command, "--config", "mfwb.toml"))
