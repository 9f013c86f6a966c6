"""Reads and writes that code shows only on a second look, and some that it does not show."""

from metaflow import FlowSpec, Parameter, step


def total_of(flow):
    """Read an artifact off a flow that was handed over."""
    return sum(flow.numbers)


class ShadedReads(FlowSpec):
    """start -> maybe -> constant -> helped -> computed -> handed -> end."""

    picky = Parameter("picky", default=False)

    @step
    def start(self):
        """Write."""
        self.numbers = [1, 2]
        self.word = "w"
        self.rare = "read if picky"
        self.kind = "numbers"
        self._inner = "private"
        self.next(self.maybe)

    @step
    def maybe(self):
        """Read and write on conditions."""
        if self.picky:
            self.word = self.rare
        else:
            self.note = self.word
        self.next(self.constant)

    @step
    def constant(self):
        """Read by constant names."""
        self.copy = getattr(self, "word")  # noqa: B009 - there are such users
        self.other = getattr(self, "missing", "default")
        if hasattr(self, "note"):
            self.has_note = True
        self.next(self.helped)

    @property
    def doubled(self):
        """Read in a property."""
        return [number * 2 for number in self.numbers]

    def _describe(self, prefix):
        """Read in a method, and write in it."""
        self.described = f"{prefix} {self._inner} {self._deeper()}"
        return self.described

    def _deeper(self):
        return self.kind

    @step
    def helped(self):
        """Leave the reading to others."""
        self.sum = sum(self.doubled)
        self.length = len(self._describe("it is"))
        self.next(self.computed)

    @step
    def computed(self):
        """Use names that are known at run time only."""
        for name in ("made_one", "made_two"):
            setattr(self, name, len(getattr(self, self.kind)))
        self.next(self.handed)

    @step
    def handed(self):
        """Hand itself to a function."""
        self.total = total_of(self)
        self.next(self.end)

    @step
    def end(self):
        """Read what was made under computed names."""
        self.text = f"{self.made_one} {self.total} {self.described} {self.sum}"


if __name__ == "__main__":
    ShadedReads()
