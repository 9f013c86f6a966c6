"""A step whose exception is caught, with what it wrote before."""

from metaflow import FlowSpec, catch, step


class Caught(FlowSpec):
    """start -> risky x 2 -> gather -> end."""

    @step
    def start(self):
        """Fan out."""
        self.items = [0, 1]
        self.base = 12
        self.next(self.risky, foreach="items")

    @catch(var="problem", print_exception=False)
    @step
    def risky(self):
        """Fail for one of the items, in the middle."""
        self.before = self.base
        self.share = self.before / self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Look at what went wrong."""
        self.failed = [str(one.problem) for one in inputs if one.problem]
        self.shares = [one.share for one in inputs if not one.problem]
        self.before = inputs[0].before
        self.next(self.end)

    @step
    def end(self):
        """Read."""
        self.text = f"{len(self.failed)} of {len(self.failed) + len(self.shares)}: {self.before}"


if __name__ == "__main__":
    Caught()
