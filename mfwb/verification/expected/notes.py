"""What the notes of a W&B run should contain."""

from __future__ import annotations

import json

from mfwb.config import StepSettings
from mfwb.snapshot.pathspec import parts_of

__all__ = ["expect_notes"]

_DOC_LIMIT = 10_000  # characters; a longer docstring is shortened


def expect_notes(path: str, doc: str | None, settings: StepSettings) -> tuple[str, ...]:
    """Return the texts that the notes have to contain; none if the user wants no notes.

    Args:
        path: of the step or task.
        doc: the docstring of the step.
        settings: of the step.
    """
    own = settings.wandb.get("run_notes")
    if isinstance(own, str) and not own.strip():
        return ()
    kind = "Task" if len(parts_of(path)) > len(("flow", "run", "step")) else "Step"
    texts = [own or "", f"{kind.lower()} = {kind}({json.dumps(path)})"]
    lines = (doc or "").strip().split("\n")
    if len(doc or "") <= _DOC_LIMIT and all(line.isprintable() for line in lines):
        texts.append("\n".join(lines))
    return tuple(text for text in texts if text)
