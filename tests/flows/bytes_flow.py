"""A flow whose only artifact tells its runs apart, and needs no other library to be read."""

from metaflow import FlowSpec, Parameter, step


class BytesFlow(FlowSpec):
    """start -> end."""

    number = Parameter("number", default=1)

    @step
    def start(self):
        """Make bytes with the number in them."""
        self.content = b"%d" % self.number * 300
        self.losses = [3.0, 2.0, 1.0]
        self.next(self.end)

    @step
    def end(self):
        """Use them."""
        self.size = len(self.content)


if __name__ == "__main__":
    BytesFlow()
