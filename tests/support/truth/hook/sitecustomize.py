"""Python imports this before anything else; so the flows need not know that they are watched."""

import os

if os.environ.get("MFWB_TRUTH_DIR"):
    from tests.support.truth.recorder import install

    install()
