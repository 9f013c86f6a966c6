"""Names of a flow object that belong to Metaflow, and outside names that are harmless."""

from __future__ import annotations

__all__ = [
    "FLOW_API",
    "HARMLESS_BASES",
    "HARMLESS_WRAPPERS",
    "METAFLOW_ROOTS",
    "PRIVATE_ATTRIBUTES",
    "is_metaflow",
]

# Public attributes of FlowSpec in Metaflow 2.19. Every process sets `name` again.
FLOW_API = frozenset(
    {
        "cmd",
        "foreach_stack",
        "index",
        "input",
        "merge_artifacts",
        "name",
        "next",
        "script_name",
    }
)

# Private attributes: state of the current task, never something that a step computed.
PRIVATE_ATTRIBUTES = frozenset(
    {
        "_EPHEMERAL",
        "_NON_PARAMETERS",
        "_cached_input",
        "_catch_exception",
        "_check_parameters",
        "_configs_processed",
        "_control_mapper_tasks",
        "_control_task_is_mapper_zero",
        "_current_step",
        "_datastore",
        "_exception",
        "_find_input",
        "_flow_decorators",
        "_flow_mutators",
        "_flow_state",
        "_foreach_num_splits",
        "_foreach_stack",
        "_foreach_values",
        "_foreach_var",
        "_get_foreach_item_value",
        "_get_parameters",
        "_graph",
        "_graph_info",
        "_init_attrs",
        "_init_graph",
        "_iteration_stack",
        "_parallel_ubf_iter",
        "_process_config_decorators",
        "_set_constants",
        "_set_datastore",
        "_steps",
        "_success",
        "_task_ok",
        "_transition",
        "_unbounded_foreach",
        "_validate_ubf_step",
    }
)

METAFLOW_ROOTS = frozenset({"metaflow", "metaflow_extensions"})

# Modules whose classes, as bases of a flow, do not touch its attributes.
HARMLESS_BASES = frozenset(
    {"abc", "builtins", "collections", "enum", "typing", "typing_extensions"}
)

# Decorators of helper methods that call what they wrap and read nothing else.
HARMLESS_WRAPPERS = frozenset(
    {
        "abc.abstractmethod",
        "builtins.classmethod",
        "builtins.property",
        "builtins.staticmethod",
        "contextlib.contextmanager",
        "functools.cache",
        "functools.cached_property",
        "functools.lru_cache",
        "typing.final",
        "typing.no_type_check",
        "typing.overload",
        "typing.override",
        "typing_extensions.final",
        # It reads all that a task has, but only to log it.
        "wandb.integration.metaflow.metaflow.wandb_log",
        "wandb.integration.metaflow.wandb_log",
        "typing_extensions.override",
    }
)


def is_metaflow(dotted: str) -> bool:
    """Return whether a dotted name belongs to Metaflow or one of its extensions."""
    return dotted.partition(".")[0] in METAFLOW_ROOTS
