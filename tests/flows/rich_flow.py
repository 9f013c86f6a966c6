"""A little of everything that a W&B run can have: what a verification has to find if damaged."""

import io
import re
import sys

import numpy as np
import pandas as pd
from metaflow import FlowSpec, Parameter, card, step
from PIL import Image


def picture(shade):
    """Return a PNG."""
    file = io.BytesIO()
    Image.new("L", (4, 3), shade).save(file, format="PNG")
    return file.getvalue()


class RichFlow(FlowSpec):
    """start -> each x 2 -> gather -> end."""

    rate = Parameter("rate", default=0.5)
    label = Parameter("label", default="blue")

    @step
    def start(self):
        """Make values of all kinds, a table, an array, and an object that nobody can show."""
        self.count = 3
        self.on = True
        self.ratio = 0.1
        self.nothing = float("nan")
        self.text = "one"
        self.mapping = {"x": 1, "y": [1, 2]}
        self.frame = pd.DataFrame({"n": range(4)})
        self.array = np.arange(10)
        self.pattern = re.compile("a+")
        self.plot = picture(200)
        self.album = [Image.new("L", (2, 2), shade) for shade in (10, 20)]
        self.matrix = np.eye(3)
        print("first line")
        print("second line")
        sys.stderr.write("a warning\n")
        self.items = ["a", "b"]
        self.next(self.each, foreach="items")

    @card(type="blank")
    @step
    def each(self):
        """Make a number, a curve and a table per item."""
        self.item = self.input
        self.score = 10 * (self.index + 1)
        self.curve = [float(self.index), float(self.index) / 2, 3.0]
        self.part = self.frame.assign(item=self.item)
        print(f"working on {self.item}")
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Choose one part and collect the scores."""
        self.part = inputs[1].part
        self.scores = [one.score for one in inputs]
        self.merge_artifacts(inputs, include=["frame", "pattern"])
        self.next(self.end)

    @step
    def end(self):
        """Make the last table, and the first one anew."""
        self.total = self.part.assign(size=len(self.frame))
        self.frame = self.frame.assign(late=True)


if __name__ == "__main__":
    RichFlow()
