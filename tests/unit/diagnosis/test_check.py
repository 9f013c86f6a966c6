"""The exit code of a diagnosis, and its document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mfwb.diagnosis.check import Diagnosis, failed, passed, skipped, warned
from mfwb.settings_in_force import SettingInForce


@pytest.mark.parametrize(
    ("codes", "code"),
    [([], 0), ([4], 4), ([2], 2), ([4, 2, 4], 2), ([4, 70, 2], 70)],
)
def test_exit_code(codes: list[int], code: int) -> None:
    """A bug counts most, then what has to be changed here, then ends that are not reached."""
    checks = [passed("G", "a", "fine"), warned("G", "b", "hm", "do"), skipped("G", "c", "why")]
    checks += [failed("G", f"d{number}", "bad", exit_code=number) for number in codes]

    assert Diagnosis(tuple(checks)).exit_code == code


def test_document() -> None:
    """It is made of what JSON has, whatever a setting is."""
    setting = SettingInForce("dir", Path("bundle"), "the arguments", "argument")
    diagnosis = Diagnosis(
        (failed("G", "n", "a\nb\x1b[2J http://ann:hunter2@flows.example/"),), (setting,)
    )

    document = json.loads(json.dumps(diagnosis.to_dict()))

    assert document["checks"] == [
        {
            "group": "G",
            "name": "n",
            "status": "failed",
            "detail": "a b\\x1b[2J http://***@flows.example/",
            "advice": None,
        }
    ]
    assert document["settings"][0]["value"] == "bundle"
    assert document["totals"] == {"passed": 0, "warned": 0, "failed": 1, "skipped": 0}
    assert (document["version"], document["command"], document["exit_code"]) == (1, "doctor", 2)
