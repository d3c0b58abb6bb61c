"""GitHub's runner as far as our action needs one: the steps of action.yml in bash, with the variables that it sets."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from tests.e2e.installed import LONGEST_WAIT_S, Project

ROOT = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
TOKEN = "ghs_plantedTokenOfTheJob0123456789abcdef"
SHA = "1234567890abcdef1234567890abcdef12345678"
NOTHING: Mapping[str, str] = MappingProxyType({})
_EXPRESSION = re.compile(r"\$\{\{ *([\w.-]+) *\}\}")


@dataclass(frozen=True, slots=True)
class Job:
    """A job that has ended: exit code, outputs of the step, the summary, and the log."""

    code: int
    outputs: Mapping[str, str]
    summary: str
    log: str

    def expect(self, code: int, state: str) -> Job:
        assert (self.code, self.outputs["state"]) == (code, state), f"{self.code} {self.outputs}\n{self.log[-4000:]}"
        assert "Traceback" not in self.log
        return self


class Runner:
    """Runs the action in the project `place`, on a machine of its own (home, keys, temporary folder) below `top`."""

    def __init__(self, place: Project) -> None:
        self.project = place
        self.temp = place.top / "runner_temp"
        self.temp.mkdir(exist_ok=True)
        self.event = place.top / "event.json"

    def pushed(self, before: str, after: str) -> None:
        """The event that started the job."""
        self.event.write_text(json.dumps({"before": before, "after": after}))

    def act(self, variables: Mapping[str, str] = NOTHING, /, **inputs: str) -> Job:
        """One use of the action with these inputs; all others are as action.yml has them."""
        files = {name: self.temp / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")}
        for file in files.values():
            file.write_text("")
        if not self.event.exists():
            self.event.write_text("{}")
        given = {name: str(row.get("default", "")) for name, row in ACTION["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        given["token"] = inputs.get("token", TOKEN)
        known = {f"inputs.{name}": value for name, value in given.items()}
        known["steps.install.outputs.python"] = sys.executable
        (step,) = [step for step in ACTION["runs"]["steps"] if step.get("id") == "awo"]
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.project.root / _EXPRESSION.sub(lambda found: known[found[1]], step["working-directory"]),
            env=self.project.environment
            | {name: str(path) for name, path in files.items()}
            | {"GITHUB_ACTION_PATH": str(ROOT), "RUNNER_TEMP": str(self.temp), "GITHUB_EVENT_PATH": str(self.event)}
            | {"GITHUB_REPOSITORY": "octo/study", "GITHUB_RUN_ID": "42", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_SHA": SHA}
            | {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_API_URL": "https://api.github.invalid"}
            | {"GITHUB_ACTOR": "maker", "GITHUB_TRIGGERING_ACTOR": "maker", "GITHUB_ACTIONS": "true", "CI": "true"}
            | {"GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "main", "GITHUB_REF": "refs/heads/main"}
            | {name: _EXPRESSION.sub(lambda found: known[found[1]], text) for name, text in step["env"].items()}
            | dict(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST_WAIT_S,
        )
        log = (done.stdout + done.stderr).decode()
        return Job(done.returncode, outputs_in(files["GITHUB_OUTPUT"].read_text()), _text(files), log)


def _text(files: Mapping[str, Path]) -> str:
    return files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")


def outputs_in(text: str) -> dict[str, str]:
    """The outputs as the runner reads them: `name<<END`, lines, `END`."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if line:
            name, _, end = line.partition("<<")
            value = []
            for inner in lines:
                if inner == end:
                    break
                value.append(inner)
            found[name] = "\n".join(value)
    return found


def commands_in(log: str) -> list[str]:
    """The workflow commands that the runner obeys in a log: those outside `stop-commands`."""
    found: list[str] = []
    stopped = ""
    for line in log.split("\n"):
        if stopped:
            stopped = "" if line == f"::{stopped}::" else stopped
        elif line.startswith("::stop-commands::"):
            stopped = line.removeprefix("::stop-commands::")
        elif line.startswith("::"):
            found.append(line)
    return found


def git(place: Project, *words: str) -> str:
    """Git in a project, as its person."""
    name = {
        f"GIT_{role}_{what}": "someone@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        ["git", *words], cwd=place.root, env=place.environment | name, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def clone(origin: Path, top: Path, keys_of: Project | None = None) -> Project:
    """A clone of `origin` on another machine; with the keys of a person, where it is that person's."""
    project = Project(top)
    project.root.rmdir()
    subprocess.run(
        ["git", "clone", "-q", str(origin), str(project.root)], check=True, env=os.environ | {"HOME": str(top)}
    )
    if keys_of is not None:
        project.key.write_bytes(keys_of.key.read_bytes())
        project.key.chmod(0o600)
    return project
