"""A flow whose steps all make `x` and `y`; tests give its copies contents that they share."""

import numpy as np
import pandas as pd
from metaflow import FlowSpec, step


class SharingFlow(FlowSpec):
    """start -> each x 2 -> join -> end."""

    @step
    def start(self):
        """Make contents of two types, and the first `x` and `y`."""
        self.array1 = np.arange(5)
        self.array2 = np.arange(6)
        self.array3 = np.arange(7)
        self.frame1 = pd.DataFrame({"n": [1]})
        self.frame2 = pd.DataFrame({"n": [2]})
        self.x = np.arange(8)
        self.y = np.arange(9)
        self.items = [0, 1]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        """Make others, that may be those of a sibling."""
        self.x = self.x + self.input
        self.y = self.y * 2
        self.next(self.join)

    @step
    def join(self, inputs):
        """Choose."""
        self.x = sum(one.x for one in inputs)
        self.y = sum(one.y for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        """Use it."""
        print(self.x, self.y)


if __name__ == "__main__":
    SharingFlow()
