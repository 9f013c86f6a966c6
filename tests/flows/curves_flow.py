"""Curves in the shapes in which libraries leave them."""

import pandas as pd
import polars as pl
import pyarrow as pa
from metaflow import FlowSpec, JSONType, Parameter, step


class CurvesFlow(FlowSpec):
    """A training with a history of each kind."""

    options = Parameter("options", type=JSONType, default='{"callbacks": {}}')
    points = Parameter("points", type=int, default=40)

    @step
    def start(self):
        """Train."""
        self.loss_curve = [0.9, 0.5, 0.25]  # as scikit-learn's `loss_curve_`
        self.layers = [64, 32]  # a setting
        self.history = {"loss": [1.0, 0.5], "val_loss": [1.5, float("nan")], "acc": [0.1, 0.2]}
        self.acc = 0.7
        self.evals_result = {"train": {"rmse": [3.0, 2.0]}, "valid": {"rmse": [3.5, 2.5]}}
        self.epochs = [{"epoch": 1, "train/f1": 0.1}, {"epoch": 2, "train/f1": 0.2, "lr": 0.01}]
        gaps = {"epoch": [0, 0, 1, 1], "step": [9, 19, 29, 39]}
        self.metrics = pd.DataFrame(
            {**gaps, "train_loss": [1.5, None, 0.5, None], "val": [None, 2.0, None, 1.0]}
        )
        self.data = pd.DataFrame({"x": [1, 2], "y": [3, 4]})
        self.long = [number / 7 for number in range(self.points)]
        self.grid = [{"lr": 0.1}, {"lr": 0.2}]
        self.next(self.work, foreach="grid")

    @step
    def work(self):
        """Train one of several."""
        rate = self.input["lr"]
        self.loss = [rate, rate / 2, rate / 4]
        self.log = pl.DataFrame({"iteration": [10, 20], "reward": [rate, 2 * rate]})
        self.rounds = pa.table({"global_step": [1, 2], "entropy": [rate, 3 * rate]})
        self.score = self.loss[-1]
        self.next(self.join)

    @step
    def join(self, inputs):  # noqa: ARG002 - Metaflow gives them
        """Pick nothing."""
        self.next(self.end)

    @step
    def end(self):
        """Do nothing more."""


if __name__ == "__main__":
    CurvesFlow()
