"""A flow whose artifacts point at files of the machine; PLACES lists them, as PATH does."""

import os
from pathlib import Path

from metaflow import FlowSpec, IncludeFile, step


class PointingFlow(FlowSpec):
    """start -> end."""

    words = IncludeFile("words", default="words.txt")

    @step
    def start(self):
        """Point at files and folders."""
        places = os.environ["PLACES"].split(os.pathsep)
        for number, place in enumerate(places):
            setattr(self, f"place_{number}", Path(place))
        print("out: started")
        self.next(self.end)

    @step
    def end(self):
        """Have a value."""
        self.done = True


if __name__ == "__main__":
    PointingFlow()
