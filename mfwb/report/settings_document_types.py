"""The types of the documents of `mfwb config`; their schemas are made from them."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

__all__ = ["SettingsDocument", "TrustDocument", "UntrustDocument"]


class SettingDocument(TypedDict):
    """One setting that some source sets.

    Attributes:
        name: its name, with the tables that it is in.
        value: its value, or stars if that may be a secret.
        origin: the source that set it.
    """

    name: str
    value: Any
    origin: str


class SettingsFileDocument(TypedDict):
    """One settings file.

    Attributes:
        path: its path.
        origin: why it is read.
        counts: whether its settings are in force.
        reason: why they are not; null: they are.
        trusted: whether `mfwb config trust` was given for it as it is now.
        sensitive: names of its settings that could do harm.
    """

    path: str
    origin: str
    counts: bool
    reason: str | None
    trusted: bool
    sensitive: list[str]


class SettingsDocument(TypedDict):
    """What `mfwb config` prints with `--json`.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        command: config.
        settings: the settings that some source sets; all others have their defaults.
        files: the settings files.
        confined_by: what confines the conversion of pickles.
    """

    version: Literal[1]
    command: str
    settings: list[SettingDocument]
    files: list[SettingsFileDocument]
    confined_by: list[str]


class TrustedFileDocument(TypedDict):
    """A settings file that is trusted from now on.

    Attributes:
        path: its path, without links.
        settings: its settings that could do harm, by name.
        sends_key_in_the_clear: whether it names a server with http://.
    """

    path: str
    settings: dict[str, Any]
    sends_key_in_the_clear: bool


class TrustDocument(TypedDict):
    """What `mfwb config trust` prints with `--json`.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        command: config trust.
        trusted: the files.
    """

    version: Literal[1]
    command: str
    trusted: list[TrustedFileDocument]


class UntrustDocument(TypedDict):
    """What `mfwb config untrust` prints with `--json`.

    Attributes:
        version: of the form of this document; keys may be added without a new one.
        command: config untrust.
        untrusted: paths of the files that were trusted before.
    """

    version: Literal[1]
    command: str
    untrusted: list[str]
