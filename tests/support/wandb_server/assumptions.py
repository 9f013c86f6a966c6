"""Behaviour of the real server that could not be observed; each choice can be switched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the stand-in does where the real server's behaviour is not known.

    Attributes:
        history_on_reinit: what a run that is opened again is told about its history.
            "counted" reports its rows, and the client appends after them; "uncounted"
            reports none, and the new rows are appended all the same; "overwritten" reports
            none, and the new rows take the places of the first ones.
        dedupe: which versions a new digest is compared with: all committed versions of
            the "collection", or only its "newest" one (the SDK's docstring of
            Artifact.digest speaks of the latest version only).
        aliases_on_dedupe: whether the aliases of a deduplicated CreateArtifact, `latest`
            among them, are "moved" to the version that is there, or "ignored".
        second_producer: whether a run that logs content which is there already gets an
            output "edge" to that version, or "none".
    """

    history_on_reinit: Literal["counted", "uncounted", "overwritten"] = "counted"
    dedupe: Literal["collection", "newest"] = "collection"
    aliases_on_dedupe: Literal["moved", "ignored"] = "moved"
    second_producer: Literal["edge", "none"] = "edge"
