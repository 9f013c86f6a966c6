"""Large artifacts: time, memory and disk."""
