"""Tests of mfwb.source.datastore.flow_store."""
