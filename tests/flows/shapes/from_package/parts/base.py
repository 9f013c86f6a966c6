"""The base class: first and last step, and a helper."""

from metaflow import FlowSpec, Parameter, step


class Base(FlowSpec):
    """Begins and ends."""

    scale = Parameter("scale", default=3)

    def scaled(self, number):
        """Read a parameter and an artifact."""
        return number * self.scale + self.offset

    @step
    def start(self):
        """Write what all read."""
        self.offset = 1
        self.unread = "by nobody"
        self.next(self.work)

    @step
    def end(self):
        """Read what a mixin wrote."""
        self.report = f"{self.result} {self.mixed}"
