"""Check that tag, version and changelog agree, before anything is published.

`make release` calls this: before the tag is pushed, and in the workflow that the tag starts.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_VERSION = re.compile(r"""^__version__ = ["'](.+)["']$""", re.MULTILINE)
_TAG = re.compile(r"v\d+\.\d+\.\d+((a|b|rc)\d+)?")
_SECTION = re.compile(
    r"^## \[(?P<name>[^\]]+)\](?: - (?P<date>\S+))?[ ]*\n(?P<text>.*?)(?=^## |\Z)",
    re.MULTILINE | re.DOTALL,
)


def main() -> int:
    """Print what does not agree, and return the exit code."""
    tag = (sys.argv[1] if len(sys.argv) > 1 else "") or os.environ.get("TAG") or _tag_of_commit()
    version = (ROOT / "mfwb" / "version.py").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    result = problems(tag, version, changelog, dt.datetime.now(dt.timezone.utc).date())
    for problem in result:
        print(f"- {problem}")
    print("Not to be released." if result else f"{tag}: tag, version and changelog agree.")
    return 1 if result else 0


def problems(tag: str, version_file: str, changelog: str, today: dt.date) -> list[str]:
    """Return what keeps this tag from being released, one line each."""
    if not _TAG.fullmatch(tag):
        return [f"The tag must be such as v1.2.3 or v1.2.3rc1, and is {tag!r}."]
    return _of_version(tag, version_file) + _of_changelog(tag.removeprefix("v"), changelog, today)


def _of_version(tag: str, text: str) -> list[str]:
    result = _VERSION.findall(text)
    if len(result) != 1:
        return ["mfwb/version.py must have one line `__version__ = ...`."]
    if f"v{result[0]}" != tag:
        return [f"mfwb/version.py says {result[0]}, and the tag {tag}."]
    return []


def _of_changelog(version: str, text: str, today: dt.date) -> list[str]:
    sections = {result["name"]: result for result in _SECTION.finditer(text)}
    section = sections.get(version)
    if section is None:
        return [f"CHANGELOG.md has no section `## [{version}] - {today}`."]
    result = _of_date(version, section["date"], today)
    if "\n- " not in f"\n{section['text']}":
        result.append(f"CHANGELOG.md says nothing of {version}.")
    waiting = sections.get("Unreleased")
    if waiting is not None and "\n- " in waiting["text"]:
        result.append(f"CHANGELOG.md has lines under [Unreleased]; they belong to {version}.")
    released = [name for name in sections if name != "Unreleased"]
    if released[0] != version:
        result.append(f"CHANGELOG.md has {released[0]} above {version}; the newest comes first.")
    return result


def _of_date(version: str, said: str | None, today: dt.date) -> list[str]:
    try:
        date = dt.date.fromisoformat(said or "")
    except ValueError:
        return [f"CHANGELOG.md must date {version} as in `## [{version}] - {today}`."]
    if date > today:
        return [f"CHANGELOG.md dates {version} by {date}, which is yet to come."]
    return []


def _tag_of_commit() -> str:
    """Return the tag of the commit that is checked out; empty if it has none, or several."""
    command = ["git", "tag", "--points-at", "HEAD", "--list", "v*"]
    reported = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    tags = reported.split()
    return tags[0] if len(tags) == 1 else ""


if __name__ == "__main__":
    sys.exit(main())
