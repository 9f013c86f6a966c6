"""Every command over flow runs that somebody tampered with, and healthy ones beside them.

A command is watched by an audit hook, and must not run, read, write, send or print anything that it
should not; end in time and within its memory; and sync the healthy flow run.
"""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.hostile.case import Case
from tests.hostile.corpus import alone, by_name, chunks, sampled
from tests.hostile.scene import SECONDS, Origin, Scene

_OVER_ALL = ("plan", "offline", "status", "push", "online")
_READING = ("plan", "offline")  # the others have what these two have read
_PARTS = 4  # of the sample: as many as there are workers
_LONGEST = 120.0  # seconds for a command over dozens of flow runs


def _tried(
    root: Path, origin: Origin, cases: list[Case], commands: tuple[str, ...], seconds: float
) -> dict[str, list[str]]:
    """Return what went wrong, by command."""
    result: dict[str, list[str]] = {}
    with Scene(root, origin) as scene:
        for case in cases:
            scene.add(case)
        scene.add_healthy()
        for command in commands:
            limit = seconds if command in _OVER_ALL else SECONDS
            _, problems = scene.try_out(command, seconds=limit)
            if problems:
                result[command] = problems
        result.update({"permissions": wrong} if (wrong := _open_to_others(scene)) else {})
    return result


def _each(cases: list[Case]) -> tuple[str, ...]:
    """Return the commands that take one flow run each; a page takes long, so some get one."""
    return (
        *(f"{verb} {case.name}" for case in cases for verb in ("lineage", "explain")),
        *(f"report {case.name}" for case in cases[::16]),
    )


def _open_to_others(scene: Scene) -> list[str]:
    """Return what others than the user may read or write of what the commands left."""
    folders = (scene.root / "bundle", scene.root / "state")
    return [
        f"{stat.filemode(path.lstat().st_mode)} {path.relative_to(scene.root)}"
        for folder in folders
        for path in (folder, *sorted(folder.rglob("*")))
        if path.exists() and not path.is_symlink() and path.lstat().st_mode & 0o077
    ]


def _first_of_each_row() -> list[Case]:
    rows: dict[str, Case] = {}
    for case in sampled():
        rows.setdefault(case.row, case)
    return list(rows.values())


def _first_of_each_kind() -> list[Case]:
    """Return a case of each row, and of each family."""
    result: list[Case] = []
    kinds: set[str] = set()
    for case in sampled():
        new = {f"family {case.name.partition('-')[0]}", f"row {case.row}"}
        if not new <= kinds:
            result.append(case)
            kinds |= new
    return result


_ALONE = {("lineage", "4b"), ("explain", "9")}
"""What the sample has of `lineage` and `explain`: a blob of another, a pickle."""


_SPARED = {"push": (1, 2), "online": (0,)}
"""The parts of the sample that commands which take long leave out; by family they run over all."""


def test_one_of_each_kind_together(origin: Origin, tmp_path: Path) -> None:
    """A hostile flow run of each kind in one folder, one call of each command."""
    result = _tried(tmp_path / "scene", origin, _first_of_each_kind(), _OVER_ALL, _LONGEST)

    assert result == {}


@pytest.mark.exhaustive
@pytest.mark.parametrize("part", range(_PARTS))
def test_a_sample_together(origin: Origin, tmp_path: Path, part: int) -> None:
    """Dozens of hostile flow runs in one folder, one call of each command."""
    cases = sampled()[part::_PARTS]
    commands = tuple(item for item in _OVER_ALL if part not in _SPARED.get(item, ()))

    result = _tried(tmp_path / "scene", origin, cases, commands, _LONGEST)

    assert result == {}


@pytest.mark.parametrize(
    ("verb", "case"),
    [
        pytest.param(
            *(verb, case),
            id=f"{verb} {case.name}",
            marks=() if (verb, case.row) in _ALONE else pytest.mark.exhaustive,
        )
        for case in _first_of_each_row()
        for verb in ("lineage", "explain")
    ],
)
def test_one_of_each_row(origin: Origin, tmp_path: Path, verb: str, case: Case) -> None:
    """`lineage` and `explain`, which take one flow run each."""
    with Scene(tmp_path / "scene", origin) as scene:
        scene.add(case)
        _, problems = scene.try_out(f"{verb} {case.name}")

    assert problems == [], case.story


@pytest.mark.parametrize(
    ("case", "commands"),
    [
        pytest.param(case, commands, id=f"{case.name}-{name}", marks=marks)
        for number, case in enumerate(alone(in_sample=True))
        for name, commands, marks in (
            # What a sync reads is read by a plan; one of the cases is met by both.
            ("reading", _READING, pytest.mark.exhaustive if number else ()),
            ("offline", ("offline",), () if number else pytest.mark.exhaustive),
            ("all", _OVER_ALL, pytest.mark.exhaustive),
        )
    ],
)
def test_what_spoils_a_folder(
    origin: Origin, tmp_path: Path, case: Case, commands: tuple[str, ...]
) -> None:
    """What may make flow runs beside it hard to list has a folder of its own."""
    result = _tried(tmp_path / "scene", origin, [case], commands, SECONDS)

    assert result == {}, case.story


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", chunks(10))
def test_all_of_a_family(origin: Origin, tmp_path: Path, name: str) -> None:
    """All cases, ten at a time, and each alone with `lineage` and `explain`."""
    cases = chunks(10)[name]

    commands = (*_OVER_ALL, *_each(cases))

    assert _tried(tmp_path / "scene", origin, cases, commands, _LONGEST) == {}


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", alone(in_sample=False), ids=lambda case: case.name)
def test_all_that_spoil_a_folder(origin: Origin, tmp_path: Path, case: Case) -> None:
    """Each with a folder of its own."""
    commands = (*_OVER_ALL, *_each([case]))
    result = _tried(tmp_path / "scene", origin, [case], commands, SECONDS)

    assert result == {}, case.story


@pytest.mark.exhaustive
def test_healthy_flow_runs_alone(origin: Origin, tmp_path: Path) -> None:
    """Nothing is wrong with what commands do over a flow run that nobody tampered with."""
    result = _tried(tmp_path / "scene", origin, [], _OVER_ALL, SECONDS)

    assert result == {}


def test_the_corpus_is_whole() -> None:
    """There are cases of each row that is about flow runs, and more than were asked for."""
    rows = {case.row for case in by_name()}

    assert rows >= {"1", "2", "3", "4", "4b", "4c", "5", "6", "9", "10", "11", "12"}
    assert {case.row for case in sampled()} == rows
    assert {case.row for case in _first_of_each_kind()} == rows
    assert {case.row for case in _first_of_each_row()} >= {row for _, row in _ALONE}
    assert len(by_name()) > 200
