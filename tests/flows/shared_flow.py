"""A flow with one of each thing that a stranger might tamper with; its runs are copied for that."""

from pathlib import Path

import pandas as pd
from metaflow import FlowSpec, IncludeFile, Parameter, card, step


class SharedFlow(FlowSpec):
    """Three steps in a row."""

    rate = Parameter("rate", default=0.5)
    words = IncludeFile("words", default="words.txt")

    @card(type="blank")
    @step
    def start(self):
        """Make one of each."""
        self.frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
        self.number = 41
        self.values = {"left": [1, 2], "right": "text"}
        self.path = Path("words.txt").resolve()
        self.kept = [3, 1, 2]
        print("out: started")
        self.next(self.middle)

    @step
    def middle(self):
        """Read some, and change one."""
        self.number = self.number + len(self.frame)
        self.kept = sorted(self.kept)
        self.next(self.end)

    @step
    def end(self):
        """Read the rest."""
        print("out:", self.number, self.values, self.kept)


if __name__ == "__main__":
    SharedFlow()
