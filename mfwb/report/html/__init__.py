"""A report of one flow run, or of several, as a page of HTML that needs nothing else."""
