"""The result of a call, as text and as a JSON document."""
