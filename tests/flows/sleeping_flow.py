"""A flow that runs until it is killed."""

import time

from metaflow import FlowSpec, step


class SleepingFlow(FlowSpec):
    """start sleeps."""

    @step
    def start(self):
        """Sleep for longer than any test."""
        time.sleep(600)
        self.next(self.end)

    @step
    def end(self):
        """Never happen."""


if __name__ == "__main__":
    SleepingFlow()
