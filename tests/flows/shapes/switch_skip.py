"""A switch that can lead past a step."""

from metaflow import FlowSpec, Parameter, step


class SwitchSkip(FlowSpec):
    """start -> check -> (work ->) end."""

    way = Parameter("way", default="work")

    @step
    def start(self):
        """Write what a later step chooses by."""
        self.decision = self.way
        self.data = 1
        self.next(self.check)

    @step
    def check(self):
        """Choose by what came from before."""
        self.next({"work": self.work, "skip": self.end}, condition="decision")

    @step
    def work(self):
        """Change the data."""
        self.data = self.data + 1
        self.next(self.end)

    @step
    def end(self):
        """Read what may have been changed on the way."""
        self.result = self.data


if __name__ == "__main__":
    SwitchSkip()
