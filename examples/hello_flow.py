"""The smallest flow: two steps, and no packages but Metaflow."""

from metaflow import FlowSpec, Parameter, step


class HelloFlow(FlowSpec):
    """Add some numbers."""

    count = Parameter("count", default=3, help="How many numbers are added.")

    @step
    def start(self):
        """Make the numbers."""
        self.numbers = list(range(self.count))
        self.next(self.end)

    @step
    def end(self):
        """Add them."""
        self.total = sum(self.numbers)


if __name__ == "__main__":
    HelloFlow()
