"""What really happened in a flow run, recorded by its tasks, to hold mfwb's lineage against.

`recorder.py` runs inside the tasks, `records.py` reads what it wrote, `expected.py` follows it to
the true lineage, `shapes.py` runs the flows of tests/flows/shapes, `answers.py` asks mfwb, and
`comparison.py` counts.
"""
