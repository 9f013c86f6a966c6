"""Changing the words of a W&B run that is complete: no run is opened, nothing is uploaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mfwb.sink.edits import EditRule, Merged, merged
from mfwb.sink.existing import Existing, ExistingRuns
from mfwb.sink.words import Words, words_there

__all__ = ["amend", "differ_in_words"]


def amend(
    runs: ExistingRuns,
    found: Existing,
    words: Words,
    done: Mapping[str, Any],
    rule: EditRule,
) -> Merged:
    """Bring names, tags and config of a W&B run up to date; what others wrote stays. SinkError.

    The summary, which says for which plan the W&B run is complete, is written last.

    Args:
        runs: of the project.
        found: the W&B run.
        words: what it is to say.
        done: what marks it, in the summary, as complete.
        rule: about what others changed.

    Returns:
        What it says now, and what others had changed.
    """

    def deed(handle: Any) -> Merged:
        both = merged(words, words_there(handle), rule)
        handle.config.clear()
        handle.config.update(both.words.config)
        handle.tags = list(both.words.tags)
        handle.display_name, handle.group = both.words.name, both.words.group
        handle.job_type = both.words.job_type
        handle.notes = both.words.notes or (handle.notes and "")
        handle.update()
        handle.summary.update(dict(done))
        return both

    return runs.ask_anew(found, deed, f"change the words of {words.name}")


def differ_in_words(complete: str, fingerprint: str) -> bool:
    """Whether what is there and what is planned are the same but for words."""
    return complete.partition(".")[0] == fingerprint.partition(".")[0]
