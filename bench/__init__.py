"""`make bench`: mfwb measured against the script one would write without it."""
