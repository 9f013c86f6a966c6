"""First and last step go by names of their own."""

from metaflow import FlowSpec, Parameter, step


class CustomEnds(FlowSpec):
    """ingest -> work -> publish."""

    source = Parameter("source", default="here")

    @step(start=True)
    def ingest(self):
        """Begin."""
        self.raw = [self.source]
        self.next(self.work)

    @step
    def work(self):
        """Go on."""
        self.clean = [text.upper() for text in self.raw]
        self.next(self.publish)

    @step(end=True)
    def publish(self):
        """Finish."""
        self.report = f"{self.clean} from {self.source}"


if __name__ == "__main__":
    CustomEnds()
