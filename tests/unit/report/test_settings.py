"""The text of `mfwb config` on the process that inspects pickles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mfwb.config import Layer
from mfwb.conversion.confinement_status import read_confinement
from mfwb.report.settings import settings_as_json, settings_as_text
from mfwb.settings_files import Trust


@pytest.mark.parametrize(
    ("confined_by", "said"),
    [
        (["Landlock 7", "seccomp", "audit hook"], "confined by Landlock 7, seccomp"),
        (["seccomp", "audit hook"], "confined by seccomp: this system has no Landlock"),
        (["audit hook"], "confined by Python's audit hook only: this system has no Landlock"),
        ([], "not possible: no process for it can be started on this system"),
    ],
)
def test_what_confines_it(confined_by: list[str], said: str, tmp_path: Path) -> None:
    """The last line says it in words, the document as it is."""
    trust = Trust(tmp_path / "trusted.json")

    text = settings_as_text([], [], trust, confined_by)
    document = json.loads(settings_as_json([], [], trust, confined_by)[0])

    assert text.splitlines()[-1] == f"conversion of pickles: {said}"
    assert document["confined_by"] == confined_by


@pytest.mark.parametrize(
    "values", [{"unpickle": "trusted"}, {"flow": {"F": {"unpickle": "trusted"}}}]
)
def test_what_is_trusted_is_not_confined(values: dict[str, object], tmp_path: Path) -> None:
    """Nobody is to think that it is, be it of one flow alone."""
    layer = Layer(origin="MFWB_UNPICKLE", values=values)

    text = settings_as_text([layer], [], Trust(tmp_path / "trusted.json"), ["Landlock 7"])

    assert "not confined" in text.splitlines()[-1]


def test_what_the_process_says() -> None:
    """It is asked of a real one, which has at least Python's hook."""
    assert read_confinement()[-1] == "audit hook"
