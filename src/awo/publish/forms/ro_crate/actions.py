"""What was done: the run, each step, each group of calls to a model, and the seal, as actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from awo.derive.facts import CallCounts, StepFacts
from awo.evidence.layout import (
    AUDIT,
    INPUT,
    JOURNAL,
    METADATA,
    OUTPUTS,
    REPORT,
    SEAL,
    SEAL_SIGNATURE,
    SUMS,
    responses_path,
)
from awo.evidence.received import RECEIVE
from awo.publish.described.shapes import CallGroup, Described
from awo.publish.forms.ro_crate.claims import add_claims
from awo.publish.forms.ro_crate.decisions import add_decisions
from awo.publish.forms.ro_crate.files import PackageFiles
from awo.publish.forms.ro_crate.graph import Graph, Ref, local_id, ref_to, short, time_of
from awo.publish.forms.ro_crate.parts import Part
from awo.publish.forms.ro_crate.people import agent
from awo.publish.forms.ro_crate.software import AWO, add_model, add_operation, add_parameter_values
from awo.publish.forms.ro_crate.workflow import step_id, workflow_id

DONE: Final = "http://schema.org/CompletedActionStatus"
FAILED: Final = "http://schema.org/FailedActionStatus"
MOST_RESULTS: Final = 50
"""Files that an action names one by one; of more, it names their folder."""


class Actions:
    """Adds the actions of a run to its crate, and remembers what has to name them."""

    def __init__(self, graph: Graph, described: Described, files: PackageFiles) -> None:
        self._graph = graph
        self._described = described
        self._files = files
        self._by_id = {one.record.id: one for one in described.facts.steps}
        self._ended_at = described.facts.ended_at or (described.seal.at if described.seal else "")
        self._starter = agent(graph, described.facts.starter.id)
        self.mentioned: list[Ref] = []
        """What the root is to mention: every action but those that control and organise."""
        self.tools: list[Ref] = []
        """What the workflow is to have as its parts: every tool that acted."""
        self._controls: list[Ref] = []

    def add_part(self, part: Part) -> None:
        """A step that began: its own action, its calls by model, and what controlled them."""
        if not part.has_run:
            return
        done = [self._step(part), *(self._calls(part, group) for group in part.groups if _was_asked(group))]
        if part.is_one:
            done += add_decisions(self._graph, self._described, self._files, part.id)
        self.mentioned += done
        self._controls.append(
            self._graph.add(
                local_id("control", part.id),
                "ControlAction",
                name=f"AWO ran {part.id}",
                instrument=ref_to(step_id(part)),
                object=done,
                **_status(part.is_done, _why(part)),
            )
        )

    def add_run(self, inputs: list[Ref], environment: list[Ref]) -> None:
        """The run as a whole, the seal, and the engine that organised the steps."""
        facts, run_id = self._described.facts, self._described.run_id
        run = self._graph.add(
            local_id("run", run_id),
            "CreateAction",
            name=f"Run {run_id}",
            description=f"One run of the workflow {facts.input.name!r}. Its outcome: {facts.outcome}.",
            instrument=ref_to(workflow_id(run_id)),
            agent=self._starter,
            startTime=time_of(facts.started_at),
            endTime=time_of(self._ended_at),
            object=inputs,
            result=[*self._files.refs([REPORT, METADATA, JOURNAL]), self._files.folder(OUTPUTS)],
            environment=environment,
            additionalProperty=self._counts("run", [run_id], facts.calls),
            **_status(facts.outcome in ("completed", "approved"), f"the run ended as {facts.outcome}"),
        )
        self.mentioned.append(run)
        self._seal()
        if self._controls:
            organised = self._graph.add(
                local_id("engine", run_id),
                "OrganizeAction",
                name=f"{facts.software.name} {facts.software.version} carried out the workflow",
                instrument=ref_to(AWO),
                agent=self._starter,
                object=self._controls,
                result=run,
                startTime=time_of(facts.started_at),
                endTime=time_of(self._ended_at),
            )
            self.mentioned.append(organised)
        if not self.tools:  # nothing began: what is left of the run is that it was sealed
            self.tools.append(ref_to(AWO))

    def _seal(self) -> None:
        seal = self._described.seal
        if seal is None:
            return
        self.mentioned.append(
            self._graph.add(
                "#seal",
                "CreateAction",
                name="Seal",
                description=f"The folder was frozen and signed. SHA-256 of the seal: {self._described.seal_sha256}",
                instrument=ref_to(AWO),
                agent=agent(self._graph, seal.sealer.id),
                endTime=time_of(seal.at),
                object=[self._files.root, *self._files.refs([JOURNAL, SUMS])],
                result=self._files.refs([SEAL, SEAL_SIGNATURE]),
                actionStatus=DONE,
            )
        )

    def _step(self, part: Part) -> Ref:
        tool = add_operation(self._graph, self._described, part.op)
        self._use(tool)
        return self._graph.add(
            local_id("action", part.id),
            "CreateAction",
            name=f"{part.op} {part.id}",
            description=_said(part),
            instrument=tool,
            agent=self._starter,
            startTime=time_of(part.started_at),
            endTime=time_of(part.finished_at or self._ended_at),
            object=self._needed(part),
            result=self._results(part) + add_claims(self._graph, self._described, part.id),
            additionalProperty=self._counts("step", [part.id], part.calls),
            **_status(part.is_done, _why(part)),
        )

    def _calls(self, part: Part, group: CallGroup) -> Ref:
        run_id = self._described.run_id
        tool = add_model(self._graph, self._described, group.model, run_id)
        self._use(tool)
        paths = [responses_path(step.record.id) for step in part.steps] if group.responses else []
        counts = CallCounts(answered=group.answered, failed=group.failed, unknown=group.unknown, reused=group.reused)
        return self._graph.add(
            local_id("calls", part.id, group.model),
            "CreateAction",
            name=f"Calls of {part.id} to {group.model}",
            description=f"All calls to this model in {part.id}, told as one.",
            instrument=tool,
            agent=self._starter,
            startTime=time_of(group.first_at),
            endTime=time_of(group.last_at or part.finished_at or self._ended_at),
            object=[
                *self._files.refs([INPUT]),
                *add_parameter_values(self._graph, self._described, group.model, run_id),
            ],
            result=self._named_or_folder(paths, part) or self._files.refs([JOURNAL]),
            additionalProperty=self._counts("calls", [part.id, group.model], counts),
            **_status(bool(group.answered), "no call was answered"),
        )

    def _use(self, tool: Ref) -> None:
        if tool not in self.tools:
            self.tools.append(tool)

    def _counts(self, kind: str, names: list[str], calls: CallCounts) -> list[Ref]:
        """How many calls there were, by outcome, where there were any."""
        values = {
            "calls answered": calls.answered,
            "calls failed": calls.failed,
            "calls of unknown outcome": calls.unknown,
            "responses reused": calls.reused,
        }
        if not any(values.values()):
            return []
        return self._graph.values(f"{kind}-count", names, values, METADATA)

    def _needed(self, part: Part) -> list[Ref]:
        """The values of the steps that it needed, and the plan, in which its arguments stand."""
        needed = [self._by_id[id_] for step in part.steps for id_ in step.record.needs if id_ in self._by_id]
        values = [one.value.path for one in needed if one.value is not None]
        return self._files.refs([INPUT]) + self._named_or_folder(values, None)

    def _results(self, part: Part) -> list[Ref]:
        """What it left; of a step that left nothing, the journal tells what became of it."""
        paths = [path for step in part.steps for path in _paths_of(step)]
        return self._named_or_folder(paths, part) or self._files.refs([JOURNAL])

    def _named_or_folder(self, paths: Iterable[str], part: Part | None) -> list[Ref]:
        known = list(dict.fromkeys(paths))
        if len(known) <= MOST_RESULTS:
            return self._files.refs(known)
        where = f"{OUTPUTS}/{part.id}" if part is not None and part.is_one else OUTPUTS
        return [self._files.folder(where)]


def pinned_paths(described: Described, parts: tuple[Part, ...]) -> list[str]:
    """The files that are described one by one even in a package of very many: what actions name."""
    paths = [INPUT, REPORT, METADATA, JOURNAL, SUMS, SEAL, SEAL_SIGNATURE]
    paths += [recorded.path for recorded in described.decisions]
    paths += [one.path for one in described.claims]
    for part in parts:
        for step in part.steps:
            paths += [responses_path(step.record.id)] if step.calls.responses else []
            paths += [step.value.path] if step.value is not None else []
    return [path for path in paths if path.startswith((OUTPUTS, AUDIT)) or "/" not in path]


def _paths_of(step: StepFacts) -> Iterable[str]:
    if step.value is not None:
        yield step.value.path
    if step.calls.responses:
        yield responses_path(step.record.id)
    for file in (*step.files, *step.failed_files):
        yield file.path


def _was_asked(group: CallGroup) -> bool:
    return bool(group.answered or group.failed or group.unknown)


def _said(part: Part) -> str:
    if not part.is_one:
        return f"{len(part.steps)} steps of {part.op}, told as one."
    step = part.step
    told = [f"Step {part.id} of the workflow."]
    if part.op == RECEIVE:
        told.append(
            "Received, not witnessed: what the files say of answers, scores and models is somebody else's word."
        )
    if step.reused_from:
        told.append(f"Taken over from {step.reused_from}; nothing was done again.")
    if step.attempts > 1:
        told.append(f"It took {step.attempts} attempts.")
    if step.cells is not None:
        told.append(f"Done for {step.cells.planned} cells.")
    return " ".join(told)


def _why(part: Part) -> str:
    reasons = [one.reason for one in part.steps if one.reason is not None and one.started_at]
    if not reasons:
        return "the run ended before it was done"
    return short(f"{reasons[0].code}: {reasons[0].message}", JOURNAL)


def _status(is_done: bool, why: str) -> dict[str, Any]:
    return {"actionStatus": DONE} if is_done else {"actionStatus": FAILED, "error": why}
