"""A sweep: a nested foreach, a join that picks the best, and a table for other flow runs."""

from __future__ import annotations

import pandas as pd
from metaflow import FlowSpec, Parameter, catch, current, retry, step


class Fitted:
    """A model of the flow's own."""

    def __init__(self, rate: float) -> None:
        self.rate = rate


class SweepFlow(FlowSpec):
    """Try rates and depths, and keep the best."""

    size = Parameter("size", default=3)
    foreach = Parameter("foreach", default="a parameter whose name mfwb uses, too")

    @step
    def start(self):
        """Make the data."""
        self.data = pd.DataFrame({"x": range(self.size)})
        self.groups = ["a", "b"]
        self.next(self.group, foreach="groups")

    @step
    def group(self):
        """Fan out again."""
        self.letter = self.input
        self.settings = [{"rate": 0.1, "depth": 1, "more": {"x": 1}}, {"rate": 0.2, "depth": 2}]
        self.next(self.train, foreach="settings")

    @retry(times=1, minutes_between_retries=0)
    @step
    def train(self):
        """Fit one model; one task fails at first."""
        if self.letter == "b" and current.retry_count == 0 and self.input["depth"] == 2:
            raise ValueError("tried again")
        self.accuracy = self.input["rate"] * len(self.data) + (0.5 if self.letter == "a" else 0)
        self.loss = 1 - self.accuracy
        self.model = Fitted(self.input["rate"])
        self.next(self.best_of_group)

    @step
    def best_of_group(self, inputs):
        """Pick the best of a group."""
        best = max(inputs, key=lambda task: task.accuracy)
        self.model, self.accuracy = best.model, best.accuracy
        self.merge_artifacts(inputs, include=["letter", "data"])
        self.next(self.best)

    @step
    def best(self, inputs):
        """Pick the best of all."""
        best = max(inputs, key=lambda task: task.accuracy)
        self.model, self.accuracy = best.model, best.accuracy
        self.data = best.data
        self.next(self.check)

    @catch(var="broke")
    @step
    def check(self):
        """Fail after a value."""
        self.score = 100 * self.accuracy
        self.checked = self.score / 0
        self.next(self.end)

    @step
    def end(self):
        """Report."""
        self.report = {"accuracy": self.accuracy}


if __name__ == "__main__":
    SweepFlow()
