"""A folder for PYTHONPATH: its `sitecustomize` makes the tasks of a flow run record the truth."""
