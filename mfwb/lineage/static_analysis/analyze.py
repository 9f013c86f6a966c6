"""Entry point of the analysis: from source text to what each step does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import accumulate

from mfwb.lineage.static_analysis.calls import flow_api  # noqa: F401 - each registers the syntax it understands
from mfwb.lineage.static_analysis.domain.effects import Effects
from mfwb.lineage.static_analysis.domain.values import ClassAtom
from mfwb.lineage.static_analysis.errors import CodeError, TooIntricateError
from mfwb.lineage.static_analysis.frame import Study
from mfwb.lineage.static_analysis.program.classes import FlowClass
from mfwb.lineage.static_analysis.program.modules import Module, Project
from mfwb.lineage.static_analysis.result import (
    ArtifactValue,
    ExternalRead,
    FlowCode,
    InputRead,
    LookedUpRun,
    SourcePosition,
    StepCode,
)
from mfwb.lineage.static_analysis.steps import Step, StepResult, steps_of, study_step
from mfwb.lineage.static_analysis.syntax import (
    builtin_calls,  # noqa: F401 - each registers the syntax it understands
    calls,  # noqa: F401 - each registers the syntax it understands
    comprehensions,  # noqa: F401 - each registers the syntax it understands
    expressions,  # noqa: F401 - each registers the syntax it understands
    loops,  # noqa: F401 - each registers the syntax it understands
    statements,  # noqa: F401 - each registers the syntax it understands
    tries,  # noqa: F401 - each registers the syntax it understands
)
from mfwb.python_ast import TooLargeError
from mfwb.snapshot import SourceCode
from mfwb.snapshot.pathspec import parts_of

__all__ = ["read_flow_code"]

_TOO_DEEP = "it is nested too deep"
_KEPT = 4  # results; flow runs that are synced together mostly ran the same code


def read_flow_code(source: SourceCode, flow: str) -> FlowCode:
    """Return what each step of a flow does with artifacts, from the source alone.

    CodeError if the script is missing or does not parse, if it has no such class, or if the class
    can't be followed at all.
    """
    try:
        return _read_once(_Text(_digest(source), source), flow)
    except TooIntricateError as error:
        raise CodeError(f"{flow} is too intricate to follow: {error}") from error
    except RecursionError:
        raise CodeError(f"{flow} is too intricate to follow: {_TOO_DEEP}") from None


@dataclass(frozen=True, slots=True)
class _Text:
    """A source, which is equal to another one if script and files are."""

    digest: bytes
    source: SourceCode = field(compare=False)


def _digest(source: SourceCode) -> bytes:
    digest = hashlib.sha256()
    for part in (source.script, *(part for item in sorted(source.files.items()) for part in item)):
        raw = part.encode(errors="surrogatepass")
        digest.update(b"%d " % len(raw) + raw)
    return digest.digest()


@lru_cache(_KEPT)
def _read_once(text: _Text, flow: str) -> FlowCode:
    return _read(text.source, flow)


def _read(source: SourceCode, flow: str) -> FlowCode:
    project = Project(source.script, source.files)
    module = _script(project)
    atoms = project.lookup(module, flow) or frozenset()
    infos = [atom.info for atom in atoms if isinstance(atom, ClassAtom)]
    if not infos:
        raise CodeError(f"there is no class {flow} in {source.script}")
    study = Study(FlowClass(project, infos[-1]))
    studied = {step: _study_or_doubt(study, step) for step in steps_of(study.flow)}
    iterated = frozenset().union(*(result.effects.iterated for result in studied.values()))
    steps = {
        step.name: replace(code, positions=_source_positions(step, code, study.lines))
        for step, result in studied.items()
        if (code := _make_step_code(step, result, iterated))
    }
    return FlowCode(steps, study.spent)


def _script(project: Project) -> Module:
    name = project.script
    if name not in project.files:
        raise CodeError(f"{name} is not among the files")
    try:
        return project.parse(name)
    except SyntaxError as error:
        raise CodeError(f"{name} does not parse: line {error.lineno}: {error.msg}") from error
    except TooLargeError as error:
        raise CodeError(f"{name} is not read: {error}") from error


def _study_or_doubt(study: Study, step: Step) -> StepResult:
    try:
        return study_step(study, step)
    except TooIntricateError as error:
        reason = str(error)
    except RecursionError:
        reason = _TOO_DEEP
    doubt = f"line {step.node.lineno}: {step.name} is too intricate to follow: {reason}"
    return StepResult(Effects(doubts={doubt: None}), frozenset(), followed=False)


def _make_step_code(step: Step, studied: StepResult, iterated: frozenset[str]) -> StepCode:
    effects = studied.effects
    items = {InputRead(name) for name in iterated} if effects.reads_item_of_inputs else set()
    return StepCode(
        name=step.name,
        line=step.node.lineno,
        next=tuple(sorted(effects.next)),
        reads=frozenset(effects.reads),
        input_reads=frozenset(effects.input_reads | items),
        reads_input=effects.reads_input,
        reads_foreach_stack=effects.reads_foreach_stack,
        writes=frozenset(effects.writes),
        always_writes=studied.always,
        deletes=frozenset(effects.deletes),
        merges=tuple(effects.merges),
        externals=frozenset(
            _drop_mere_openings({_complete_read(read, effects) for read in effects.externals})
        ),
        doubts=tuple(effects.doubts),
        followed=studied.followed,
    )


def _source_positions(
    step: Step, code: StepCode, lines: Mapping[tuple[str, str], set[int]]
) -> dict[str, SourcePosition]:
    """Return the position of the first read of each artifact in the body of the step itself."""
    names = {*code.reads, *(read.name for read in code.input_reads)}
    names.update(read.artifact for read in code.externals if read.artifact is not None)
    file, body = step.func.module.path, range(step.node.lineno, (step.node.end_lineno or 0) + 1)
    lines_by_name = {
        name: [line for line in lines.get((file, name), ()) if line in body] for name in names
    }
    return {name: SourcePosition(file, min(some)) for name, some in lines_by_name.items() if some}


def _complete_read(external: ExternalRead, effects: Effects) -> ExternalRead:
    """Return a read, completed with what the whole step does to the values in its pathspec."""
    changes = effects.writes | effects.deletes
    parts = tuple(
        replace(part, changed=part.name in changes or bool(effects.doubts))
        if isinstance(part, ArtifactValue) and part.of_input is None and part.name
        else part
        for part in external.parts
    )
    looked_up = {part for part in external.parts if isinstance(part, LookedUpRun)}
    stored_run_ids = frozenset(
        stored for stored in effects.stored_run_ids if looked_up.intersection(stored.parts)
    )
    return replace(external, parts=parts, stored_run_ids=stored_run_ids)


def _drop_mere_openings(externals: set[ExternalRead]) -> set[ExternalRead]:
    """Return the reads without mere openings of flow runs from which a known artifact is read."""
    read_through = {
        (read.kind == "trigger", above)
        for read in externals
        if read.artifact is not None
        for above in ("", *accumulate(parts_of(read.pathspec), "{}/{}".format))
    }
    return {
        read
        for read in externals
        if read.artifact is not None or (read.kind == "trigger", read.pathspec) not in read_through
    }
