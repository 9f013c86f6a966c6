"""The rows of a W&B run's history."""

from __future__ import annotations

from pathlib import Path

from mfwb.media_formats import HTML, IMAGE
from mfwb.planning import Preview
from mfwb.ports import ReadyCard, ReadyMedia, ReadyPreview, ReadyRun
from mfwb.sink.content.history_rows import build_rows
from mfwb.sink.content.media import add_card, add_preview

HISTOGRAM = {"_type": "histogram", "bins": [0, 1, 2], "values": [3, 4]}


def _ready(folder: Path) -> ReadyRun:
    page, first, second = (folder / name for name in ("page.html", "first.png", "second.png"))
    for path in (page, first, second):
        path.write_text(path.name)
    images = [ReadyMedia(path, IMAGE, "png", 4, 4) for path in (first, second)]
    kind = next(iter(Preview))
    return ReadyRun(
        history=((0, {"loss": 0.5}), (1, {"loss": 0.25})),
        cards=(ReadyCard("card", page),),
        previews=(
            ReadyPreview("plot", kind, media=(images[0],)),
            ReadyPreview("gallery", kind, media=tuple(images)),
            ReadyPreview("report", kind, media=(ReadyMedia(page, HTML, "html"),)),
            ReadyPreview("histogram/x", kind, value=HISTOGRAM),
            ReadyPreview("broken", kind, value="not shown: image file is truncated"),
        ),
    )


def test_panels_are_in_the_first_row_as_in_the_summary(tmp_path: Path) -> None:
    """With the same files; reasons why there is no panel are text of the summary only."""
    ready = _ready(tmp_path)

    first, second = build_rows(ready)

    assert second == (1, {"loss": 0.25})
    assert first == (
        0,
        {
            "loss": 0.5,
            "card": add_card(ready.cards[0], tmp_path / "files").summary_value,
            **{
                preview.key: add_preview(preview, tmp_path / "files").summary_value
                for preview in ready.previews[:3]
            },
            "histogram/x": HISTOGRAM,
        },
    )


def test_without_charts(tmp_path: Path) -> None:
    """There is a row of panels alone; without panels there is none."""
    [(step, row)] = build_rows(ReadyRun(cards=_ready(tmp_path).cards))

    assert (step, [*row]) == (0, ["card"])
    assert build_rows(ReadyRun()) == []


def test_a_chart_of_the_same_name_stays(tmp_path: Path) -> None:
    """Keys of the summary differ, but a column of a table may have any name."""
    ready = ReadyRun(history=((0, {"card": 1.0}),), cards=_ready(tmp_path).cards)

    assert build_rows(ready) == [(0, {"card": 1.0})]
