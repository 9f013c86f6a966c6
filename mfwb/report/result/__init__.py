"""A result, for people and as a document."""
