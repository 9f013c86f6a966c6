"""A switch of two ways."""

from metaflow import FlowSpec, Parameter, step


class Switch(FlowSpec):
    """start -> fast or slow -> end."""

    speed = Parameter("speed", default="fast")

    @step
    def start(self):
        """Choose by what it wrote itself."""
        self.mode = "quick" if self.speed == "fast" else "thorough"
        self.data = [3, 1, 2]
        self.next({"quick": self.fast, "thorough": self.slow}, condition="mode")

    @step
    def fast(self):
        """Read one."""
        self.result = self.data[0]
        self.next(self.end)

    @step
    def slow(self):
        """Never happen."""
        self.result = min(self.data)
        self.next(self.end)

    @step
    def end(self):
        """Read what either way wrote."""
        self.report = f"{self.result} by {self.mode}"


if __name__ == "__main__":
    Switch()
