"""A flow with an artifact that changes its kind, and a join that may fail behind its choice."""

import numpy as np
import pandas as pd
from metaflow import FlowSpec, Parameter, step


class RetypedFlow(FlowSpec):
    """start -> train x 2 -> join -> end."""

    fails = Parameter("fails", default=False, type=bool)

    @step
    def start(self):
        """Make a table."""
        self.result = pd.DataFrame({"x": [1, 2]})
        self.items = [1, 2]
        self.next(self.train, foreach="items")

    @step
    def train(self):
        """Have a number and an array for the join to choose."""
        self.accuracy = self.input / 4
        self.weights = np.array([self.input])
        self.next(self.join)

    @step
    def join(self, inputs):
        """Choose, and fail if that is requested."""
        self.accuracy = inputs[1].accuracy
        self.weights = inputs[1].weights
        if self.fails:
            raise ValueError("it was requested")
        self.next(self.end)

    @step
    def end(self):
        """Use the name of the table for an array."""
        self.result = np.array([3, 4])


if __name__ == "__main__":
    RetypedFlow()
