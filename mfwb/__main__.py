"""`python -m mfwb`."""

from mfwb.cli import main

main()
