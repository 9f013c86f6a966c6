"""A flow whose only artifact tells its runs apart."""

import pandas as pd
from metaflow import FlowSpec, Parameter, step


class NumberedFlow(FlowSpec):
    """start -> end."""

    number = Parameter("number", default=1)

    @step
    def start(self):
        """Make a frame with the number in it."""
        self.frame = pd.DataFrame({"number": [self.number]})
        self.losses = [3.0, 2.0, 1.0]
        self.next(self.end)

    @step
    def end(self):
        """Use it."""
        self.total = int(self.frame["number"].sum())


if __name__ == "__main__":
    NumberedFlow()
