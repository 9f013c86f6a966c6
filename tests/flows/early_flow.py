"""A flow that may come to an early end, of which no task says that it failed."""

import os

from metaflow import FlowSpec, Parameter, step


class EarlyFlow(FlowSpec):
    """start -> work -> end."""

    how = Parameter("how", default="fine", help="exit, return, raise or fine")

    @step
    def start(self):
        """Go on."""
        self.done = 1
        self.next(self.work)

    @step
    def work(self):
        """End as if all were well, or go on."""
        if self.how == "exit":
            os._exit(0)
        if self.how == "raise":
            raise ValueError("it broke")
        if self.how == "return":
            return
        self.next(self.end)

    @step
    def end(self):
        """End."""


if __name__ == "__main__":
    EarlyFlow()
