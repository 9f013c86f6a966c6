"""Checks of the settings: whether they hold, and which files count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mfwb.config import Layer
from mfwb.diagnosis.check import Check, passed, warned
from mfwb.settings_files import load_trust
from mfwb.settings_inventory import list_active_files

__all__ = ["check_files", "describe_layers"]

_GROUP = "Settings"


def describe_layers(layers: Sequence[Layer]) -> Check:
    """Return a check that says which sources set something."""
    sources = [layer.origin for layer in layers if layer.values]
    text = f"valid; set by {', '.join(sources)}" if sources else "valid; all have their defaults"
    return passed(_GROUP, "values", text)


def check_files(config: Path | None) -> Iterator[Check]:
    """Yield a check of each settings file, of mfwb and of the SDKs, and of the masks."""
    trust = load_trust()
    for file in list_active_files(config):
        reason = file.refusal_reason(trust)
        name = "file"
        if reason is not None:
            yield warned(
                _GROUP,
                name,
                f"{file.file.path} does not count: {reason}",
                "`mfwb config` shows it; `mfwb config trust` trusts it, if you do",
            )
        elif file.sends_key_in_the_clear:
            yield warned(
                _GROUP,
                name,
                f"{file.file.path} names a server with http://, to which keys go unencrypted",
                "name it with https://",
            )
        else:
            yield passed(_GROUP, name, f"{file.file.path} counts ({file.file.origin.value})")
    yield passed(
        _GROUP,
        "masks",
        "no masks are configured: values of flow runs are synced as they are; logs of bugs mask "
        "keys, tokens, passwords, and users and queries in URLs",
    )
