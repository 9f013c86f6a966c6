"""Inspections of artifacts: their bytes are loaded and looked at together, each content once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mfwb.conversion.inspector import inspect_each
from mfwb.conversion.inspector_child import Answer, Inspect, Inspection, inspect_here
from mfwb.payload.batches import load_each
from mfwb.planning import Content
from mfwb.ports import Contents

__all__ = ["Inspections"]


@dataclass(frozen=True, slots=True)
class Inspections:
    """Inspects the contents of a flow run.

    Attributes:
        contents: source of their bytes.
        inspect: inspects these.
        known: answers that need not be asked for again, by inspection and sha1.
    """

    contents: Contents
    inspect: Inspect = inspect_here
    known: Mapping[tuple[Inspection, str], Answer] = field(default_factory=dict)

    def of(self, look: Inspection, wanted: Iterable[Content]) -> Iterator[tuple[Content, Answer]]:
        """Yield the result of an inspection of each distinct content."""
        unknown = []
        for content in {content.sha1: content for content in wanted}.values():
            answer = self.known.get((look, content.sha1))
            if answer is None:
                unknown.append(content)
            else:
                yield content, answer
        yield from inspect_each(self.inspect, look, load_each(unknown, self.contents))

    def of_files(
        self, look: Inspection, files: Iterable[tuple[Content, Path]]
    ) -> Iterator[tuple[Content, Answer]]:
        """Yield the same for contents that are in files, so that they need not be loaded again."""
        unknown = []
        for content, path in files:
            answer = self.known.get((look, content.sha1))
            if answer is None:
                unknown.append((content, path))
            else:
                yield content, answer
        loaded = ((content, path.read_bytes()) for content, path in unknown)
        yield from inspect_each(self.inspect, look, loaded)
