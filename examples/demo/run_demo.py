"""The main job from start to finish, with a real model: run, gate, decision, seal, verify, export, check by hand.

Standard library only. It types the commands that a person would type, shows them and their answers,
and ends with an exit code other than 0 as soon as anything is not as expected.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent
FILES = ("workflow.yaml", "reviews.md", "claim.yaml", "checklist.md")
LONGEST_COMMAND_S = 300
WAITING, ALTERED = 78, 3

STARTER, REVIEWER = "alice@example.org", "rita@example.org"
PERSON = f"""
[people."{REVIEWER}"]
name = "Rita Reviewer"
roles = ["reviewer"]
"""
COMMENT = (
    "I have read all the answers. Asked about praise, the model still speaks of a complaint. "
    "Nobody should use it without reading the reviews."
)


class Shell:
    """Shows each command like a shell session, runs it, and insists on its exit code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("AWO_")}
        self.env["XDG_CONFIG_HOME"] = str(folder / "config")

    def run(self, why: str, *words: str, cwd: Path, expect: int = 0, stdin: Path | None = None) -> str:
        """What the command printed on standard output; ends the demonstration when its exit code is another."""
        typed = shlex.join(words) + (f" < {shlex.quote(str(stdin))}" if stdin else "")
        print(f"\n# {why}\n{self._place(cwd)}$ {typed}", flush=True)
        try:
            done = subprocess.run(
                words,
                cwd=cwd,
                env=self.env,
                stdin=(cwd / stdin).open("rb") if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=LONGEST_COMMAND_S,
                check=False,
            )
        except FileNotFoundError:
            fail(f"{words[0]} is not installed here")
        except subprocess.TimeoutExpired:
            fail(f"{words[0]} took longer than {LONGEST_COMMAND_S} s")
        for line in done.stdout.splitlines():
            print(f"  {line}")
        if expect:
            print(f"  (exit code {done.returncode})")
        if done.returncode != expect:
            fail(f"that command ended with {done.returncode}, and {expect} was expected")
        return done.stdout

    def _place(self, cwd: Path) -> str:
        return str(cwd.relative_to(self.folder.parent))


def fail(what: str) -> NoReturn:
    """Ends the demonstration."""
    print(f"\nThe demonstration failed: {what}.", file=sys.stderr)
    raise SystemExit(1)


def expect(what: str, *, holds: bool) -> None:
    """Says what was looked at, and ends the demonstration when it is not so."""
    print(f"  checked: {what}")
    if not holds:
        fail(f"this is not so: {what}")


def main() -> None:
    begun = time.monotonic()
    parser = argparse.ArgumentParser(description="The main job of AWO from start to finish.")
    parser.add_argument("--into", type=Path, help="an empty or new folder (default: demo-out beside the examples)")
    base = fresh(parser.parse_args().into)
    shell = Shell(base)
    print(f"Everything below happens in {base}")
    project = set_up(shell, base)
    run = run_to_the_end(shell, base, project)
    bundle = check_and_send(shell, base, project, run)
    check_by_hand(shell, run)
    alter_and_catch(shell, base, run)
    farewell(run, bundle, project, time.monotonic() - begun)


def fresh(wanted: Path | None) -> Path:
    """A new folder: the wanted one, or demo-out, demo-out-2 and so on."""
    if wanted is not None:
        if wanted.exists() and any(wanted.iterdir()):
            fail(f"{wanted} is not empty")
        wanted.mkdir(parents=True, exist_ok=True)
        return wanted.resolve()
    root = HERE.parent.parent
    number = 1
    while (folder := root / ("demo-out" if number == 1 else f"demo-out-{number}")).exists():
        number += 1
    folder.mkdir()
    (folder / ".gitignore").write_text("*\n")
    return folder


def set_up(shell: Shell, base: Path) -> Path:
    """A project with a workflow, a person who starts runs and a person who may decide."""
    project = base / "project"
    shell.run("A project: settings, and who may decide.", "awo", "init", "project", cwd=base)
    shell.run("The workflow of this demonstration.", "cp", *(str(HERE / name) for name in FILES), "project", cwd=base)
    for person in (STARTER, REVIEWER):
        name = person.partition("@")[0]
        shell.run(
            f"A key for {person} (without a passphrase, only because nobody sits here to type it).",
            *("awo", "keys", "new", person, "--out", f"../keys/{name}", "--no-passphrase"),
            cwd=project,
        )
    for person in (STARTER, REVIEWER):
        shell.run(
            f"The project knows {person}. (Who starts a run may not decide on it, though.)",
            *("awo", "keys", "enrol", person, f"../keys/{person.partition('@')[0]}.pub"),
            cwd=project,
        )
    print(f"\n# Rita's name and role, as they will stand in her decision, go into awo.toml:{PERSON}")
    with (project / "awo.toml").open("a", encoding="utf-8") as settings:
        settings.write(PERSON)
    shell.run("Is the workflow valid?", "awo", "validate", "workflow.yaml", cwd=project)
    return project


def run_to_the_end(shell: Shell, base: Path, project: Path) -> Path:
    """The run up to its gate, the decision, and the rest up to the seal; gives the run's folder."""
    as_alice = ("--key", "../keys/alice", "--as", STARTER)
    shell.run(
        "Alice runs it. The model answers; then a person is needed, which is exit code 78.",
        *("awo", "run", "workflow.yaml", *as_alice),
        cwd=project,
        expect=WAITING,
    )
    run = next((project / "runs").glob("run_*"))
    pending = json.loads((run / "audit" / "gate_pending.json").read_text())
    expect("the gate says what is to be looked at", holds=bool(pending["shows"]))
    shell.run("What waits, and what does it ask?", "awo", "gates", cwd=project)
    answers = [f"--answer={item['id']}=yes" for item in pending["checklist"]]
    shell.run(
        "Rita reads the report and the answers, and signs her decision.",
        *("awo", "approve", run.name, "--key", "../keys/rita", "--as", REVIEWER, "--meaning", "approval"),
        *(*answers, "--comment", COMMENT),
        cwd=project,
    )
    shell.run(
        "The run goes on behind the gate, ends, and is sealed.", "awo", "resume", run.name, *as_alice, cwd=project
    )
    seal = json.loads((run / "audit" / "seal.json").read_text())
    status = json.loads((run / "audit" / "status.json").read_text())
    expect("the seal and the status say approved", holds=seal["outcome"] == status["status"] == "approved")
    expect("no gate waits any more", holds=not (run / "audit" / "gate_pending.json").exists())
    expect(
        "the report says who approved",
        holds=REVIEWER in (run / "report.md").read_text(encoding="utf-8").partition("## ")[0],
    )
    return run


def check_and_send(shell: Shell, base: Path, project: Path, run: Path) -> Path:
    """The package verified here, and its bundle verified where nothing else is; gives the bundle."""
    shell.run("Does the evidence verify?", "awo", "verify", run.name, cwd=project)
    bundle = base / f"{run.name}.tar.gz"
    shell.run("One file to send.", "awo", "export", run.name, "-o", f"../{bundle.name}", cwd=project)
    elsewhere = base / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(bundle, elsewhere)
    shutil.copy(project / "reviewers" / "allowed_signers", elsewhere / "believed")
    shell.run(
        "Somebody else, who has only the bundle and the keys that they believe.",
        *("awo", "verify", bundle.name, "--trust", "believed", "--require", "authority"),
        cwd=elsewhere,
    )
    lies = "A verifier in one file lies in the bundle, beside the run."
    shell.run(lies, "tar", "-xzf", bundle.name, "verify.py", cwd=elsewhere)
    said = shell.run(
        "It needs Python and ssh-keygen, and no AWO.",
        *("python3", "-I", "verify.py", bundle.name, "--signers", "believed"),
        cwd=elsewhere,
    )
    expect("it says the same", holds=said.endswith(f"{run.name}: verified\n"))
    return bundle


def check_by_hand(shell: Shell, run: Path) -> None:
    """What a stranger without AWO does: the commands that the report ends with."""
    sums = ("sha256sum", "-c") if shutil.which("sha256sum") else ("shasum", "-a", "256", "-c")
    said = shell.run("By hand, without AWO: every file is as it was.", *sums, "SHA256SUMS", cwd=run)
    expect("every file was compared", holds=said.count(": OK") == len((run / "SHA256SUMS").read_text().splitlines()))
    digest = shell.run("The sums are those that were sealed.", sums[0], *sums[1:-1], "SHA256SUMS", cwd=run)
    sealed = json.loads((run / "audit" / "seal.json").read_text())["sums_sha256"]
    expect("audit/seal.json has this digest as sums_sha256", holds=digest.split()[0] == sealed)
    check_signature(shell, run, STARTER, "awo-seal", Path("audit/seal.json"))
    decisions = [path for path in (run / "audit" / "decisions").glob("*.json") if ".authority" not in path.name]
    expect("there is one decision", holds=len(decisions) == 1)
    check_signature(shell, run, REVIEWER, "awo-decision", decisions[0].relative_to(run))


def check_signature(shell: Shell, run: Path, signer: str, namespace: str, path: Path) -> None:
    said = shell.run(
        f"{signer} signed {path}.",
        *("ssh-keygen", "-Y", "verify", "-f", "audit/allowed_signers", "-I", signer),
        *("-n", namespace, "-s", f"{path}.sig"),
        cwd=run,
        stdin=path,
    )
    expect("ssh-keygen says yes", holds=said.startswith(f'Good "{namespace}" signature for {signer}'))


def alter_and_catch(shell: Shell, base: Path, run: Path) -> None:
    """A copy in which one answer says something else is refused, and the file is named."""
    copy = base / "altered" / run.name
    shutil.copytree(run, copy)
    victim = copy / "outputs" / "complaint" / "responses.jsonl"
    victim.chmod(0o600)
    text = victim.read_text(encoding="utf-8")
    victim.write_text(text.replace("complaining", "complimenting", 1), encoding="utf-8")
    said = shell.run(
        "A copy in which somebody changed one word of one answer is refused with exit code 3.",
        *("awo", "verify", run.name),
        cwd=copy.parent,
        expect=ALTERED,
    )
    expect("the altered file is named", holds="outputs/complaint/responses.jsonl" in said)


def farewell(run: Path, bundle: Path, project: Path, took_s: float) -> None:
    print(
        f"\nAll as expected, in {took_s:.0f} s."
        f"\n\nreport: {run / 'report.md'}"
        f"\nbundle: {bundle}"
        "\n\nCheck it by hand:"
        f"\n  cd {shlex.quote(str(run))}"
        "\n  sha256sum -c SHA256SUMS"
        f"\n  ssh-keygen -Y verify -f audit/allowed_signers -I {STARTER} -n awo-seal"
        " -s audit/seal.json.sig < audit/seal.json"
        f"\n  ssh-keygen -Y verify -f audit/allowed_signers -I {REVIEWER} -n awo-decision"
        " -s audit/decisions/0001-look.json.sig < audit/decisions/0001-look.json"
        f"\n  {shlex.quote(_awo())} verify {shlex.quote(str(bundle))} --trust"
        f" {shlex.quote(str(project / 'reviewers' / 'allowed_signers'))}"
    )


def _awo() -> str:
    """The program with its path: whoever typed `make demo` need not have it on theirs."""
    return shutil.which("awo") or "awo"


if __name__ == "__main__":
    main()
