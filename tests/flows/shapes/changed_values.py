"""Ways to change an artifact, and ways that only look like it."""

from metaflow import FlowSpec, step


class Thing:
    """Something with state."""

    def __init__(self, word):
        # Python keeps one "word" for the attribute's name and its value, until it is unpickled.
        self.word = word
        self.count = 0

    def tell(self):
        """Read only."""
        return self.word

    def add(self):
        """Change."""
        self.count += 1


class ChangedValues(FlowSpec):
    """start -> look -> grow -> same -> drop -> end."""

    @step
    def start(self):
        """Write."""
        self.thing = Thing("word")
        self.names = {f"name {number}" for number in range(20)}
        self.log = ["start"]
        self.table = {"a": [1]}
        self.five = 5
        self.gone = "dropped, and yet it stays"
        self.left = "as it was"
        self.next(self.look)

    @step
    def look(self):
        """Read without changing: the pickles may differ all the same."""
        self.told = self.thing.tell()
        self.size = len(self.names)
        self.next(self.grow)

    @step
    def grow(self):
        """Change in place, and never assign."""
        self.log.append("grow")
        self.table["a"][0] = 2
        self.thing.add()
        self.next(self.same)

    @step
    def same(self):
        """Assign what is equal already."""
        self.five = 5
        self.log = list(self.log)
        self.next(self.drop)

    @step
    def drop(self):
        """Delete an inherited one and one of its own; read again what was deleted."""
        self.was = self.gone
        del self.gone
        self.brief = "not for long"
        del self.brief
        self.left = "for a moment"
        del self.left
        self.back = self.left
        self.next(self.end)

    @step
    def end(self):
        """Read all."""
        self.text = f"{self.thing.tell()} {self.thing.count} {self.log} {self.table}"
        self.more = f"{len(self.names)} {self.five} {self.gone} {self.left}"


if __name__ == "__main__":
    ChangedValues()
