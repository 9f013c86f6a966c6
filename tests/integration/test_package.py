"""The package as an index of packages sees it: its page, and where its addresses lead."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tools.package_metadata import as_page, project_urls

ROOT = Path(__file__).parents[2]
_ADDRESS = "https://code.example/acme/mfwb"
_TARGET = re.compile(r"(?:href|src)=\"([^\"]+)\"")


def metadata_of(folder: Path, **variables: str) -> Message:
    """Build the wheel with these variables, and return its metadata."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MFWB_")}
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def targets_of(text: str) -> list[str]:
    """Return where the links and pictures of a page lead."""
    return _TARGET.findall(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Message:
    """Return the metadata of a wheel that was built for a release."""
    variables = {"MFWB_REPOSITORY_URL": f"{_ADDRESS}/", "MFWB_RELEASE_TAG": "v1.2.3"}
    return metadata_of(tmp_path_factory.mktemp("released"), **variables)


def test_a_build_without_an_address_names_none(tmp_path: Path) -> None:
    """Nothing is invented, whatever the workflow of somebody else is called."""
    metadata = metadata_of(tmp_path, GITHUB_SERVER_URL="https://x.example", GITHUB_REPOSITORY="a/b")

    assert metadata.get_all("Project-URL") is None
    assert "x.example" not in metadata.as_string()
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).startswith("# mfwb\n")


def test_a_release_has_its_addresses(released: Message) -> None:
    """In the form that indexes show, and that `mfwb` reads for its line about a bug."""
    assert released.get_all("Project-URL") == [
        f"Repository, {_ADDRESS}",
        f"Issues, {_ADDRESS}/issues",
        f"Changelog, {_ADDRESS}/blob/v1.2.3/CHANGELOG.md",
        f"Documentation, {_ADDRESS}/blob/v1.2.3/docs/index.md",
    ]


def test_every_link_of_the_page_is_absolute(released: Message) -> None:
    """Also those in tables; each leads to a file that the repository has."""
    text = str(released.get_payload())
    targets = targets_of(text)
    files = [
        re.split(r"/(?:blob|raw)/v1\.2\.3/", target)[1].partition("#")[0]
        for target in targets
        if target.startswith(_ADDRESS)
    ]

    assert [target for target in targets if not target.startswith("https://")] == []
    assert len(files) > 10
    assert [file for file in files if not (ROOT / file).is_file()] == []
    assert f'src="{_ADDRESS}/raw/v1.2.3/docs/_static/sync.svg"' in MarkdownIt().render(text)
    assert "<!--" not in text


def test_what_is_no_link_stays() -> None:
    """Code, anchors of the page, and addresses that are absolute already."""
    given = {"MFWB_REPOSITORY_URL": _ADDRESS}
    text = "[a](#b) [c](https://d.example) [e](f.md#g)\n```md\n[h](i.md)\n```\n"

    assert as_page(text, given, "2.0") == text.replace("f.md", f"{_ADDRESS}/blob/v2.0/f.md")
    assert as_page(text, {}, "2.0") == text
    assert project_urls({**given, "MFWB_DOCUMENTATION_URL": "https://j.example"}, "2.0")[
        "Documentation"
    ] == ("https://j.example")
