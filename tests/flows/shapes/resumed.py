"""A flow run that fails at a step, and is resumed from there."""

import os

from metaflow import FlowSpec, Parameter, step


class Resumed(FlowSpec):
    """start -> prepare -> work, which fails at first -> end."""

    size = Parameter("size", default=2)

    @step
    def start(self):
        """Write."""
        self.base = self.size
        self.next(self.prepare)

    @step
    def prepare(self):
        """Read and write."""
        self.data = list(range(self.base))
        self.next(self.work)

    @step
    def work(self):
        """Fail, if told to, after something was written."""
        self.seen = len(self.data)
        if os.environ.get("FAIL"):
            raise RuntimeError("as told")
        self.result = sum(self.data) + self.base
        self.next(self.end)

    @step
    def end(self):
        """Read what clones and new tasks wrote."""
        self.report = f"{self.result} of {self.base}"


if __name__ == "__main__":
    Resumed()
