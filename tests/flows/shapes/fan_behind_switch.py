"""One way of a switch is a whole foreach, the other a single step."""

from metaflow import FlowSpec, Parameter, step


class FanBehindSwitch(FlowSpec):
    """start -> (many -> each x 2 -> gather, or one) -> end."""

    how = Parameter("how", default="many")

    @step
    def start(self):
        """Choose."""
        self.data = [4, 5]
        self.choice = self.how
        self.next({"many": self.many, "one": self.one}, condition="choice")

    @step
    def many(self):
        """Fan out over what came from before the switch."""
        self.next(self.each, foreach="data")

    @step
    def each(self):
        """Read the item."""
        self.double = self.input * 2
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Collect."""
        self.total = sum(one.double for one in inputs)
        self.next(self.end)

    @step
    def one(self):
        """Never happen."""
        self.total = sum(self.data)
        self.next(self.end)

    @step
    def end(self):
        """Read what either way wrote."""
        self.report = str(self.total)


if __name__ == "__main__":
    FanBehindSwitch()
