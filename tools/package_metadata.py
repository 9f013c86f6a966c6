"""A hook of hatchling: README.md as the page on PyPI, and the addresses of the project.

The repository's files name no address. A build that is given one makes every relative link of
README.md absolute, and names repository, issues, changelog and documentation in the metadata:

    MFWB_REPOSITORY_URL=https://host/owner/name MFWB_RELEASE_TAG=v1.2.3 make wheel

The release workflow does. GITHUB_REPOSITORY is not read: whoever builds mfwb in a workflow of their
own has that, and it names their repository.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

__all__ = ["PackageMetadata", "as_page", "project_urls"]

_LINK = re.compile(r"(!?)\[([^\]\n]*)\]\((?![a-z]+:|#)([^)\s]+)\)")
_CODE = re.compile(r"(^(?:```|~~~).*?^(?:```|~~~)\s*$)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)


class PackageMetadata(MetadataHookInterface):
    """Gives the package its description, and its addresses if the build knows them."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `readme`, and `urls` if there are any."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": as_page(text, os.environ, metadata["version"]),
        }
        metadata["urls"] = project_urls(os.environ, metadata["version"])


def as_page(text: str, environment: Mapping[str, str], version: str) -> str:
    """Return README.md as other sites can show it: no comments, and no relative link if possible.

    Args:
        text: of README.md.
        environment: variables of the build.
        version: of the package.
    """
    repository, tag = _repository(environment), _tag(environment, version)
    parts = _CODE.split(_COMMENT.sub("", text))
    if repository:
        parts[::2] = [_with_absolute_links(part, repository, tag) for part in parts[::2]]
    return "".join(parts)


def _with_absolute_links(text: str, repository: str, tag: str) -> str:
    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link[1] else "blob"  # a page can't show an image's page
        return f"{link[1]}[{link[2]}]({repository}/{kind}/{tag}/{link[3]})"

    return _LINK.sub(absolute, text)


def project_urls(environment: Mapping[str, str], version: str) -> dict[str, str]:
    """Return the addresses of the project by their names; none if the build was given none."""
    repository, tag = _repository(environment), _tag(environment, version)
    if not repository:
        return {}
    return {
        "Repository": repository,
        "Issues": f"{repository}/issues",
        "Changelog": f"{repository}/blob/{tag}/CHANGELOG.md",
        "Documentation": environment.get("MFWB_DOCUMENTATION_URL")
        or f"{repository}/blob/{tag}/docs/index.md",
    }


def _repository(environment: Mapping[str, str]) -> str:
    return environment.get("MFWB_REPOSITORY_URL", "").rstrip("/")


def _tag(environment: Mapping[str, str], version: str) -> str:
    return environment.get("MFWB_RELEASE_TAG") or f"v{version}"
