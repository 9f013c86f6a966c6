"""Reads that take a roundabout way through the language."""

import operator

from metaflow import FlowSpec, step


class Helper:
    """Something beside the flow."""

    @staticmethod
    def peek(flow):
        """Read off whatever it is given."""
        return flow.peeked


class RoundaboutReads(FlowSpec):
    """start -> inner -> named -> strange -> end."""

    @step
    def start(self):
        """Write."""
        self.a = 1
        self.b = [3, 1, 2]
        self.c = {"one": 1}
        self.d = "d"
        self.e = [1]
        self.peeked = "by a helper"
        self.word_one = "computed"
        self.unread = "by nobody"
        self.next(self.inner)

    def _add(self, number=0):
        return number + self.a

    @step
    def inner(self):
        """Read in functions, lambdas and comprehensions inside the step."""

        def closure():
            return self.a

        self.got = closure() + sum(number * self.a for number in range(2))
        self.order = sorted(self.b, key=lambda number: self.c.get("one") * number)
        self.next(self.named)

    @step
    def named(self):
        """Read through other names for itself and its methods."""
        me = self
        add = self._add
        self.sum = add(number=len(me.d))
        self.later = [one.b[0] for one in (self,)]
        self.by_getter = operator.attrgetter("c")(self)
        self.next(self.strange)

    @step
    def strange(self):
        """Read and write in one line; read what is not there; read by a computed name."""
        self.a, self.f = self.a + 1, self.d
        self.e[0] += 1
        try:
            self.g = self.not_there
        except AttributeError:
            self.g = Helper.peek(self)
        which = "one"
        self.h = getattr(self, f"word_{which}")
        self.next(self.end)

    @step
    def end(self):
        """Read."""
        self.text = f"{self.a} {self.e} {self.f} {self.g} {self.h} {self.got} {self.order}"


if __name__ == "__main__":
    RoundaboutReads()
