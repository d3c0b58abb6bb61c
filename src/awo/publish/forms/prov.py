"""`--as prov`: a sealed run as W3C PROV-JSON: what was made of what, by which activity, and who answers for it.

docs/provenance.md says what stands for what. Source: PROV-DM (W3C Recommendation), PROV-JSON (W3C Submission).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from awo.canon.json import pretty
from awo.derive.facts import StepFacts
from awo.errors import AwoError
from awo.evidence.events import FileRef
from awo.evidence.gates import Signer
from awo.evidence.layout import INPUT, JOURNAL, OUTPUTS, REPORT, SEAL, SEAL_SIGNATURE, SUMS, responses_path
from awo.evidence.received import RECEIVE
from awo.evidence.records import NOBODY
from awo.evidence.relayed import environment_of
from awo.publish.described.shapes import CallGroup, Described, RecordedDecision
from awo.publish.forms.prov_document import Document, local
from awo.publish.forms.ro_crate.parts import Part, parts_of
from awo.publish.forms.run_statement import MOST_NAMES, weights_of
from awo.publish.forms.sealed import intact_seal
from awo.publish.forms.seam import Wanted, Written
from awo.publish.placing import new_file, refuse_place

MOST_FILES: Final = 1_000
"""A package of more files has those below outputs/ told by the folder of their step."""
MOST_LINKS: Final = 1_000
"""Files that one activity used or made one by one."""
PERSON: Final = "prov:Person"
SOFTWARE: Final = "prov:SoftwareAgent"
PLAN: Final = local("file", INPUT)
ENGINE: Final = local("software", "awo")


class Prov:
    """Implements `awo.publish.forms.seam.Form`."""

    ending = ".prov.json"
    holds = "facts"
    is_signed = False
    of_sealed = True

    def write(self, wanted: Wanted) -> Written:
        """As `Form.write`: one document, the same bytes for the same run."""
        out = wanted.place(self.ending)
        refuse_place(wanted.folder, out, "--output")
        intact_seal(wanted.folder, wanted.described)
        document = document_of(wanted.described)
        with new_file(out, "--output") as stream:
            stream.write(pretty(document.as_dict()))
        counts = document.counts()
        return Written(
            out, {"records": counts}, (f"records: {', '.join(f'{n} {kind}' for kind, n in counts.items())}",)
        )


def document_of(described: Described) -> Document:
    """The provenance of a sealed run. Touches no disk. A run of very many steps or files is told in groups."""
    return _Writer(described).write()


class _Writer:
    def __init__(self, described: Described) -> None:
        if described.seal is None:
            raise AwoError("a run that is not sealed was to be told as provenance")
        self._described = described
        self._seal = described.seal
        self._document = Document(described.run_id)
        self._has_all = len(described.files) <= MOST_FILES
        self._parts = parts_of(described)
        self._part_of = {step.record.id: part for part in self._parts for step in part.steps}
        self._step_of = {step.record.id: step for step in described.facts.steps}
        self._run = local("run", described.run_id)

    def write(self) -> Document:
        self._files()
        self._people()
        self._run_itself()
        for part in self._parts:
            if part.has_run:
                self._part(part)
        recorded = {one.path: one for one in self._described.decisions}
        for gate in self._described.facts.gates:
            for event in gate.decisions:
                if event.decision.path in recorded:
                    self._decision(recorded[event.decision.path], gate.shows)
        self._sealing()
        return self._document

    # --- entities ---------------------------------------------------------------------------------------

    def _files(self) -> None:
        for file in self._described.files:
            if self._has_all or not file.path.startswith(f"{OUTPUTS}/"):
                self._document.entity(
                    local("file", file.path),
                    {"prov:label": file.path, "awo:sha256": file.sha256, "awo:sizeBytes": file.size_bytes},
                )
        plan = self._described.facts.input
        self._document.entity(PLAN, {"prov:type": self._document.name("prov:Plan")})
        for read in [plan.source, *(plan.files if len(plan.files) <= MOST_FILES else ())]:
            name = local("read", read.path)
            self._document.entity(
                name, {"prov:label": read.path, "awo:sha256": read.sha256, "awo:sizeBytes": read.size_bytes}
            )
            self._document.derived(PLAN, name)

    def _entity_of(self, path: str) -> str:
        """What stands for a file: itself, or the folder of its step."""
        if self._document.has_entity(local("file", path)):
            return local("file", path)
        step = path.split("/")[1] if path.startswith(f"{OUTPUTS}/") else ""
        part = self._part_of.get(step)
        maker = part.id if part is not None else step
        name = local("outputs", maker)
        if not self._document.has_entity(name):
            told = {"prov:type": self._document.name("prov:Collection"), "prov:label": f"outputs of {maker}"}
            self._document.entity(name, told)
        return name

    def _entities_of(self, paths: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(self._entity_of(path) for path in paths))[:MOST_LINKS]

    # --- agents ------------------------------------------------------------------------------------------

    def _people(self) -> None:
        facts = self._described.facts
        self._document.agent(
            ENGINE,
            SOFTWARE,
            {"prov:label": f"{facts.software.name} {facts.software.version}", "awo:version": facts.software.version},
        )
        for name, asked in facts.input.models.items():
            self._document.agent(
                local("model", name),
                SOFTWARE,
                {
                    "prov:label": name,
                    "awo:backend": asked.backend,
                    "awo:asked": asked.model,
                    "awo:answered": list(self._described.answered.get(name, ())[:MOST_NAMES]),
                    "awo:weightsSha256": weights_of(self._described, name),
                },
            )

    def _signer(self, signer: Signer) -> str:
        """The agent that signed a decision: a person, or a key that relays what was said elsewhere."""
        if not environment_of(signer.role):
            return self._person(signer.id, signer.name)
        agent = local("relay", signer.id)
        self._document.agent(agent, SOFTWARE, {"prov:label": signer.name or signer.id, "awo:id": signer.id})
        return agent

    def _person(self, id_: str, name: str = "") -> str:
        """The agent of this id, '' for nobody."""
        if not id_ or id_ == NOBODY:
            return ""
        agent = local("person", id_)
        self._document.agent(agent, PERSON, {"prov:label": name or id_, "awo:id": id_})
        return agent

    # --- activities ----------------------------------------------------------------------------------------

    def _run_itself(self) -> None:
        facts = self._described.facts
        self._document.activity(
            self._run,
            facts.started_at,
            facts.ended_at or self._seal.at,
            {"prov:label": facts.input.name or facts.run_id, "awo:outcome": self._seal.outcome},
        )
        self._document.used(self._run, PLAN)
        starter = self._person(facts.starter.id)
        self._document.associated(self._run, ENGINE, plan=PLAN)
        if starter:
            self._document.associated(self._run, starter, role="starter")
            self._document.on_behalf(ENGINE, starter, self._run)
        for path in (JOURNAL, REPORT):
            if self._document.has_entity(local("file", path)):
                self._document.generated(local("file", path), self._run)

    def _part(self, part: Part) -> None:
        activity = local("step", part.id)
        self._document.activity(
            activity,
            part.started_at,
            part.finished_at or self._seal.at,
            {
                "prov:label": part.id,
                "awo:operation": part.op,
                "awo:steps": len(part.steps),
                "awo:done": part.is_done,
                "awo:received": True if part.op == RECEIVE else None,
                "awo:partOf": self._document.name(self._run),
            },
        )
        self._document.used(activity, PLAN)
        self._document.associated(activity, ENGINE)
        used = self._entities_of(self._needed(part))
        made = self._entities_of(path for step in part.steps for path in _left_by(step))
        for entity in used:
            self._document.used(activity, entity)
        for entity in made:
            self._document.generated(entity, activity)
        values = self._entities_of(step.value.path for step in part.steps if step.value is not None)
        for group in part.groups:
            answers = self._calls(part, group, activity)
            for value in values if part.is_one else ():
                self._document.derived(value, answers, activity)
        for value in values if part.is_one else ():  # what came of what is not known of steps that are told as one
            for source in used:
                self._document.derived(value, source, activity)
        self._claims(part, activity)

    def _needed(self, part: Part) -> Iterator[str]:
        for step in part.steps:
            for needed in step.record.needs:
                found = self._step_of.get(needed)
                if found is not None and found.value is not None:
                    yield found.value.path

    def _calls(self, part: Part, group: CallGroup, step: str) -> str:
        """The activity of all calls to one model, and the entity of their responses, whose name comes back."""
        activity, answers = local("calls", part.id, group.model), local("responses", part.id, group.model)
        asked = group.answered + group.failed + group.unknown
        if asked:
            self._document.activity(
                activity,
                group.first_at,
                group.last_at,
                {
                    "prov:label": f"calls of {part.id} to {group.model}",
                    "awo:answered": group.answered,
                    "awo:failed": group.failed,
                    "awo:unknown": group.unknown,
                    "awo:partOf": self._document.name(step),
                },
            )
            self._document.used(activity, PLAN)
            self._document.associated(activity, local("model", group.model))
            self._document.informed(activity, step)
        self._document.entity(
            answers,
            {
                "prov:type": self._document.name("prov:Collection"),
                "prov:label": f"responses of {group.model} in {part.id}",
                "awo:responses": group.responses,
                "awo:reused": group.reused,
            },
        )
        if asked:
            self._document.generated(answers, activity)
        if part.is_one and self._document.has_entity(local("file", responses_path(part.id))):
            self._document.specialization(answers, local("file", responses_path(part.id)))
        return answers

    def _claims(self, part: Part, activity: str) -> None:
        steps = {step.record.id for step in part.steps}
        for judged in self._described.claims:
            for verdict in judged.verdicts if judged.step in steps else ():
                name = local("claim", judged.step, verdict.id)
                self._document.entity(
                    name,
                    {
                        "prov:label": verdict.id,
                        "awo:verdict": verdict.verdict,
                        "awo:attempt": verdict.attempt,
                        "awo:sha256": verdict.sha256,
                    },
                )
                self._document.generated(name, activity)
                self._document.derived(name, self._entity_of(judged.path), activity)

    def _decision(self, recorded: RecordedDecision, shows: tuple[FileRef, ...]) -> None:
        decision, file = recorded.decision, self._entity_of(recorded.path)
        activity = local("decision", recorded.path)
        self._document.activity(
            activity,
            decision.at,
            decision.at,
            {
                "prov:label": f"{decision.verdict} at {decision.gate}",
                "awo:verdict": decision.verdict,
                "awo:meaning": decision.meaning,
                "awo:presence": decision.presence,
                "awo:solo": decision.solo,
                "awo:relayed": bool(environment_of(decision.signer.role)),
                "awo:partOf": self._document.name(local("step", decision.gate)),
            },
        )
        for entity in self._entities_of(shown.path for shown in shows):
            self._document.used(activity, entity)
        self._document.generated(file, activity)
        signer = self._signer(decision.signer)
        if signer:
            self._document.associated(activity, signer, role=decision.signer.role)
            self._document.attributed(file, signer)

    def _sealing(self) -> None:
        activity = local("seal", self._described.run_id)
        self._document.activity(
            activity, self._seal.at, self._seal.at, {"prov:label": "seal", "awo:partOf": self._document.name(self._run)}
        )
        self._document.associated(activity, ENGINE)
        for path in (SUMS, JOURNAL):
            self._document.used(activity, self._entity_of(path))
        for path in (SEAL, SEAL_SIGNATURE):
            self._document.generated(self._entity_of(path), activity)
        sealer = self._person(self._seal.sealer.id)
        if sealer:
            self._document.associated(activity, sealer, role="sealer")
            self._document.attributed(self._entity_of(SEAL), sealer)


def _left_by(step: StepFacts) -> Iterator[str]:
    if step.value is not None:
        yield step.value.path
    for file in (*step.files, *step.failed_files):
        yield file.path
