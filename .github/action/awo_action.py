"""The step of the action: runs or resumes, exports, says in the job's summary what came of it, and keeps it in git.

Its inputs are variables of the environment, as action.yml names them. It ends with 0 when a run is sealed or waits for
a person, and otherwise with AWO's own exit code.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import gate_page
import in_git
from programs import Stop, awo, in_words
from runner import Summary, command, neutral_check, set_outputs

WAITING = 78
REJECTED = 5
FAILED = 6
HELD = 2
"""What `awo scan` ends with where it found something that nobody let pass."""
COMMANDS = ("run", "resume", "relay")
OF_THE_JOB = ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_RUNTIME_TOKEN")
"""With these a program could sign in the name of the job, or write its artifacts."""


@dataclass(frozen=True)
class Inputs:
    """What the workflow asked for. `token` is passed to nobody but git's push and GitHub's API."""

    command: str
    workflow: str
    run: str
    budget: str
    signer: str
    key: str
    token: str
    commit: bool
    push: bool
    seal_failed: bool
    check_run: bool

    @classmethod
    def taken(cls) -> Inputs:
        """Takes them out of the environment, and what only this job may have: AWO and what it starts inherit none."""
        take = os.environ.pop
        for name in OF_THE_JOB:
            take(name, "")
        flags = {name: _flag(name) for name in ("commit", "push", "seal_failed", "check_run")}
        return cls(
            command=take("INPUT_COMMAND", "") or "run",
            workflow=take("INPUT_WORKFLOW", ""),
            run=take("INPUT_RUN", ""),
            budget=take("INPUT_BUDGET", ""),
            signer=take("INPUT_AS", ""),
            key=take("AWO_ACTION_KEY", ""),
            token=take("AWO_ACTION_TOKEN", ""),
            **flags,
        )

    def refuse_mixed(self) -> None:
        """Raises `Stop` for what cannot end well, before anything is run and paid for."""
        if self.command not in COMMANDS:
            raise Stop(2, f"the input command is run, resume or relay, and not {self.command!r}")
        if self.command == "run" and not self.workflow:
            raise Stop(2, "the input workflow is missing: the path of the workflow file")
        if self.key and not self.signer:
            raise Stop(2, "the input key needs the input as: the id under which reviewers/allowed_signers has the key")
        for name, value in (("workflow", self.workflow), ("run", self.run)):
            if value.startswith("-") or not value.isprintable():
                raise Stop(2, f"the input {name} cannot be {ascii(value)[:80]}")
        if self.command == "relay" and not (self.key and self.token):
            raise Stop(2, "the command relay needs the inputs key, as and token")
        if self.command == "relay" and self.run == "pushed":
            raise Stop(2, "one approval is for one run: name it in the input run")
        if self.push and not self.commit:
            raise Stop(2, "the input push needs commit: without it there is nothing to push")
        if self.push:
            in_git.branch()


def _flag(name: str) -> bool:
    value = os.environ.pop(f"INPUT_{name.upper()}", "") or "false"
    if value not in ("true", "false"):
        raise Stop(2, f"the input {name.replace('_', '-')} is true or false, and not {value!r}")
    return value == "true"


@dataclass
class Told:
    """How a run stands, as outputs of the step have it. `error` is what AWO said of it, `code` what it ended with."""

    run: str = ""
    state: str = "failed"
    outcome: str = ""
    gate: str = ""
    folder: str = ""
    bundle: str = ""
    bundle_sha256: str = ""
    attestation: str = ""
    commit: str = ""
    error: str = ""
    code: int = 0
    is_sealed: bool = False
    is_pushed: bool = False
    is_held: bool = False


@contextmanager
def key_options(inputs: Inputs) -> Iterator[list[str]]:
    """`--key FILE --as ID` for as long as the file is there: the key lies outside the work tree, for this user only."""
    if not inputs.key:
        yield []
        return
    place = Path(os.environ["RUNNER_TEMP"]) / "awo-key"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    try:
        file = place / "key"
        with open(file, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as stream:
            stream.write(inputs.key.replace("\r\n", "\n").rstrip("\n") + "\n")
        yield ["--key", str(file), "--as", inputs.signer]
    finally:
        shutil.rmtree(place, ignore_errors=True)


# --- which runs ------------------------------------------------------------------------------------------


def runs_to_take_up(wanted: str) -> list[str]:
    """The runs that `wanted` means: an id, `latest`, or `pushed` for those that the push changed and all that wait or
    were decided. What has failed waits for nobody: taken up each time, it would be paid for each time."""
    code, found = awo("list")
    if code:
        raise Stop(code, str(found.get("error", "")))
    rows = {row["run"]: row for row in found["runs"]}
    if wanted == "latest":
        return list(rows)[-1:]
    if wanted != "pushed":
        return [wanted]
    changed = in_git.pushed_runs()
    return [name for name, row in rows.items() if name in changed or _is_due(row)]


def _is_due(row: dict[str, Any]) -> bool:
    is_decided = row.get("outcome") or str(row.get("state", "")).startswith("approved at its gate")
    return not row.get("is_sealed", False) and bool(row.get("gate") or is_decided)


# --- one run ---------------------------------------------------------------------------------------------


def start(inputs: Inputs, key: list[str]) -> Told:
    """Runs the workflow."""
    budget = ["--budget", inputs.budget] if inputs.budget else []
    code, found = awo("run", inputs.workflow, *budget, *key)
    return how_it_stands(str(found.get("run", "")), code, found)


def take_up(name: str, inputs: Inputs, key: list[str]) -> Told:
    """Resumes a run that is not sealed, and looks at one that is."""
    if inputs.command == "relay":
        code, found = awo("approve", name, "--relayed", "github", *key, GITHUB_TOKEN=inputs.token)
        if code:
            return how_it_stands(name, code, found)
    told = how_it_stands(name, 0, {})
    if told.is_sealed or told.error:
        return told
    budget = ["--budget", inputs.budget] if inputs.budget else []
    code, found = awo("resume", name, *budget, *key)
    return how_it_stands(name, code, found)


def how_it_stands(name: str, code: int, found: dict[str, Any]) -> Told:
    """How the run stands now, from its record, after a command that ended with `code` and printed `found`."""
    told = Told(run=name, code=code)
    if code not in (0, WAITING):
        told.error = in_words(found)
    if not name:
        return told
    seen, status = awo("status", name)
    if seen:
        told.code, told.error = told.code or seen, told.error or in_words(status)
        return told
    told.run, told.outcome, told.gate = str(status["run"]), str(status["outcome"]), str(status["gate"])
    told.folder = os.path.relpath(str(status["folder"]))
    told.is_sealed = bool(status["is_sealed"])
    if told.is_sealed:
        told.state = {"rejected": "rejected", "failed": "failed"}.get(told.outcome, "sealed")
        told.code = told.code or {"rejected": REJECTED, "failed": FAILED}.get(told.state, 0)
    elif told.gate:  # also where a decision or an approval was refused: the run waits on
        told.state, told.code = "waiting", 0 if code in (0, WAITING) else code
    else:
        told.code = told.code or FAILED
    return told


def export(told: Told, key: list[str]) -> None:
    """Writes the bundle of a sealed run, the same bytes each time; with a key, AWO's own statements about it, too."""
    place = Path(os.environ["RUNNER_TEMP"]) / "awo-bundles"
    place.mkdir(exist_ok=True)
    path = place / f"{told.run}.tar.gz"
    path.unlink(missing_ok=True)
    code, found = awo("export", told.run, "--output", str(path))
    if code:
        told.is_held = True
        told.code, told.error = told.code or code, in_words(found)
        return
    told.bundle, told.bundle_sha256 = str(path), str(found["sha256"])
    if not key:
        return
    beside = place / f"{told.run}.provenance.intoto.jsonl"
    beside.unlink(missing_ok=True)
    code, found = awo("export", told.run, "--as", "slsa", *key[:2], "--output", str(beside))
    if code:
        told.code, told.error = told.code or code, in_words(found)
        return
    told.attestation = str(beside)


def may_be_committed(told: Told) -> bool:
    """Whether the scan lets the run into the repository, where nothing is ever withheld again."""
    code, found = (0, dict[str, Any]()) if told.is_sealed else awo("scan", told.run)
    if code == HELD:
        told.is_held = True
        told.code, told.error = told.code or code, in_words(found)
    if told.is_held:
        told.error = f"{told.error}\nnot committed: what was found would stand in the repository for good".strip()
    return not told.is_held


def seal_as_failed(told: Told, key: list[str]) -> None:
    """Seals a run with failed steps, so that it leaves a bundle."""
    code, found = awo("seal", told.run, *key)
    if code:
        told.error = f"{told.error}\n{in_words(found)}".strip()
        return
    told.is_sealed, told.outcome = True, str(found.get("outcome", ""))


def lay_out(told: Told) -> str:
    """A copy of a run that is not sealed and of the ledger, to be uploaded: as they lie in runs/. Gives the folder."""
    place = Path(os.environ["RUNNER_TEMP"]) / "awo-waiting"
    ledger = Path(told.folder).parent / "ledger"
    for folder in filter(Path.is_dir, (Path(told.folder), ledger)):
        shutil.copytree(folder, place / folder.name, dirs_exist_ok=True)
    return str(place)


# --- what is said ----------------------------------------------------------------------------------------


def tell(told: Told, inputs: Inputs, summary: Summary) -> None:
    """Writes about one run to the summary, and a notice where a person is waited for."""
    summary.add(gate_page.heading(told.run, told.state, told.outcome, told.bundle_sha256))
    if told.error:
        summary.add(gate_page.as_code(told.error))
        command("error", told.error, f"AWO: {told.run or 'no run'}")
    is_blind = False
    if told.state == "waiting":
        code, found = awo("gates", "show", told.run)
        page = (
            gate_page.instructions(found, told.run, is_kept=told.is_pushed, is_refused=bool(told.error))
            if not code
            else ""
        )
        is_blind = not code and found["gate"]["panel"] is not None
        summary.add(page or gate_page.as_code(in_words(found)))
        if not told.error:
            command("notice", f"{told.run} waits at the gate {told.gate} for a person; the summary says what to do")
        if inputs.check_run and (why := neutral_check(f"waits at the gate {told.gate}", page, inputs.token)):
            command("warning", f"no check was made: {why}")
    report = Path(told.folder) / "report.md"
    if is_blind:
        summary.add(
            "\nThe gate is blind: the report names the models, and is not shown here before people have voted.\n"
        )
    elif told.is_held:
        summary.add(
            "\nNo bundle could be written, so its report is not shown here either: it may hold what was found.\n"
        )
    elif told.folder and report.is_file():
        whole = f"`{told.folder}/report.md`" + (" and in the bundle" if told.bundle else "")
        summary.add_report(report.read_text(encoding="utf-8", errors="replace"), whole)


def worked_on(inputs: Inputs, key: list[str]) -> Iterator[Told]:
    """Each run that this step is about, after what is to be done with it."""
    if inputs.command == "run":
        yield start(inputs, key)
        return
    names = runs_to_take_up(inputs.run or ("latest" if inputs.command == "relay" else "pushed"))
    if not names:
        command("notice", "no run was pushed, and none waits")
    for name in names:
        yield take_up(name, inputs, key)


def act(inputs: Inputs, summary: Summary) -> int:
    """Does it all; gives the exit code. What is known of a run is told, whatever else goes wrong."""
    inputs.refuse_mixed()
    worst, last, waiting = 0, Told(), ""
    with key_options(inputs) as key:
        for told in worked_on(inputs, key):
            last = told
            try:
                if told.state == "failed" and not told.is_sealed and told.folder and inputs.seal_failed:
                    seal_as_failed(told, key)
                if told.is_sealed:
                    export(told, key)
                elif told.folder:
                    waiting = lay_out(told)  # first: what cannot be pushed is not lost
                if inputs.commit and told.folder and may_be_committed(told):
                    told.commit = in_git.keep(told.run, told.folder, told.state, is_sealed=told.is_sealed)
                if inputs.push and told.commit:
                    told.commit = in_git.push(inputs.token, told.folder)
                    told.is_pushed = True
            except Stop as stop:
                told.code, told.error = told.code or stop.code, f"{told.error}\n{stop}".strip()
            tell(told, inputs, summary)
            worst = worst or told.code
    set_outputs(
        {
            "run": last.run,
            "state": last.state if last.run or last.error else "",
            "outcome": last.outcome,
            "gate": last.gate,
            "folder": last.folder,
            "bundle": last.bundle,
            "bundle-sha256": last.bundle_sha256,
            "attestation": last.attestation,
            "commit": last.commit,
            "waiting": waiting,
        }
    )
    return worst


def main() -> int:
    summary = Summary()
    try:
        return act(Inputs.taken(), summary)
    except Stop as stop:
        command("error", str(stop))
        summary.add(gate_page.as_code(str(stop)))
        set_outputs({"run": "", "state": "failed"})
        return stop.code
    finally:
        summary.write()


def _ended(number: int, _: object) -> None:
    sys.exit(128 + number)  # unwinds, so that the key is gone when a job is cancelled


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _ended)
    sys.exit(main())
