"""A flow with one artifact that is as large as a model, and as hard to compress."""
# mypy: allow-subclassing-any, allow-untyped-decorators

import numpy as np
from metaflow import FlowSpec, Parameter, step


class Weights:
    """Numbers of a class that nobody else knows."""

    def __init__(self, size: int) -> None:
        self.values = np.random.default_rng(1).standard_normal(size // 4, dtype=np.float32)


class WeightsFlow(FlowSpec):
    """start -> end."""

    size = Parameter("size", default=10**9)

    @step
    def start(self) -> None:
        """Make it."""
        self.weights = Weights(self.size)
        self.next(self.end)

    @step
    def end(self) -> None:
        """End."""


if __name__ == "__main__":
    WeightsFlow()
