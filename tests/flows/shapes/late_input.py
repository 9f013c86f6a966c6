"""A foreach whose first step does not look at its item; a later one does."""

from metaflow import FlowSpec, step


class LateInput(FlowSpec):
    """start -> blind x 2 -> seeing x 2 -> gather -> end."""

    @step
    def start(self):
        """Fan out."""
        self.items = ["x", "y"]
        self.hint = "only for the blind"
        self.next(self.blind, foreach="items")

    @step
    def blind(self):
        """Read its position only."""
        self.place = f"{self.hint} {self.index}"
        self.next(self.seeing)

    @step
    def seeing(self):
        """Read the item."""
        self.word = self.input + self.place
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Collect."""
        self.words = [one.word for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Read nothing."""


if __name__ == "__main__":
    LateInput()
