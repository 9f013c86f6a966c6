"""Processes that look at strangers' pickles, and what keeps them from doing harm."""
