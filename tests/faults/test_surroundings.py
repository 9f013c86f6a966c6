"""Every command with each thing that can be wrong around it: it is said, and is never a bug."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.every_command import assert_no_bug
from tests.faults.odd_places import OddPlaces, all_pairs, names_of_command_lines, odd_places
from tests.faults.surroundings import CONSTRAINTS, ENVIRONMENTS, OF_PYTHON

__all__ = ["odd_places"]

_COMMANDS = names_of_command_lines()


@pytest.mark.parametrize(("name", "command"), all_pairs(ENVIRONMENTS, _COMMANDS, 300))
def test_variables(odd_places: OddPlaces, tmp_path: Path, name: str, command: str) -> None:
    """Variables of Metaflow, of W&B, of mfwb and of the system."""
    place = odd_places.make(tmp_path)

    done = place.run(command, environment=odd_places.filled(ENVIRONMENTS[name]))

    assert_no_bug(place, done)


@pytest.mark.parametrize(("name", "command"), all_pairs(OF_PYTHON, _COMMANDS, 90))
def test_variables_of_python(
    odd_places: OddPlaces, tmp_path: Path, name: str, command: str
) -> None:
    """Python reads them when it starts, so that it has to start."""
    place = odd_places.make(tmp_path)

    assert_no_bug(place, place.run(command, cold=True, environment=OF_PYTHON[name]))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(("name", "command"), all_pairs(CONSTRAINTS, _COMMANDS, 100))
def test_streams_and_limits(odd_places: OddPlaces, tmp_path: Path, name: str, command: str) -> None:
    """What it reads from and writes to is closed or full, or it may open or allocate little."""
    place = odd_places.make(tmp_path)

    constraints = CONSTRAINTS[name]

    done = place.run(command, constraints=constraints)

    is_mute = "2" in constraints.streams or constraints.limits.get("RLIMIT_FSIZE") == 0
    assert_no_bug(place, done, is_mute=is_mute)
    if "full" in name and "stdout" in name:
        assert done.code != 0 or not done.out
