"""One step, which is the first and the last."""

from metaflow import FlowSpec, Parameter, step


class SingleStep(FlowSpec):
    """only."""

    size = Parameter("size", default=3)

    @step(start=True, end=True)
    def only(self):
        """Read a parameter."""
        self.numbers = list(range(self.size))


if __name__ == "__main__":
    SingleStep()
