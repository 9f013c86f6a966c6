"""Reports: the result of a call, for people and for programs.

The output of a single command has its own module: `explain`, `lineage`, `settings`, `status`. Each
is imported from its module: without a terminal, or for JSON, nobody needs rich.
"""
