"""A small flow with something of each kind: candidates, curves and media."""

import numpy as np
import pandas as pd
from metaflow import FlowSpec, step
from PIL import Image


class BusyFlow(FlowSpec):
    """start -> train x 4 -> pick -> end."""

    @step
    def start(self):
        """Make what all use, and fan out."""
        self.data = pd.DataFrame({"number": [1, 2]})
        self.rates = [0.5, 0.25, 0.125, 0.0625]
        self.next(self.train, foreach="rates")

    @step
    def train(self):
        """Make a candidate, a curve and an image; the last candidate is equal to the first."""
        rate = self.rates[self.index % 3]
        self.model = np.full(300, rate)
        self.score = 1 - rate
        self.metrics = pd.DataFrame({"epoch": [10, 20], "loss": [rate, rate / len(self.data)]})
        self.picture = Image.new("RGB", (8, 8), (40 * self.index, 0, 0))
        self.next(self.pick)

    @step
    def pick(self, inputs):
        """Pick one of them."""
        self.model = inputs[2].model
        self.next(self.end)

    @step
    def end(self):
        """Use it."""
        self.total = float(self.model.sum())


if __name__ == "__main__":
    BusyFlow()
