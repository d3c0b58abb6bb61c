"""A project folder in which the installed `awo` is run as a user runs it: in a process, in a home of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AWO = Path(sys.executable).with_name("awo")
RUNNER = "runner@example.org"
REVIEWER = "alice@example.org"
BOUND = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
LONGEST_WAIT_S = 60.0
LOOK_EVERY_S = 0.005


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended: its exit code and all that it printed."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        return self.stdout.decode()

    @property
    def err(self) -> str:
        return self.stderr.decode()

    @property
    def json(self) -> Any:
        """The one JSON object on stdout; fails when there is anything else."""
        found = json.loads(self.stdout)
        assert isinstance(found, dict), found
        return found

    def expect(self, code: int) -> Done:
        """Itself, when it ended with `code`; fails with all that was printed when it did not."""
        assert self.code == code, f"exit code {self.code}, expected {code}\n{self.out[-4000:]}\n{self.err[-4000:]}"
        assert "Traceback" not in self.err, self.err
        return self

    def refused(self, code: int, *says: str) -> None:
        """Fails unless the command ended with `code` and one clear error on stderr that says all this."""
        error = self.expect(code).err.partition("error: ")[2]
        assert error, self.err
        first, *more = error.rstrip("\n").split("\n")
        assert first
        assert not self.stdout
        assert all(line.startswith(("  expected: ", "  got: ", "  next: ")) for line in more), error
        for text in says:
            assert text in error, (text, error)

    def refused_in_json(self, code: int) -> None:
        """Fails unless the command printed one JSON object that says what is wrong, and no error beside it."""
        found = self.expect(code).json
        assert found["exit_code"] == code
        assert found["error"]
        assert "error: " not in self.err


class Background:
    """A command that may still be running, in a process group of its own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """A signal to the process, as a terminal or a service manager sends it."""
        self._process.send_signal(number)

    def kill_group(self) -> bool:
        """`kill -9` for the process and its group; whether it was still running."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait() == -signal.SIGKILL

    def close_output(self) -> None:
        """Goes away as a reader of stdout, as `head` does."""
        assert self._process.stdout is not None
        self._process.stdout.close()

    def end(self) -> Done:
        """Waits for the end."""
        out, err = self._process.communicate(timeout=LONGEST_WAIT_S)
        return Done(self._process.returncode, out, err)


class Project:
    """An empty project folder with a home, a configuration and a reviewer's key of its own, all below `top`."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.root = top / "project"
        self.key = top / "keys" / "alice"
        for folder in (self.root, top / "home", top / "config", top / "tmp", top / "keys"):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def environment(self) -> dict[str, str]:
        """All that a command sees of this machine is where programs are."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.top / "home"),
            "XDG_CONFIG_HOME": str(self.top / "config"),
            "TMPDIR": str(self.top / "tmp"),
            "LANG": "C.UTF-8",
            "AWO_ID": RUNNER,
        }

    # --- commands ------------------------------------------------------------------------------------

    def awo(
        self,
        *arguments: str | Path,
        variables: Mapping[str, str] | None = None,
        folder: Path | None = None,
        before: Callable[[], None] | None = None,
        is_bound: bool = False,
    ) -> Done:
        """Runs `awo` with these arguments to its end.

        `before` is called in the new process. `is_bound` takes from a super-user the power to read
        and write what permissions forbid.
        """
        unbound = is_bound and os.geteuid() == 0
        # A starved process must not leave half of a compiled file behind: Python does not notice a short write there.
        no_bytecode = {"PYTHONDONTWRITEBYTECODE": "1"} if before else {}
        done = subprocess.run(
            [*(BOUND if unbound else ()), AWO, *arguments],
            cwd=folder or self.root,
            env=self.environment | no_bytecode | dict(variables or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST_WAIT_S,
            preexec_fn=before,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @contextlib.contextmanager
    def start(self, *arguments: str | Path) -> Iterator[Background]:
        """Begins `awo` with these arguments, in a process group of its own that does not outlive the block."""
        with subprocess.Popen(
            [AWO, *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            begun = Background(process)
            try:
                yield begun
            finally:
                begun.kill_group()

    def approve(self, run: str = "latest", *more: str, answers: tuple[str, ...] = ("read=yes", "fair=yes")) -> Done:
        """Approves as the reviewer."""
        given = [word for answer in answers for word in ("--answer", answer)]
        return self.awo("approve", run, "--key", self.key, "--as", REVIEWER, *given, *more)

    def reject(self, run: str = "latest", reason: str = "The vote is not fair.") -> Done:
        """Rejects as the reviewer."""
        return self.awo("reject", run, "--key", self.key, "--as", REVIEWER, "--reason", reason)

    def enrol_reviewer(self) -> None:
        """Makes the reviewer's key with `awo` and enrols it."""
        self.awo("keys", "new", REVIEWER, "--no-passphrase", "--out", self.key).expect(0)
        self.awo("keys", "enrol", REVIEWER, f"{self.key}.pub").expect(0)

    # --- files ---------------------------------------------------------------------------------------

    def write(self, name: str, text: str) -> Path:
        """A text file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def forget_ledger(self) -> None:
        """Takes the ledger away, so that a test can put a run back to an earlier state."""
        shutil.rmtree(self.runs / "ledger")

    def latest(self) -> Path:
        """The newest run."""
        found = run_folders(self.runs)
        assert found, "no run was started"
        return found[-1]

    def copy(self, top: Path) -> Project:
        """The same project, keys and configuration in another place."""
        shutil.copytree(self.top, top, dirs_exist_ok=True, symlinks=True)
        return Project(top)


def run_folders(runs: Path) -> list[Path]:
    """The run folders, oldest first."""
    return sorted(
        filter(Path.is_dir, runs.glob("run_*Z*")), key=lambda path: (path.name[:24], int(path.name[25:] or 1))
    )


def events(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of a run's journal, read without AWO's code."""
    path = folder / "audit/journal.jsonl"
    data = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


def of_kind(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The events of one kind."""
    return [event for event in events(folder) if event["kind"] == kind]


def wait_for(project: Project, kind: str, count: int = 1, **fields: object) -> Path:
    """Waits until the newest run's journal has `count` events of this kind with these fields; gives its folder."""
    until = time.monotonic() + LONGEST_WAIT_S
    while time.monotonic() < until:
        for folder in run_folders(project.runs)[-1:]:
            found = [event for event in of_kind(folder, kind) if all(event[k] == v for k, v in fields.items())]
            if len(found) >= count:
                return folder
        time.sleep(LOOK_EVERY_S)
    raise AssertionError(f"no event {kind} {fields} came within {LONGEST_WAIT_S:g} s")


def contents(top: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes; a link stands as its target, a folder as nothing."""
    return {
        str(path.relative_to(top)): os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@contextlib.contextmanager
def unchanged(*folders: Path) -> Iterator[None]:
    """Fails when a file below one of these folders is made, changed or removed meanwhile."""
    before = [contents(folder) for folder in folders]
    yield
    assert [contents(folder) for folder in folders] == before


def writable(folder: Path) -> None:
    """Gives back the write permission that the seal took away, so that a test can spoil a copy."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
