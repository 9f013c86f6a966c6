"""The true lineage of flow runs, recorded by their tasks, to compare mfwb's lineage with it.

`recorder.py` runs inside the tasks, `records.py` reads its output, `expected.py` computes
the true lineage, `shapes.py` runs the flows of tests/flows/shapes, `answers.py` runs mfwb, and
`comparison.py` compares both.
"""
