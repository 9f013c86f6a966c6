"""A step whose first attempt fails after it touched what the second one leaves alone."""

from metaflow import FlowSpec, current, retry, step


class TriedTwice(FlowSpec):
    """start -> shaky, twice -> end."""

    @step
    def start(self):
        """Write."""
        self.data = [1]
        self.next(self.shaky)

    @retry(times=1, minutes_between_retries=0)
    @step
    def shaky(self):
        """Fail at first."""
        self.tries = current.retry_count + 1
        if self.tries == 1:
            self.lost = "of the first attempt"
            raise ValueError("first try")
        self.result = sum(self.data)
        self.next(self.end)

    @step
    def end(self):
        """Read."""
        self.report = f"{self.result} after {self.tries}"


if __name__ == "__main__":
    TriedTwice()
