"""Shards: a backfill is cut into parts that processes, or the tasks of a flow, sync at once."""
