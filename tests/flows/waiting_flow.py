"""A frame that waits for somebody when it is loaded."""

import pandas as pd
from metaflow import FlowSpec, step

WAIT = (
    "__import__('pathlib').Path(__import__('os').environ['WAITING']).write_text("
    "str(__import__('os').getpid())) and __import__('time').sleep(900) "
    "if 'WAITING' in __import__('os').environ else __import__('pandas').DataFrame({'n': [1, 2]})"
)


class DataFrame:
    """Says that it is a DataFrame, and becomes one unless the variable WAITING names a file."""

    def __reduce__(self):
        return eval, (WAIT,)


DataFrame.__module__ = "pandas.core.frame"


class WaitingFlow(FlowSpec):
    """start -> end: what is written first, and what never would be."""

    @step
    def start(self):
        """Make what takes no time."""
        self.quick = pd.DataFrame({"n": range(4)})
        self.next(self.end)

    @step
    def end(self):
        """Make what waits."""
        self.slow = DataFrame()


if __name__ == "__main__":
    WaitingFlow()
