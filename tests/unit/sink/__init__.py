"""The tests of `mfwb.sink` that need no server."""
