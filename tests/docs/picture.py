"""`make picture`: the terminal of a sync of the demo, as rich draws it, for README.md.

No font is loaded from anywhere: the picture names those that systems have.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests.docs.blocks import ROOT
from tests.docs.scene import COLUMNS, open_scene, run_wine_flow

PICTURE = ROOT / "docs" / "_static" / "sync.svg"
_COMMAND = "mfwb sync WineFlow/latest"
_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_SVG = f"""<svg class="rich-terminal" viewBox="0 0 {{width}} {{height}}" xmlns="http://www.w3.org/2000/svg">
<style>
.{{unique_id}}-matrix {{{{
  font-family: {_FONTS}; font-size: {{char_height}}px; line-height: {{line_height}}px;
  white-space: pre;
}}}}
{{styles}}
</style>
<defs>
<clipPath id="{{unique_id}}-clip-terminal">
<rect x="0" y="0" width="{{terminal_width}}" height="{{terminal_height}}" />
</clipPath>
{{lines}}
</defs>
<title>mfwb sync WineFlow/latest, in a terminal</title>
{{chrome}}
<g transform="translate({{terminal_x}}, {{terminal_y}})"
  clip-path="url(#{{unique_id}}-clip-terminal)">
{{backgrounds}}
<g class="{{unique_id}}-matrix">
{{matrix}}
</g>
</g>
</svg>
"""
_THEME = TerminalTheme(
    (30, 32, 38),
    (222, 224, 230),
    [
        *((62, 66, 76), (240, 113, 120), (140, 200, 120), (229, 192, 123)),
        *((110, 170, 245), (198, 140, 230), (90, 190, 200), (222, 224, 230)),
    ],
    [
        *((128, 134, 148), (255, 135, 142), (165, 220, 145), (245, 210, 145)),
        *((135, 190, 255), (215, 165, 245), (120, 210, 220), (255, 255, 255)),
    ],
)


def main() -> int:
    """Run the sync, and draw what it prints."""
    with tempfile.TemporaryDirectory(prefix="mfwb-docs-") as folder:
        run_wine_flow(Path(folder, "flow-runs"))
        with open_scene(Path(folder, "picture"), Path(folder, "flow-runs")) as scene:
            done = scene.run_in_colours(_COMMAND)
    if done.code:
        raise SystemExit(done.err)
    PICTURE.write_text(drawn(_COMMAND, done.out), encoding="utf-8")
    return 0


def drawn(command: str, output: str) -> str:
    """Return the SVG of a terminal in which a command printed its output."""
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bright_black"), (command, "bold")))
    console.print(Text.from_ansi(output.strip("\n")), no_wrap=True, overflow="ignore", crop=False)
    svg = console.export_svg(title="", theme=_THEME, code_format=_SVG, unique_id="sync")
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
