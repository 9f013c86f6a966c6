"""Measure what a task costs offline, from hundreds to thousands of tasks."""
