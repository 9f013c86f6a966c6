"""Flows that ship with mfwb, for teams that let Metaflow itself start a sync."""
