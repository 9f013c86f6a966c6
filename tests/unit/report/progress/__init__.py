"""Progress, in each form."""
