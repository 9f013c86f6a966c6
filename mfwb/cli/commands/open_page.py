"""`mfwb open`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from mfwb.cli import options
from mfwb.cli.browser import open_in_browser
from mfwb.cli.help import Command, HelpedArgument, HelpedOption
from mfwb.cli.streams import keep_stdout_clean, write_error, write_out

__all__ = ["open_page"]

_EXAMPLES = """\
mfwb open TrainFlow/latest
mfwb open TrainFlow/123/train
mfwb open TrainFlow/123 --print
"""


@click.command(name="open", cls=Command, epilog=_EXAMPLES)
@click.argument(
    "pathspec",
    metavar="PATHSPEC",
    cls=HelpedArgument,
    heading="Choose",
    help="Flow, Flow/123, Flow/latest, Flow/123/train",
    shell_complete=options.pathspec_completion(levels=3),
)
@click.option(
    "--overview",
    is_flag=True,
    default=False,
    cls=HelpedOption,
    heading="Choose",
    help="The W&B run of the flow run as a whole",
)
@options.destination
@options.patience
@options.source
@click.option(
    "--print",
    "only_print",
    is_flag=True,
    default=False,
    cls=HelpedOption,
    heading="Show",
    help="Print the address; open nothing",
)
@options.text_or_json
def open_page(  # noqa: PLR0913 - one for each option
    *,
    pathspec: str,
    overview: bool,
    only_print: bool,
    config: Path | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Open the W&B page of a flow run in the browser.

    The page of its group; of a step: that of its W&B run. Without a terminal or a
    browser, the address is printed. $BROWSER is used.
    """
    from mfwb import api  # noqa: PLC0415 - not needed for help
    from mfwb.config import load_settings  # noqa: PLC0415 - the same
    from mfwb.destination.addresses import is_web_address  # noqa: PLC0415 - the same
    from mfwb.errors import SinkError  # noqa: PLC0415 - the same
    from mfwb.report.json_output import for_any_output  # noqa: PLC0415 - the same
    from mfwb.report.page_document import page_document  # noqa: PLC0415 - the same

    resolved = load_settings(settings, file=config)
    with keep_stdout_clean(quiet=quiet):
        url = api.find_page(pathspec, resolved, overview=overview)
    if not is_web_address(url):
        raise SinkError(f"the address is no web page, so it is not opened: {url!r}")
    if as_json:
        text, plain = for_any_output(page_document(pathspec, url))
        write_out(text, plain=plain)
    elif only_print or not (sys.stdout.isatty() and open_in_browser(url)):
        write_out(f"{url}\n")
    elif not quiet:
        write_error(f"opened {url}")
    return 0
