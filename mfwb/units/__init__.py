"""Units: sizes, durations, moments and whole numbers, parsed and formatted for people."""
