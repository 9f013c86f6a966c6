"""A flow with many siblings, each of which makes a candidate; one of them is picked."""

from types import SimpleNamespace

import pandas as pd
from metaflow import FlowSpec, Parameter, step


class WideFlow(FlowSpec):
    """start -> train x width -> pick -> end."""

    width = Parameter("width", default=8)
    twins = Parameter("twins", default=False, type=bool, help="two siblings make equal tables")

    @step
    def start(self):
        """Fan out."""
        self.items = list(range(self.width))
        self.next(self.train, foreach="items")

    @step
    def train(self):
        """Make a candidate; every third one is like the first."""
        self.model = SimpleNamespace(number=self.input if self.input % 3 else 0)
        if self.twins and self.input < 2:
            # Equal values, pickled differently: one string twice, or two strings.
            words = ["equal", "equal"] if self.input else ["equal", str(b"equal", "ascii")]
            self.twin = pd.DataFrame({"word": words}, dtype=object)
        self.next(self.pick)

    @step
    def pick(self, inputs):
        """Pick one in the middle."""
        self.model = inputs[self.width // 2].model
        self.next(self.end)

    @step
    def end(self):
        """Use it."""
        print(self.model)


if __name__ == "__main__":
    WideFlow()
