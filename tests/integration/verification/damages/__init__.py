"""Ways to damage what a sync wrote: each with the differences that a verification has to find."""
