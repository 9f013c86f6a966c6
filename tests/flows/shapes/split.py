"""A static split and its join."""

from metaflow import FlowSpec, step


class Split(FlowSpec):
    """start -> (left, right) -> meet -> end."""

    @step
    def start(self):
        """Split."""
        self.base = 10
        self.next(self.left, self.right)

    @step
    def left(self):
        """Read, write what the other branch writes too."""
        self.value = self.base + 1
        self.only_left = "l"
        self.next(self.meet)

    @step
    def right(self):
        """Write without reading."""
        self.value = 2
        self.only_right = "r"
        self.next(self.meet)

    @step
    def meet(self, inputs):
        """Read of each branch what it has."""
        self.values = [inputs.left.value, inputs.right.value]
        self.side = inputs.right.only_right
        self.next(self.end)

    @step
    def end(self):
        """Read."""
        self.total = sum(self.values)


if __name__ == "__main__":
    Split()
