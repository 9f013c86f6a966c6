"""Cards of one type, with and without an id, of a step that is tried again; and odd bytes."""

import os

from metaflow import FlowSpec, card, current, retry, step
from metaflow.cards import Markdown


class CardedFlow(FlowSpec):
    """start -> end."""

    @retry(times=1, minutes_between_retries=0)
    @card(type="blank")
    @card(type="blank", id="details")
    @step
    def start(self):
        """Render two cards, twice."""
        os.write(1, b"caf\xe9\n")
        current.card.append(Markdown(f"MAIN CARD OF ATTEMPT {current.retry_count}"))
        current.card["details"].append(Markdown(f"DETAILS OF ATTEMPT {current.retry_count}"))
        current.card.refresh()
        current.card["details"].refresh()
        if current.retry_count < 1:
            raise RuntimeError("again")
        self.next(self.end)

    @step
    def end(self):
        """Have a value."""
        self.done = True


if __name__ == "__main__":
    CardedFlow()
