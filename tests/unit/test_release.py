"""`make release` lets a tag through if version and changelog say the same."""

from __future__ import annotations

import datetime as dt

import pytest

from tools.release import problems

TODAY = dt.date(2026, 11, 29)
VERSION = '"""The version."""\n\n__version__ = "1.2.3"\n'
CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.3] - 2026-11-29

### Added

- Something.

## [1.2.2] - 2026-10-01

- Something else.
"""


def test_all_agree() -> None:
    """A tag that fits is released."""
    assert problems("v1.2.3", VERSION, CHANGELOG, TODAY) == []


def test_before_a_release() -> None:
    """So is one before a release."""
    version = VERSION.replace("1.2.3", "1.2.3rc1")
    changelog = CHANGELOG.replace("[1.2.3]", "[1.2.3rc1]")

    assert problems("v1.2.3rc1", version, changelog, TODAY) == []


@pytest.mark.parametrize("tag", ["", "1.2.3", "v1.2", "v1.2.3-4", "v1.2.3\n", "release", "vv1.2.3"])
def test_tag(tag: str) -> None:
    """Other tags release nothing."""
    (reported,) = problems(tag, VERSION, CHANGELOG, TODAY)

    assert reported.startswith("The tag must be such as v1.2.3")


def test_version() -> None:
    """The package must say the version of the tag."""
    reported = problems("v1.2.3", VERSION.replace("1.2.3", "1.2.4"), CHANGELOG, TODAY)

    assert reported == ["mfwb/version.py says 1.2.4, and the tag v1.2.3."]


def test_no_version() -> None:
    """A file without a version is no version."""
    assert problems("v1.2.3", "", CHANGELOG, TODAY) == [
        "mfwb/version.py must have one line `__version__ = ...`."
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[1.2.3]", "[1.2.9]", "CHANGELOG.md has no section `## [1.2.3] - 2026-11-29`."),
        (" - 2026-11-29", "", "CHANGELOG.md must date 1.2.3 as in `## [1.2.3] - 2026-11-29`."),
        ("2026-11-29", "today", "CHANGELOG.md must date 1.2.3 as in `## [1.2.3] - 2026-11-29`."),
        ("11-29", "11-30", "CHANGELOG.md dates 1.2.3 by 2026-11-30, which is yet to come."),
        ("- Something.", "", "CHANGELOG.md says nothing of 1.2.3."),
        (
            "## [Unreleased]\n",
            "## [Unreleased]\n\n- More.\n",
            "CHANGELOG.md has lines under [Unreleased]; they belong to 1.2.3.",
        ),
        (
            "## [1.2.3]",
            "## [1.3.0] - 2026-11-29\n\n- More.\n\n## [1.2.3]",
            "CHANGELOG.md has 1.3.0 above 1.2.3; the newest comes first.",
        ),
    ],
)
def test_changelog(old: str, new: str, said: str) -> None:
    """The changelog must tell of this version, dated, before all others."""
    changelog = CHANGELOG.replace(old, new, 1)

    assert changelog != CHANGELOG
    assert problems("v1.2.3", VERSION, changelog, TODAY) == [said]
