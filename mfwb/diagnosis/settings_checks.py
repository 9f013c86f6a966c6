"""Checks of the settings: whether they hold, and which files count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mfwb.config import Layer, Redaction
from mfwb.diagnosis.check import Check, passed, warned
from mfwb.settings_files import load_trust
from mfwb.settings_inventory import list_active_files

__all__ = ["check_files", "check_masks", "describe_layers"]

_GROUP = "Settings"


def describe_layers(layers: Sequence[Layer]) -> Check:
    """Return a check that says which sources set something."""
    sources = [layer.origin for layer in layers if layer.values]
    text = f"valid; set by {', '.join(sources)}" if sources else "valid; all have their defaults"
    return passed(_GROUP, "values", text)


def check_files(config: Path | None) -> Iterator[Check]:
    """Yield a check of each settings file, of mfwb and of the SDKs."""
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


def check_masks(redact: Redaction) -> Check:
    """Return a check that says what is masked in flow runs."""
    if not redact.enabled:
        return warned(
            _GROUP,
            "masks",
            "masks are off: secrets in parameters, values and logs of flow runs go to W&B",
            "remove redact = false, or exempt single names: docs/settings.md",
        )
    parts = [
        f"{len(given):,} {noun} of yours"
        for given, noun in ((redact.patterns, "patterns"), (redact.names, "names"))
        if given
    ]
    text = " and ".join(["what is named or shaped like a secret is masked", *parts])
    if redact.exempt:
        text += f"; never: {', '.join(redact.exempt)}"
    return passed(_GROUP, "masks", text)
