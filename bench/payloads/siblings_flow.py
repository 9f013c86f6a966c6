"""A flow whose foreach tasks all make the same large frame."""
# mypy: allow-subclassing-any, allow-untyped-decorators

from typing import Any

import numpy as np
import pandas as pd
from metaflow import FlowSpec, Parameter, step


class SiblingsFlow(FlowSpec):
    """start -> each x count -> join -> end."""

    count = Parameter("count", default=300)
    size = Parameter("size", default=10**8)

    @step
    def start(self) -> None:
        """List the siblings."""
        self.items = list(range(self.count))
        self.next(self.each, foreach="items")

    @step
    def each(self) -> None:
        """Make what all others make; zeros, so that Metaflow is soon done with it."""
        self.shared = pd.DataFrame({"zero": np.zeros(self.size // 8)})
        self.next(self.join)

    @step
    def join(self, inputs: Any) -> None:
        """Count."""
        print(sum(1 for _ in inputs))
        self.next(self.end)

    @step
    def end(self) -> None:
        """End."""


if __name__ == "__main__":
    SiblingsFlow()
