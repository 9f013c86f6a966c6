"""A flow run that is killed while one of two siblings still works."""

import time

from metaflow import FlowSpec, step


class Killed(FlowSpec):
    """start -> each x 2, one of which never ends."""

    @step
    def start(self):
        """Fan out."""
        self.items = [0, 600]
        self.base = "read by both"
        self.next(self.each, foreach="items")

    @step
    def each(self):
        """Read, and sleep as long as the item says."""
        self.text = self.base
        time.sleep(self.input)
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Never happen."""
        self.texts = [one.text for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Never happen."""


if __name__ == "__main__":
    Killed()
