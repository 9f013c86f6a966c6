"""A step that goes back to itself."""

from metaflow import FlowSpec, step


class Recursion(FlowSpec):
    """start -> loop x 3 -> end."""

    @step
    def start(self):
        """Begin to count."""
        self.count = 0
        self.limit = 3
        self.trace = []
        self.next(self.loop)

    @step
    def loop(self):
        """Each round reads what the one before wrote."""
        self.count += 1
        self.trace = [*self.trace, self.count]
        self.again = "yes" if self.count < self.limit else "no"
        self.next({"yes": self.loop, "no": self.end}, condition="again")

    @step
    def end(self):
        """Read the last round's."""
        self.total = sum(self.trace)


if __name__ == "__main__":
    Recursion()
