"""A linear flow with an artifact of each kind."""

from pathlib import Path

import pandas as pd
from metaflow import Config, FlowSpec, IncludeFile, JSONType, Parameter, step


class Thing:
    """A class that exists nowhere but in this script."""

    def __init__(self, number):
        self.number = number


class LinearFlow(FlowSpec):
    """Three steps in a row."""

    unit = "meter"
    rate = Parameter("rate", default=0.5)
    extra = Parameter("extra", type=JSONType, default='{"depth": [1, 2]}')
    settings = Config("settings", default_value='{"size": 3}')
    words = IncludeFile("words", default="words.txt")

    @step
    def start(self):
        """Make one of each."""
        self.frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
        self.number = 41
        self.text = "grün"
        self.nothing = None
        self.missing = float("nan")
        self.losses = [1.0, 0.5, 0.25]
        self.nested = {"left": [1, {"deep": True}], "right": {2, 1}}
        self.frames = {"train": self.frame, "test": self.frame.tail(1)}
        self.path = Path("words.txt").resolve()
        self.gone = Path("/nowhere/at/all.csv")
        self.thing = Thing(7)
        self._own = "private"
        print("out: started")
        self.next(self.middle)

    @step
    def middle(self):
        """Change one, read another."""
        self.number = self.number + 1
        self.next(self.end)

    @step
    def end(self):
        """Make a model."""
        from sklearn.linear_model import LogisticRegression

        self.model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])


if __name__ == "__main__":
    LinearFlow()
