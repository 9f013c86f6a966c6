"""Tests of the shards of a backfill."""
