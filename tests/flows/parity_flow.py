"""One flow, with W&B's own decorator or without it: PARITY_DECORATED=1 decides."""

import os

import numpy as np
import pandas as pd
from metaflow import FlowSpec, Parameter, step

if os.environ.get("PARITY_DECORATED"):
    from wandb.integration.metaflow import wandb_log

    decorate = wandb_log(datasets=True, models=True, others=True)
else:

    def decorate(flow):
        """Leave the flow as it is."""
        return flow


@decorate
class ParityFlow(FlowSpec):
    """A linear beginning, a foreach, a join."""

    rate = Parameter("rate", default=0.25)
    label = Parameter("label", default="blue")

    @step
    def start(self):
        """Make values and a frame."""
        self.frame = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5]})
        self.count = 3
        self.ratio = self.rate * 2
        self.on = True
        self.title = "first"
        self.history = [3.0, 2.0, 1.0]
        self.mapping = {"x": 1, "y": [1, 2]}
        self.array = np.arange(100)
        self.items = [1, 2]
        self.next(self.fit, foreach="items")

    @step
    def fit(self):
        """Fit a model."""
        from sklearn.linear_model import LinearRegression

        self.weight = self.input
        data = self.frame * self.weight
        self.scaled = data
        self.model = LinearRegression().fit(data[["a"]], data["b"])
        self.score = float(self.model.score(data[["a"]], data["b"]))
        self.next(self.join)

    @step
    def join(self, inputs):
        """Choose a model."""
        self.model = inputs[0].model
        self.scores = [one.score for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Use it."""
        self.result = pd.DataFrame({"p": self.model.predict(pd.DataFrame({"a": [1, 2]}))})


if __name__ == "__main__":
    ParityFlow()
