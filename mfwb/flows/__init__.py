"""Metaflow flows that run mfwb on Metaflow's own compute. They are run as programs."""
