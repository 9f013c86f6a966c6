"""One home for each rule: what says the same in a second place drifts from it, unseen.

A row of `RULES` says how a second home would look, and which modules may look like that. Whoever
gives a rule its one home adds a row.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

import pytest

from tests.support.package_source import package_trees
from tests.unit.homes import (
    Look,
    alteration_of,
    argument_called,
    attribute_called,
    class_with,
    constant_called,
    function_called,
    imports,
    item_of,
    keyword_given,
    number,
    silent_class_with,
    text_handed_on,
    text_split_at,
    text_with,
)


@dataclass(frozen=True)
class Rule:
    """One rule, how a home of it looks, and where it may look like that.

    Attributes:
        name: what is decided there.
        look: finds what would be a home.
        homes: modules that have it, as paths below `mfwb/`. Each has to, or the row tells nothing.
    """

    name: str
    look: Look
    homes: tuple[str, ...]


RULES = [
    Rule(
        "which ids of local flow runs are moments",
        function_called("moment_of_id", "_original_start"),
        ("snapshot/pathspec.py",),
    ),
    Rule(
        "the parts of a pathspec",
        text_split_at("/"),
        (
            "snapshot/pathspec.py",
            # These take other things apart: files, folders and URLs,
            "payload/file_names.py",
            "planning/checkpoints.py",
            "snapshot/checkpoints.py",
            "planning/names.py",  # and `entity/project`
            "completion.py",  # and what is typed in a shell, without the time of an import
            "report/result/rows.py",  # keys of W&B's summary,
            "report/explain/files.py",
            "sink/content/media.py",
            "source/to_snapshot.py",
            "source/datastore/roots.py",
            "source/script_files.py",
            "source/tarball.py",
            # and positions in foreaches.
            "planning/draft.py",
            # A verification works all of that out a second time.
            "verification/compare_rules.py",
            "verification/compare_run.py",
            "verification/expected/build.py",
            "verification/expected/checkpoint_reference.py",
            "verification/expected/names.py",
            "verification/expected/run_facts.py",
        ),
    ),
    Rule(
        "what stands for the parameters where steps stand",
        text_with(r"(?:^|/)_parameters\b"),
        ("snapshot/pathspec.py", "cli/commands/explain.py"),  # an example in the help
    ),
    Rule(
        "what the source of a flow says",
        imports("mfwb.python_ast"),
        (
            "lineage/static_analysis/program/modules.py",  # parses it, for all of the analysis
            "lineage/static_analysis/analyze.py",
            "source/script_files.py",  # looks for imports: which files are its source
            "conditions.py",  # parses conditions of settings, which are expressions
            "redaction/source_files.py",  # finds texts with the name of a secret in any code
        ),
    ),
    Rule("which flow run of a pathspec it is", item_of("source"), ()),
    Rule("from when on numbers are such ids", number(10**15), ("snapshot/pathspec.py",)),
    Rule(
        "text as one printable line",
        function_called("one_line", "_one_line", "first_line", "single_line"),
        ("safe_text.py",),
    ),
    Rule("what was meant by a name that is not there", imports("difflib"), ("suggestions.py",)),
    Rule(
        "progress that nobody looks at",
        silent_class_with("flow_run", "planned", "written", "finished"),
        ("ports/progress.py",),
    ),
    Rule(
        "how long wandb-core outlives who started it",
        constant_called("CORE_EXIT_SECONDS", "_CORE_EXIT_SECONDS", "CORE_OUTLIVES"),
        ("sink/client/private.py",),
    ),
    Rule("how slow an upload may be", number(256 * 1024), ("sink/client/retry_budget.py",)),
    Rule(
        "what stands for letters that an output lacks",
        attribute_called("maketrans"),
        ("safe_text.py",),
    ),
    Rule(
        "whether an output takes all letters",
        text_with(r"^utf$"),
        ("cli/streams.py",),
    ),
    Rule(
        "a document for any output",
        keyword_given("ascii_only", value=True),
        ("report/json_output.py",),
    ),
    Rule(
        "what a W&B run is made of, and where it is read",
        class_with("copy_included", "copy_card"),
        ("ports/source.py", "source/contents.py"),
    ),
    Rule(
        "where W&B's own variables say that W&B runs go; messages and comments may name them",
        text_handed_on("WANDB_(MODE|ENTITY|PROJECT)"),
        (),
    ),
    Rule(
        "whether W&B may be asked: the wiring says it once, and no layer hands it on",
        argument_called("ask", "may_ask"),
        ("api.py", "shards/backfill.py", "wiring.py", "sink/lazy.py", "destination/resolve.py"),
    ),
    Rule(
        "what is altered in wandb or pydantic, and undone",
        alteration_of("wandb", "pydantic"),
        # The child of a push imports nothing of mfwb, and ends with what it has altered.
        ("sink/client/process_wide.py", "sink/wandb_sync/child.py"),
    ),
    Rule("the last moment there is", number(253_402_300_799_999), ("snapshot/pathspec.py",)),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_one_home(rule: Rule) -> None:
    """What looks like a home of the rule is there, and nowhere else."""
    result = {
        path: [getattr(node, "lineno", 0) for node in nodes]
        for path, tree in package_trees().items()
        if (nodes := list(rule.look(tree)))
    }

    others = {path: lines for path, lines in result.items() if path not in rule.homes}
    assert others == {}, f"the home of {rule.name!r} is {' and '.join(rule.homes)}"
    assert set(rule.homes) == set(result)


def test_alterations_are_seen() -> None:
    """It knows each way in which one was altered so far."""
    text = (
        "import wandb\n"
        "from wandb.sdk import wandb_setup\n"
        "from pydantic._internal import _fields\n"
        "wandb.util.pd_available = False\n"
        "wandb_setup._lock = None\n"
        "setattr(_fields, 'a', 1)\n"
        "vars(wandb_setup)['b'] = 1\n"
    )

    result = alteration_of("wandb", "pydantic")(ast.parse(text))

    assert sorted(getattr(node, "lineno", 0) for node in result) == [4, 5, 6, 7]


def test_variables_that_are_read_are_seen() -> None:
    """By a call or as a key; a text in a message is none."""
    text = 'os.environ["WANDB_MODE"]\nget("WANDB_ENTITY")\nraise E("set WANDB_MODE")\n'

    result = text_handed_on("WANDB_(MODE|ENTITY)")(ast.parse(text))

    assert sorted(getattr(node, "lineno", 0) for node in result) == [1, 2]
