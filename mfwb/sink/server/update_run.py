"""Changing the words of a W&B run that is complete: no run is opened, nothing is uploaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mfwb.sink.content.edits import EditRule, Merged, merged
from mfwb.sink.content.run_texts import Words, words_there
from mfwb.sink.server.existing_runs import Existing, ExistingRuns

__all__ = ["amend", "differ_in_words", "write_words"]


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
        write_words(handle, both.words)
        handle.summary.update(dict(done))
        return both

    return runs.ask_anew(found, deed, f"change the words of {words.name}")


def write_words(handle: Any, words: Words) -> None:
    """Have a W&B run say these words, and no others; `handle` is W&B's own for it."""
    handle.config.clear()
    handle.config.update(words.config)
    handle.tags = list(words.tags)
    handle.display_name, handle.group = words.name, words.group
    handle.job_type = words.job_type
    handle.notes = words.notes or (handle.notes and "")
    handle.update()


def differ_in_words(complete: str, fingerprint: str) -> bool:
    """Whether what is there and what is planned are the same but for words."""
    return complete.partition(".")[0] == fingerprint.partition(".")[0]
