"""What the analysis knows: values, states, effects, and their bounds."""
