"""As small as a flow can be that has an edge."""

from metaflow import FlowSpec, Parameter, step


class TwoFlow(FlowSpec):
    """Two steps."""

    rate = Parameter("rate", default=0.5)

    @step
    def start(self):
        """Make a number."""
        self.number = 20
        print("out: started")
        self.next(self.end)

    @step
    def end(self):
        """Make another one of it."""
        self.double = 2 * self.number
        print("out: ended")


if __name__ == "__main__":
    TwoFlow()
