"""A linear step between two levels of foreach; the outermost join fails at first, for a resume."""

import os

from metaflow import FlowSpec, step


class FanBetween(FlowSpec):
    """start -> outer x 2 -> between -> inner x (1 + 2) -> join_inner x 2 -> join_outer -> end."""

    @step
    def start(self):
        """Fan out."""
        self.outers = [1, 2]
        self.note = "seen from inside"
        self.next(self.outer, foreach="outers")

    @step
    def outer(self):
        """Read the item."""
        self.size = self.input
        self.next(self.between)

    @step
    def between(self):
        """Make what the inner foreach iterates over."""
        self.parts = list(range(self.size))
        self.next(self.inner, foreach="parts")

    @step
    def inner(self):
        """Read the inner item and something from far above."""
        self.part = f"{self.note} {self.input}"
        self.next(self.join_inner)

    @step
    def join_inner(self, inputs):
        """Collect, and hand the size on."""
        self.collected = [one.part for one in inputs]
        self.merge_artifacts(inputs, include=["size"])
        self.next(self.join_outer)

    @step
    def join_outer(self, inputs):
        """Fail at first."""
        if os.environ.get("FAIL"):
            raise RuntimeError("as told")
        self.sizes = {one.size: one.collected for one in inputs}
        self.next(self.end)

    @step
    def end(self):
        """Read."""
        self.largest = max(self.sizes)


if __name__ == "__main__":
    FanBetween()
