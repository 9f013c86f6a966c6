"""Every command before a server with odd answers, in place of W&B or of Metaflow's service."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.every_command import assert_no_bug
from tests.faults.odd_places import OddPlaces, all_pairs, names_of_command_lines, odd_places
from tests.support.odd_server import ODD_ANSWERS, odd_server

__all__ = ["odd_places"]

_COMMANDS = names_of_command_lines()
_REBUILD = ("--rebuild", "--project", "p")


@pytest.mark.parametrize(("answer", "command"), all_pairs(ODD_ANSWERS, _COMMANDS, 160))
def test_in_place_of_wandb(
    odd_places: OddPlaces, tmp_path: Path, answer: str, command: str
) -> None:
    """An old server, a server of another kind, a proxy, a login page, or nothing at all."""
    place = odd_places.make(tmp_path)
    with odd_server(ODD_ANSWERS[answer]) as url:
        options = _REBUILD if command == "status" else ()
        done = place.run(command, *options, environment={"WANDB_BASE_URL": url})

    assert_no_bug(place, done)
    assert done.code in (0, 1, 2, 4)


@pytest.mark.parametrize(("answer", "command"), all_pairs(ODD_ANSWERS, _COMMANDS, 160))
def test_in_place_of_metadata_service(
    odd_places: OddPlaces, tmp_path: Path, answer: str, command: str
) -> None:
    """The same before Metaflow's side, which its configuration names."""
    place = odd_places.make(tmp_path)
    with odd_server(ODD_ANSWERS[answer]) as url:
        variables = {"METAFLOW_DEFAULT_METADATA": "service", "METAFLOW_SERVICE_URL": url}
        done = place.run(command, environment=variables)

    assert_no_bug(place, done)
    assert done.code in (0, 1, 2, 4)
