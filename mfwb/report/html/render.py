"""Pages as text of HTML: escaped throughout, and with a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from mfwb.pipeline.report_material import ShownCard
from mfwb.report.html.cards import card_components, styles_in, without_scripts
from mfwb.report.html.model import Card, FlowRunPage, Page
from mfwb.report.html.texts import name_text
from mfwb.snapshot.pathspec import below_flow_run

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render_cards", "render_fragment", "render_page"]

_CARD = 300_000  # bytes of a card's page, without its scripts
_CARDS = 1_200_000  # of all of them
_STYLES = 200  # styles of cards that the policy names


def render_page(page: Page) -> str:
    """Return a page as text; equal for equal pages."""
    environment = _environment()
    style, script = _asset("page.css"), _asset("page.js")
    styles = [style, _asset("card.css")]
    for run in page.flow_runs:
        for card in run.cards:
            styles += styles_in(card.html)
    template = environment.get_template("page.html.j2")
    return template.render(
        page=page,
        policy=_policy(script, list(dict.fromkeys(styles))[:_STYLES]),
        style=style,
        script=script,
    )


def render_fragment(run: FlowRunPage) -> str:
    """Return the small form of a flow run, without scripts."""
    environment = _environment()
    style = _asset("fragment.css")
    return environment.get_template("fragment.html.j2").render(run=run, style=style)


def render_cards(cards: Iterable[ShownCard]) -> tuple[Card, ...]:
    """Return cards as pages without scripts; those that are too large have none."""
    left = _CARDS
    rendered: list[Card] = []
    for card in cards:
        task, key = name_text(below_flow_run(card.task)), name_text(card.key)
        if card.html is None:
            rendered.append(Card(task, key, "", name_text(f"not shown: {card.reason}")))
            continue
        html, note = _card(card.html)
        if len(html) > _CARD or len(html) > left:
            note = "too large for this page; `metaflow card view` shows it"
            rendered.append(Card(task, key, "", note))
            continue
        left -= len(html)
        rendered.append(Card(task, key, html, note))
    return tuple(rendered)


def _card(html: str) -> tuple[str, str]:
    """Return the page of a card without scripts, and what is to be known of it."""
    components = card_components(html)
    if components is None:
        return without_scripts(html), "without scripts" if "<script" in html.lower() else ""
    environment = _environment()
    style = _asset("card.css")
    template = environment.get_template("card.html.j2")
    return template.render(components=components, style=style), ""


def _policy(script: str, styles: Sequence[str]) -> str:
    """Return the policy of a page: its own script and styles, images inside of it, nothing else."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src {' '.join(repr(_digest(style)) for style in styles)}",
            "img-src data:",
            "font-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _asset(name: str) -> str:
    return (
        files("mfwb.report.html")
        .joinpath("templates")
        .joinpath(name)
        .read_text(encoding="utf-8")
        .strip()
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415 - slow

    return Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
