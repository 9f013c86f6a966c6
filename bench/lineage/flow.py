"""A flow of many small tasks, for who came before whom."""
# mypy: allow-subclassing-any, allow-untyped-decorators

from typing import Any

from metaflow import FlowSpec, Parameter, step


class FanFlow(FlowSpec):
    """start -> work x count -> post x count -> join -> end."""

    count = Parameter("count", default=100)

    @step
    def start(self) -> None:
        """List the items."""
        self.items = list(range(self.count))
        self.next(self.work, foreach="items")

    @step
    def work(self) -> None:
        """Make a number."""
        self.number = self.input
        self.next(self.post)

    @step
    def post(self) -> None:
        """Make another one of it."""
        self.double = 2 * self.number
        self.next(self.join)

    @step
    def join(self, inputs: Any) -> None:
        """Collect."""
        self.total = sum(item.double for item in inputs)
        self.next(self.end)

    @step
    def end(self) -> None:
        """Show."""
        print(self.total)


if __name__ == "__main__":
    FanFlow()
