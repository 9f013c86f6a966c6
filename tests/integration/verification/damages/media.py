"""Damage to pictures, galleries and charts, and to artifacts that are files."""

from __future__ import annotations

import json

from tests.integration.verification.damages.cases import Found, Registry
from tests.support.wandb_damage import Damage

__all__ = ["MEDIA"]

MEDIA = Registry()
_KEPT = "what W&B has committed stays as it is"


@MEDIA(Found("panel", "start summary.plot, its file", "deleted"))
def lose_the_file_of_a_picture(damage: Damage) -> None:
    """The summary still names it."""
    del damage.run("start").files[damage.panel("start", "plot")["path"]]


@MEDIA(Found("panel", "start summary.plot", "removed"))
def remove_a_picture(damage: Damage) -> None:
    """From the summary."""
    damage.remove_panel("start", "plot")


@MEDIA(Found("history", "start history.plot in row 0", "lost"))
def remove_a_picture_of_the_history(damage: Damage) -> None:
    """The summary still has it, but W&B does not draw it."""
    history = damage.run("start").history
    rows = [json.loads(row) for row in history]
    history[:] = [json.dumps({key: row[key] for key in row if key != "plot"}) for row in rows]


@MEDIA(Found("panel", "start summary.plot, its bytes", "damaged"), read_data=True)
def paint_over_a_picture(damage: Damage) -> None:
    """One pixel; the size stays."""
    path = damage.panel("start", "plot")["path"]
    content = bytearray(damage.run("start").files[path].read())
    content[-20] ^= 1
    damage.replace_run_file("start", path, bytes(content))


@MEDIA(Found("panel", "start summary.album, its file", "deleted"))
def lose_an_image_of_a_gallery(damage: Damage) -> None:
    """The other one stays."""
    del damage.run("start").files[damage.panel("start", "album")["filenames"][1]]


@MEDIA(Found("panel", "start summary.album, its images", "edited"))
def shorten_a_gallery(damage: Damage) -> None:
    """It still says that it has two images."""
    damage.panel("start", "album")["filenames"].pop()


@MEDIA(Found("panel", "start summary.album, its bytes", "damaged"), read_data=True)
def swap_the_images_of_a_gallery(damage: Damage) -> None:
    """Each is under the name of the other."""
    files = damage.run("start").files
    first, second = damage.panel("start", "album")["filenames"]
    files[first], files[second] = files[second], files[first]


@MEDIA(Found("panel", "start summary.histogram/array", "removed"))
def remove_a_histogram(damage: Damage) -> None:
    """From the summary."""
    damage.remove_panel("start", "histogram/array")


@MEDIA(Found("panel", "start summary.heatmap/matrix, its file", "deleted"))
def lose_a_heat_map(damage: Damage) -> None:
    """The figure, not the array."""
    del damage.run("start").files[damage.panel("start", "heatmap/matrix")["path"]]


@MEDIA(Found("bytes", "start artifact plot, bytes of plot.png", "damaged", _KEPT), read_data=True)
def damage_the_file_of_bytes(damage: Damage) -> None:
    """That the artifact has; the picture in the W&B run stays."""
    content = bytearray(damage.version("plot").files["plot.png"].read())
    content[-20] ^= 1
    damage.replace_bytes("plot", "plot.png", bytes(content))


@MEDIA(Found("panel", "start summary.album", "removed"))
def remove_a_gallery(damage: Damage) -> None:
    """From the summary."""
    damage.remove_panel("start", "album")


@MEDIA(Found("panel", "start summary.plot", "removed"))
def put_a_text_in_place_of_a_picture(damage: Damage) -> None:
    """One that nobody wrote."""
    damage.run("start").summary["plot"] = "a picture"
