"""What the code of steps stores and loads."""

from __future__ import annotations

import os
from pathlib import Path

from mfwb.verification.expected.facts import FlowRunFacts
from mfwb.verification.expected.step_code import StepCode, read_step_code

CODE = """
class MyFlow(FlowSpec):
    @step
    def start(self):
        self.x = 1
        if self.rate > 0:
            self.best, self.other = 1, 2
        self.log.append(self.x)
        del self.gone
        self.help()
        self.next(self.join)

    def help(self):
        self.helped = self.read

    @step
    def join(self, inputs):
        self.best = max(one.score for one in inputs)
        self.first = inputs[0].model
        self.named = inputs.left.table
        setattr(self, "a", 1)
        self.next(self.end)

    @step
    def again(self):
        self.first = self.first + 1
        self.second += 1
        self.third = 1
        self.third = self.third + (self.fourth if self.third else 0)
        self.fourth = 1
        self.fill()
        self.fifth = self.fifth
        self.next(self.end)

    def fill(self):
        self.fifth = 1

    @mine
    @step
    def end(self):
        pass
"""


def _facts(script: Path, *, started_at: int, code: dict[str, str] | None = None) -> FlowRunFacts:
    return FlowRunFacts(
        flow="MyFlow",
        id="1",
        user=None,
        started_at=started_at,
        state="finished",
        tags=frozenset(),
        system_tags=frozenset(),
        parameters={},
        kinds={},
        start_step="start",
        end_step="end",
        steps={},
        step_types={},
        sources=dict.fromkeys(("start", "join", "again", "end"), str(script)),
        code=code,
        datastore=None,
    )


def _read(tmp_path: Path) -> dict[str, StepCode]:
    script = tmp_path / "flow.py"
    script.write_text(CODE, encoding="utf-8")
    return read_step_code(_facts(script, started_at=2 * 10**13))


def test_stores_and_loads(tmp_path: Path) -> None:
    """Of the step and of the methods that it calls."""
    start = _read(tmp_path)["start"]

    assert start.stores == {"x", "best", "other"}
    assert start.helper_stores == {"helped"}
    assert start.loads >= {"rate", "log", "read"}
    assert not start.loads & {"x", "gone", "help", "next"}
    assert "log" in start.changes
    assert start.is_certain


def test_what_is_loaded_before_it_is_stored(tmp_path: Path) -> None:
    """It counts as loaded; what may not be loaded, or is stored first, does not."""
    again = _read(tmp_path)["again"]

    assert {"first", "second"} <= again.loads
    assert not again.loads & {"third", "fourth", "fifth", "fill", "next"}


def test_inputs_of_a_join(tmp_path: Path) -> None:
    """From all inputs in a loop, from one by its place or name."""
    join = _read(tmp_path)["join"]

    assert join.from_all_inputs == {"score"}
    assert join.input_loads == {"score", "model", "table"}
    assert not join.is_certain  # setattr


def test_other_decorators(tmp_path: Path) -> None:
    """They may do anything."""
    assert not _read(tmp_path)["end"].is_certain


def test_a_file_that_was_changed_since(tmp_path: Path) -> None:
    """It is not what ran."""
    script = tmp_path / "flow.py"
    script.write_text(CODE, encoding="utf-8")
    os.utime(script, (1_000_000, 1_000_000))

    assert read_step_code(_facts(script, started_at=999_999_000)) == {}
    assert read_step_code(_facts(script, started_at=1_000_001_000)).keys() == {
        "start",
        "join",
        "again",
        "end",
    }


def test_a_code_package(tmp_path: Path) -> None:
    """It counts, whatever has become of the file."""
    result = read_step_code(
        _facts(tmp_path / "flow.py", started_at=1, code={"src/flow.py": CODE, "b.py": ""})
    )

    assert result["start"].stores == {"x", "best", "other"}
