"""Tables, arrays, models and paths, in a foreach too; a join that picks, a step that passes on."""

from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
from metaflow import Config, FlowSpec, IncludeFile, Parameter, card, step
from sklearn.linear_model import LinearRegression


class Thing:
    """Known to this script alone."""

    def __init__(self, number):
        self.number = number


class TablesFlow(FlowSpec):
    """start -> fit x 3 -> pick -> keep -> end."""

    seed = Parameter("seed", default=0)
    settings = Config("settings", default_value='{"size": 3, "empty": {}}')
    words = IncludeFile("words", default="words.txt")

    @card(type="blank")
    @step
    def start(self):
        """Write tables."""
        rows = range(5)
        self.frame = pd.DataFrame({"x": rows, "y": [row * 2.0 + self.seed for row in rows]})
        self.dated = pd.DataFrame(
            {"when": pd.date_range("2024-01-01", periods=3, tz="UTC"), "what": ["a", None, "ü"]},
            index=pd.Index([3, 1, 2], name="key"),
        )
        self.odd = pd.DataFrame({"cell": [{"a": 1}, {"b": "x"}], "pair": [(1, 2), (3, 4)]})
        self.parts = {"train": self.frame.head(3), "test": self.frame.tail(2)}
        self.list_of_parts = [self.frame.head(1), self.frame.tail(1)]
        self.array = np.arange(6, dtype="float32").reshape(2, 3) + self.seed
        self.unfitted = LinearRegression()
        self.thing = Thing(self.seed)
        self.path = Path("words.txt").resolve()
        self.day = date(2024, 2, 29)
        self.moment = datetime(2024, 1, 2, 3, 4, 5, 678, tzinfo=timezone.utc)
        self.price = Decimal("1.10")
        self.uuid = UUID(int=5 + self.seed)
        self.small = np.float32(0.5)
        self.whole = np.int64(2**62)
        self.yes = np.bool_(1)
        self.long_text = "x" * 150_000
        self.many = {"all": list(range(40_000)), "none": {}}
        self.sizes = [1, 2, 3]
        self.next(self.fit, foreach="sizes")

    @step
    def fit(self):
        """Fit a model for each size."""
        self.model = LinearRegression().fit(self.frame[["x"]] * self.input, self.frame["y"])
        self.part = self.frame.head(self.input)
        self.score = float(self.model.coef_[0])
        self.next(self.pick)

    @step
    def pick(self, inputs):
        """Pick the second one."""
        self.model = inputs[1].model
        self.part = inputs[1].part
        self.merge_artifacts(inputs, include=["frame", "array"])
        self.next(self.keep)

    @step
    def keep(self):
        """Read one, write another, hand on the rest."""
        self.array = self.array + 1
        self.rows = len(self.frame)
        self.next(self.end)

    @step
    def end(self):
        """Use the model."""
        self.predicted = pd.DataFrame({"p": self.model.predict(self.frame[["x"]])})


if __name__ == "__main__":
    TablesFlow()
