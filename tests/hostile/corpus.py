"""All cases of all families."""

from __future__ import annotations

import importlib

from tests.hostile.case import ALL, Case

__all__ = ["FAMILIES", "alone", "by_name", "chunks", "sampled"]

FAMILIES = (
    *("archives", "shas", "roots", "included_files", "paths", "metadata", "folders", "graphs"),
    *("sources", "pickled", "texts", "sizes", "crowds", "forged"),
)

for _family in FAMILIES:
    importlib.import_module(f"tests.hostile.{_family}")


def by_name(pattern: str = "") -> list[Case]:
    """Return the cases whose names begin like this, in the order of the families."""
    return [case for name, case in ALL.items() if name.startswith(pattern)]


def sampled() -> list[Case]:
    """Return those of the sample that can share a folder."""
    return [case for case in ALL.values() if case.sampled and not case.alone]


def alone(*, in_sample: bool) -> list[Case]:
    """Return those that need a folder of their own, in the sample or not."""
    return [case for case in ALL.values() if case.alone and case.sampled is in_sample]


def chunks(size: int) -> dict[str, list[Case]]:
    """Return those that can share a folder, so many at a time, by a name."""
    result: dict[str, list[Case]] = {}
    for family in FAMILIES:
        cases = [item for item in by_name(f"{family}-") if not item.alone]
        for start in range(0, len(cases), size):
            result[f"{family}-{start // size + 1}"] = cases[start : start + size]
    return result
