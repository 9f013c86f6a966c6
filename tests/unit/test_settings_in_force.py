"""The settings in force for one flow, or for one of its steps."""

from __future__ import annotations

import pytest

from mfwb.settings_in_force import SettingInForce, narrow_settings

FILE = {
    "datasets": True,
    "project": "wines",
    "settings.entity": "acme",
    "flow.F.datasets": False,
    "flow.F.settings.entity": "beta",
    "flow.F.step.train.datasets": True,
    "flow.F.step.test.models": False,
    "flow.Other.project": "others",
}
SETTINGS = [SettingInForce(name, value, "mfwb.toml", "file") for name, value in FILE.items()]


@pytest.mark.parametrize(
    ("flow", "step", "names"),
    [
        ("G", None, ["datasets", "project", "settings.entity"]),
        ("F", None, ["flow.F.datasets", "project", "flow.F.settings.entity"]),
        ("F", "train", ["flow.F.step.train.datasets", "project", "flow.F.settings.entity"]),
        (
            "F",
            "test",
            ["flow.F.datasets", "flow.F.step.test.models", "project", "flow.F.settings.entity"],
        ),
    ],
)
def test_the_most_specific_table_counts(flow: str, step: str | None, names: list[str]) -> None:
    """A step's comes first, then the flow's; names say which it was."""
    assert [setting.name for setting in narrow_settings(SETTINGS, flow, step)] == names


def test_a_variable_counts_for_all() -> None:
    """As in a sync, it is above the tables of the file."""
    variable = SettingInForce("datasets", "true", "the MFWB_* variables", "variable")

    narrowed = narrow_settings([*SETTINGS[1:], variable], "F", "train")

    assert narrowed[0] is variable
