"""torch in a venv of its own, and mfwb in one where it is not; run by `make test-torch`."""
