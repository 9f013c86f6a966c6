"""Domain of the analysis: values, states, effects, and limits on their size."""
