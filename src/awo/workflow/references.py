"""What a workflow refers to: steps, inputs and models by name. Unknown names are found here; so is who needs whom."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from awo.canon.paths import why_not_inside
from awo.canon.positions import Path
from awo.workflow import templates
from awo.workflow.definition import STAND_INS, Step
from awo.workflow.faults import Fault
from awo.workflow.marks import Marked, marked_in
from awo.workflow.names import BadText, Names, did_you_mean


@dataclass(frozen=True, slots=True)
class Known:
    """The names that the file declares."""

    steps: Collection[str]
    inputs: Collection[str]
    models: Collection[str]


@dataclass(frozen=True, slots=True)
class References:
    """What one step refers to, each name once: `steps` and `models` in the order of their first use."""

    steps: tuple[str, ...]
    models: tuple[str, ...]
    faults: tuple[Fault, ...]


def references_of(step: Step, known: Known) -> References:
    """What `step` refers to, and each reference that leads nowhere. Faults have their place in the file."""
    collector = _Collector(known)
    for index, need in enumerate(step.explicit_needs):
        collector.step(need, (*step.place, "needs", index))
    if step.when:
        collector.marked(Marked("cel", (), step.when), (*step.place, "when"))
    for marked in marked_in(step.args):
        collector.marked(marked, step.path_of(marked.path))
    return References(tuple(collector.steps), tuple(collector.models), tuple(collector.faults))


class _Collector:
    def __init__(self, known: Known) -> None:
        self.known = known
        self.steps: dict[str, None] = {}
        self.models: dict[str, None] = {}
        self.faults: list[Fault] = []

    def step(self, name: str, place: Path) -> None:
        if name in self.known.steps:
            self.steps[name] = None
        else:
            self._unknown("step", name, self.known.steps, place)

    def marked(self, marked: Marked, place: Path) -> None:
        match marked.kind:
            case "step":
                self.step(marked.text, place)
            case "model":
                if marked.text in self.known.models or marked.text in STAND_INS:
                    self.models[marked.text] = None
                else:
                    self._unknown("model", marked.text, [*self.known.models, *STAND_INS], place)
            case "template":
                self._names("template", marked.text, place)
            case "cel":
                self._names("condition", marked.text, place)
            case "write":
                if templates.is_template(marked.text):
                    self._names("template", marked.text, place)
                elif why := why_not_inside(marked.text):
                    what = "a step may not write a file of this name"
                    self.faults.append(
                        Fault(place, what, "a name below the step's own folder", f"{marked.text!r}: {why}")
                    )
            case "read" | "glob":
                pass  # files are looked at all together

    def _names(self, kind: str, text: str, place: Path) -> None:
        try:
            names = templates.names_used(text) if kind == "template" else _names_of_condition(text)
        except BadText as error:
            what = f"{error.what} (line {error.line} of the {kind})" if error.line > 1 else error.what
            self.faults.append(Fault(place, what, error.expected, error.got, error.hint))
            return
        for name in names.steps:
            self.step(name, place)
        for name in names.inputs:
            if name not in self.known.inputs:
                self._unknown("input", name, self.known.inputs, place)
        for name in names.unknown:
            what = f"the {kind} names {name!r}, which is not there"
            self.faults.append(Fault(place, what, "inputs.NAME or steps.ID", hint=_where_meant(name, self.known)))

    def _unknown(self, kind: str, name: str, names: Collection[str], place: Path) -> None:
        known = ", ".join(list(names)[:20]) if names else f"the workflow has no {kind}s"
        self.faults.append(
            Fault(place, f"there is no {kind} called {name!r}", known, "", did_you_mean(name, list(names)))
        )


def _names_of_condition(text: str) -> Names:
    from awo.workflow import conditions

    return conditions.names_used(text)


def _where_meant(name: str, known: Known) -> str:
    """A hint for a bare name: the input or step it was meant for."""
    if name in known.inputs:
        return f"did you mean inputs.{name}?"
    if name in known.steps:
        return f"did you mean steps.{name}?" if name.isidentifier() else f"did you mean steps[{name!r}]?"
    return did_you_mean(name, ["inputs", "steps"])
