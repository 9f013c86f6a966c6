"""How Sphinx makes the site of these pages: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))  # for tools.site and mfwb

from mfwb import __version__  # noqa: E402 - after the path is set

project = "mfwb"
author = "The mfwb authors"
copyright = author  # noqa: A001 - Sphinx's name
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "tools.site.command_reference",
    "tools.site.repository_links",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["Thumbs.db", ".DS_Store"]

myst_heading_anchors = 4  # the pages link to headings, as GitHub does
myst_enable_extensions = ["colon_fence", "deflist"]

default_role = "code"  # docstrings have names in single backquotes
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"

html_theme = "furo"
html_title = f"mfwb {__version__}"
html_static_path = ["_static"]
html_css_files = ["mfwb.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "sidebar_hide_name": False,
    "top_of_page_buttons": [],
}
