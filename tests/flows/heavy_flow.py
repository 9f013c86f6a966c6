"""A flow with an artifact that takes a while to upload."""

import os

from metaflow import FlowSpec, step


class HeavyFlow(FlowSpec):
    """Two steps, the first of which makes a large artifact."""

    @step
    def start(self):
        """Make something that can't be compressed."""
        self.weights = os.urandom(16_000_000)
        self.next(self.end)

    @step
    def end(self):
        """Use it."""
        self.size = len(self.weights)


if __name__ == "__main__":
    HeavyFlow()
