"""`make test-browser`: say how to get the browser, if it is missing."""

from __future__ import annotations

import shutil
import sys

PROGRAMS = ("chromium", "chromedriver")


def main() -> int:
    """Return 0 if there is a browser with its driver, else 1, and say what to do."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if not missing:
        return 0
    sys.stderr.write(
        f"The tests in a browser need {' and '.join(missing)}, which is not in PATH.\n"
        "On Debian: apt-get install --no-install-recommends chromium chromium-driver\n"
        "On macOS: brew install --cask chromium chromedriver\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
