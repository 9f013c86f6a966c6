"""A flow run that fails, is edited to have a step more, and is resumed."""

import os

from metaflow import FlowSpec, step


class Edited(FlowSpec):
    """start -> work, which fails at first -> end; after the edit work -> extra -> end."""

    @step
    def start(self):
        """Write."""
        self.base = 1
        self.other = 2
        self.next(self.work)

    @step
    def work(self):
        """Fail, if told to."""
        if os.environ.get("FAIL"):
            raise RuntimeError("as told")
        self.result = self.base + 1
        self.next(self.end)

    # EDIT: the step to be added goes here

    @step
    def end(self):
        """Read."""
        self.report = self.result


if __name__ == "__main__":
    Edited()
