"""Tests with torch in its own venv, and mfwb in a venv without torch; run by `make test-torch`."""
