"""Metaflow's datastore, read directly: blobs, unpacked and checked."""
