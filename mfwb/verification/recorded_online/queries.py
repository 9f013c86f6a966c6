"""The GraphQL queries: W&B's public Api would send several for each W&B run.

All fields are ones that wandb 0.31 itself queries. `logLines` came last, so it can be left out.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "ARTIFACTS_PER_PAGE",
    "FILES_PER_PAGE",
    "HISTORY",
    "LINES_PER_PAGE",
    "PROJECTS",
    "STEPS_AT_ONCE",
    "aliases_query",
    "artifact_files_query",
    "more_query",
    "runs_query",
]

FILES_PER_PAGE = 500
ARTIFACTS_PER_PAGE = 200
LINES_PER_PAGE = 10_000
STEPS_AT_ONCE = 1_000

_VERSION = """
    id digest state versionIndex description metadata
    artifactType { name }
    artifactSequence { id name project { name entityName } }
    aliases { alias artifactCollection { __typename name } }
    createdBy { __typename ... on Run { name } }
    currentManifest { id file { directUrl } }
"""

_LINKS = """
    artifactMemberships {
        edges { node { artifactCollection { __typename name project { name entityName } } } }
    }
"""

_FILE = "name sizeBytes md5 directUrl"
_LINE = "number line"
_PAGE = "pageInfo { endCursor hasNextPage }"

_NODES = {
    "files": _FILE,
    "inputArtifacts": _VERSION,
    "outputArtifacts": _VERSION,
    "logLines": _LINE,
}
_PER_PAGE = {
    "files": FILES_PER_PAGE,
    "inputArtifacts": ARTIFACTS_PER_PAGE,
    "outputArtifacts": ARTIFACTS_PER_PAGE,
    "logLines": LINES_PER_PAGE,
}

PROJECTS = """
query MfwbVerifyProjects($entity: String!, $after: String) {
    models(entityName: $entity, first: 500, after: $after) {
        edges { node { name } } pageInfo { endCursor hasNextPage }
    }
}
"""


def runs_query(*, with_log: bool) -> str:
    """Return the query for a page of W&B runs, each with the first page of all its parts."""
    log = _connection("logLines") if with_log else ""
    return f"""
query MfwbVerifyRuns(
    $entity: String!, $project: String!, $filters: JSONString!, $first: Int!, $after: String,
    $end: Int64!, $rows: Int!
) {{
    project(name: $project, entityName: $entity) {{
        runs(filters: $filters, first: $first, after: $after) {{
            edges {{ node {{
                name displayName notes group jobType tags state config summaryMetrics
                historyLineCount historyKeys
                history(minStep: 0, maxStep: $end, samples: $rows)
                {_connection("files")}
                {_connection("outputArtifacts")}
                {_connection("inputArtifacts")}
                {log}
            }} }}
            {_PAGE}
        }}
    }}
}}
"""


def more_query(field: str) -> str:
    """Return the query for the next page of a part of one W&B run."""
    return f"""
query MfwbVerifyMore($entity: String!, $project: String!, $run: String!, $after: String) {{
    project(name: $project, entityName: $entity) {{
        run(name: $run) {{ {_connection(field, ", after: $after")} }}
    }}
}}
"""


HISTORY = """
query MfwbVerifyHistory(
    $entity: String!, $project: String!, $run: String!, $start: Int64!, $end: Int64!, $rows: Int!
) {
    project(name: $project, entityName: $entity) {
        run(name: $run) { history(minStep: $start, maxStep: $end, samples: $rows) }
    }
}
"""


def aliases_query(names: int, aliases: Sequence[int], *, with_links: bool = False) -> str:
    """Return the query for the versions that aliases of several names stand for.

    Args:
        names: how many names; they are the variables n0, n1, ...
        aliases: how many aliases each of these has; they are the variables a0_0, a0_1, ...
        with_links: whether to read also where each version is linked to.
    """
    version = f"{_VERSION}{_LINKS}" if with_links else _VERSION
    variables, fields = ["$entity: String!", "$project: String!"], []
    for name in range(names):
        variables.append(f"$n{name}: String!")
        wanted = [f"a{name}_{number}" for number in range(aliases[name])]
        variables += [f"${alias}: String!" for alias in wanted]
        members = " ".join(
            f"{alias}: artifactMembership(aliasName: ${alias}) {{ artifact {{ {version} }} }}"
            for alias in wanted
        )
        fields.append(f"n{name}: artifactCollection(name: $n{name}) {{ __typename {members} }}")
    return f"""
query MfwbVerifyAliases({", ".join(variables)}) {{
    project(name: $project, entityName: $entity) {{ id {" ".join(fields)} }}
}}
"""


def artifact_files_query() -> str:
    """Return the query for a page of the addresses of a version's files."""
    return f"""
query MfwbVerifyArtifactFiles(
    $entity: String!, $project: String!, $name: String!, $version: String!, $after: String
) {{
    project(name: $project, entityName: $entity) {{
        artifactCollection(name: $name) {{
            __typename
            artifactMembership(aliasName: $version) {{
                artifact {{ id }}
                files(first: {FILES_PER_PAGE}, after: $after) {{
                    edges {{ node {{ name directUrl }} }} {_PAGE}
                }}
            }}
        }}
    }}
}}
"""


def first_files_query(versions: int) -> str:
    """Return the query for the first page of the addresses of the files of several versions.

    Args:
        versions: how many; their names are the variables n0, n1, ..., and the versions v0, v1, ...
    """
    numbers = range(versions)
    variables = " ".join(f"$n{number}: String!, $v{number}: String!," for number in numbers)
    fields = " ".join(
        f"n{number}: artifactCollection(name: $n{number}) {{ __typename "
        f"artifactMembership(aliasName: $v{number}) {{ artifact {{ id }} "
        f"files(first: {FILES_PER_PAGE}) {{ edges {{ node {{ name directUrl }} }} {_PAGE} }} }} }}"
        for number in numbers
    )
    return f"""
query MfwbVerifyFiles({variables} $entity: String!, $project: String!) {{
    project(name: $project, entityName: $entity) {{ id {fields} }}
}}
"""


def _connection(field: str, after: str = "") -> str:
    return (
        f"{field}(first: {_PER_PAGE[field]}{after}) "
        f"{{ edges {{ node {{ {_NODES[field]} }} }} {_PAGE} }}"
    )
