"""Few steps and few artifacts, for datastores where each costs a second."""

import pandas as pd
from metaflow import FlowSpec, IncludeFile, card, step


class Thing:
    """A class that exists nowhere but in this script."""

    def __init__(self, text):
        self.text = text


class StoredFlow(FlowSpec):
    """start -> end, with one artifact of each way to W&B."""

    words = IncludeFile("words", default="words.txt")

    @step
    def start(self):
        """Make a table, an object that goes as it is, a number and a curve."""
        self.frame = pd.DataFrame({"a": range(1000)})
        self.thing = Thing("x" * 3_000_000)
        self.number = 41
        self.losses = [1.0, 0.5, 0.25]
        print("out: started")
        self.next(self.end)

    @card
    @step
    def end(self):
        """Use both."""
        self.total = self.frame.assign(size=len(self.thing.text))


if __name__ == "__main__":
    StoredFlow()
