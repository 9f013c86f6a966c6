"""A step that is tried twice, one whose exception is caught, and one that ends the flow run."""

import pandas as pd
from metaflow import FlowSpec, catch, current, retry, step


class FailingFlow(FlowSpec):
    """start -> (again, caught) -> join -> end, which fails."""

    @step
    def start(self):
        """Begin."""
        self.x = 1
        self.next(self.again, self.caught)

    @retry(times=1, minutes_between_retries=0)
    @step
    def again(self):
        """Fail at the first attempt."""
        if current.retry_count == 0:
            raise ValueError("first try")
        self.y = 2
        self.next(self.join)

    @catch(var="problem")
    @step
    def caught(self):
        """Fail, and be forgiven."""
        raise KeyError("forgiven")
        self.next(self.join)

    @step
    def join(self, inputs):
        """Go on."""
        self.merge_artifacts(inputs, exclude=["problem"])
        self.next(self.end)

    @step
    def end(self):
        """Fail for good, after an artifact was made."""
        self.evidence = pd.DataFrame({"e": [1]})
        print("about to fail")
        raise RuntimeError("this is the end")


if __name__ == "__main__":
    FailingFlow()
