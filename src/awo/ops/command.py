"""The operation `command`: runs a program in a folder of its own and keeps what it declared to make.

The only operation that starts processes. It keeps a program from reading the environment and from
leaving children behind; it is no sandbox: the program has the rights of the user who runs AWO.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType, field

from awo.canon.paths import folded
from awo.derive.texts import utf8
from awo.errors import DiskTrouble, StepFailed
from awo.ops.captured import Captured
from awo.ops.seam import Desk, Operation
from awo.ops.stopping import stop_all
from awo.ops.working_folder import check_outputs, lay_out
from awo.workflow.words import Args, ReadPath, StepRef, Template, WritePath

MEBIBYTE = 1 << 20
STDOUT_TEXT_BYTES = 64 << 10
STDOUT = "stdout.txt"
STDERR = "stderr.txt"
MINIMAL_PATH = "/usr/local/bin:/usr/bin:/bin"
_LAST_BYTES_WAIT_S = 2.0

EnvName = Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_]*$")]


class CommandArgs(Args, frozen=True, kw_only=True):
    """What runs, what it is given, and what it must leave: exactly one of `argv` and `shell`."""

    argv: (
        Annotated[
            tuple[Template, ...],
            Meta(
                min_length=1, description="The program and its arguments, each a Jinja2 template; no shell reads them."
            ),
        ]
        | UnsetType
    ) = UNSET
    shell: (
        Annotated[
            str,
            Meta(
                min_length=1,
                description='A line for /bin/sh -c. No template: give values in `set_env` and write "$NAME".',
            ),
        ]
        | UnsetType
    ) = UNSET
    inputs: Annotated[
        tuple[ReadPath, ...], Meta(description="Files copied into the working folder under the same names.")
    ] = ()
    from_steps: Annotated[
        tuple[StepRef, ...],
        Meta(description="Steps whose value and files are copied to steps/<id>/output.json and steps/<id>/files/."),
    ] = ()
    outputs: Annotated[
        tuple[WritePath, ...], Meta(description="Files that must be there afterwards; they are kept with the run.")
    ] = ()
    env: Annotated[
        tuple[EnvName, ...], Meta(description="Names of environment variables passed on to the program; no others are.")
    ] = ()
    set_env: Annotated[
        dict[EnvName, Template], Meta(description="Environment variables set for the program (Jinja2 templates).")
    ] = field(default_factory=dict)
    stdin: Annotated[Template, Meta(description="What the program reads on its standard input (Jinja2).")] = ""
    expect_exit: Annotated[int, Meta(ge=0, le=255, description="The exit code that means success.")] = 0
    time_limit_s: Annotated[
        float, Meta(ge=0, le=2_592_000, description="Seconds until the program is stopped; 0 for no limit.")
    ] = 0.0
    max_output_bytes: Annotated[
        int,
        Meta(ge=0, le=1024 * MEBIBYTE, description="Bytes kept of standard output, and of standard error."),
    ] = 10 * MEBIBYTE

    def __post_init__(self) -> None:
        if (self.argv is UNSET) == (self.shell is UNSET):
            raise ValueError("give exactly one of `argv` and `shell`")
        if isinstance(self.shell, str) and ("{{" in self.shell or "{%" in self.shell):
            raise ValueError('`shell` is no template: give the value in `set_env` and write "$NAME"')
        taken = {STDOUT, STDERR} | {folded(name) for name in self.inputs}
        for name in self.outputs:
            if folded(name) in taken:
                raise ValueError(f"the output {name!r} has the name of an input, of another output or of {STDOUT}")
            taken.add(folded(name))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code (negative: the signal that ended it), or past its time."""

    exit_code: int
    is_past_time: bool


async def perform(args: CommandArgs, desk: Desk) -> dict[str, Any]:
    """`{"argv", "exit_code", "stdout", "stderr", "stdout_text", "cut_bytes", "outputs", "env_passed"}`.

    `stdout` and `stderr` are paths from the run's folder, `stdout_text` the first 64 KiB of the
    former as text, `cut_bytes` `{"stdout", "stderr"}` how much of each lay beyond `max_output_bytes`,
    `outputs` a list of `{"path", "sha256", "size_bytes"}`, `env_passed` the names of `env` that were set.

    Raises `StepFailed`: `cannot_start`, `time_limit`, `command_exit`, `input_refused`,
    `output_missing`, `output_refused`, `secret_in_output`. What the program printed is kept first.
    """
    if sys.platform == "win32":
        raise StepFailed("commands do not run on Windows", code="cannot_start", hint="use Linux, macOS or WSL")
    scratch = desk.scratch().resolve()
    argv = ["/bin/sh", "-c", args.shell] if isinstance(args.shell, str) else _rendered(args, desk)
    passed = {name: os.environ[name] for name in args.env if name in os.environ}
    env = minimal_environment(scratch) | passed
    env |= {name: desk.render(template) for name, template in args.set_env.items()}
    work = await _prepared(args, desk, scratch)
    limit_bytes = args.max_output_bytes
    with contextlib.closing(Captured(limit_bytes)) as out, contextlib.closing(Captured(limit_bytes)) as err:
        program = args.argv[0] if isinstance(args.argv, tuple) else "/bin/sh"  # unfilled: it may hold a model's text
        ended = await run_program(argv, env, scratch, out, err, desk.step, program, args.time_limit_s)
        stdout, stdout_cut_bytes = await kept(out, limit_bytes, desk)
        stderr, stderr_cut_bytes = await kept(err, limit_bytes, desk)
    stdout_ref = await desk.keep_file(STDOUT, stdout)
    stderr_ref = await desk.keep_file(STDERR, stderr)
    _refuse_bad_end(args, desk, ended)

    await asyncio.to_thread(check_outputs, desk, work, args.outputs)
    refs = [await desk.keep_path(name, work / name) for name in args.outputs]
    return {
        "argv": [desk.cut_secrets(utf8(word, desk.step, "argv")).decode() for word in argv],
        "exit_code": ended.exit_code,
        "stdout": stdout_ref.path,
        "stderr": stderr_ref.path,
        "stdout_text": _beginning(stdout),
        "cut_bytes": {"stdout": stdout_cut_bytes, "stderr": stderr_cut_bytes},
        "outputs": [{"path": ref.path, "sha256": ref.sha256, "size_bytes": ref.size_bytes} for ref in refs],
        "env_passed": sorted(passed),
    }


def minimal_environment(scratch: Path) -> dict[str, str]:
    """All that a program is told of where it runs, unless its step says more."""
    return {"PATH": MINIMAL_PATH, "LANG": "C.UTF-8", "HOME": str(scratch / "home"), "TMPDIR": str(scratch / "tmp")}


async def _prepared(args: CommandArgs, desk: Desk, scratch: Path) -> Path:
    """The working folder with all that the program is given, beside its home and its temporary folder."""
    stdin = utf8(desk.render(args.stdin), desk.step, "stdin")
    try:
        for name in ("work", "home", "tmp"):
            (scratch / name).mkdir()
        (scratch / "stdin").write_bytes(stdin)
        await lay_out(desk, scratch / "work", args.inputs, args.from_steps, args.outputs)
    except OSError as error:
        raise DiskTrouble("the command's working folder cannot be filled", got=str(error.strerror)) from error
    return scratch / "work"


def _rendered(args: CommandArgs, desk: Desk) -> list[str]:
    return [desk.render(word) for word in args.argv] if isinstance(args.argv, tuple) else []


async def run_program(
    argv: Sequence[str],
    env: Mapping[str, str],
    scratch: Path,
    stdout: Captured,
    stderr: Captured,
    step: str,
    program: str,
    time_limit_s: float,
) -> Ended:
    """Runs a program in `scratch`/work, with the file `scratch`/stdin, to its end or its time limit (0: none).

    Nothing it started is left when this comes back. `env` must name `scratch`, so that what left the
    program's group is found. Raises `StepFailed` (code `cannot_start`), which calls it `program`.
    """
    process = None
    is_past_time = False
    await stdout.start()
    await stderr.start()
    try:
        async with asyncio.timeout(time_limit_s or None):
            with (scratch / "stdin").open("rb") as stdin:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    cwd=scratch / "work",
                    env=env,
                    stdin=stdin,
                    stdout=stdout.write_fd,
                    stderr=stderr.write_fd,
                    start_new_session=True,
                )
            await process.wait()
    except TimeoutError:
        is_past_time = True
    except (OSError, ValueError) as error:  # ValueError: a NUL or a lone surrogate in a word
        raise StepFailed(
            "the command cannot be started",
            code="cannot_start",
            where=f"step {step}",
            got=f"{program!r}: {error.strerror if isinstance(error, OSError) else error}",
            hint=f"programs are looked for in {MINIMAL_PATH}; `env: [PATH]` passes your own",
        ) from error
    finally:
        stdout.close_writer()
        stderr.close_writer()
        await stop_all(process.pid if process else None, scratch)
    exit_code = await process.wait() if process else -signal.SIGKILL
    return Ended(exit_code=exit_code, is_past_time=is_past_time)


async def kept(captured: Captured, limit_bytes: int, desk: Desk) -> tuple[bytes, int]:
    """What is kept of one stream, secrets cut, and how many bytes lay beyond the limit."""
    held = await captured.rest(_LAST_BYTES_WAIT_S)
    return desk.cut_secrets(held)[:limit_bytes], max(0, captured.total_bytes - limit_bytes)


def _refuse_bad_end(args: CommandArgs, desk: Desk, ended: Ended) -> None:
    hint = f"what it said is in {STDERR}, in the newest outputs/{desk.step}/attempt-*/"
    if ended.is_past_time:
        raise StepFailed(
            "the command was stopped at its time limit",
            code="time_limit",
            where=f"step {desk.step}",
            expected=f"an end within {args.time_limit_s:g} s",
            hint=hint,
        )
    if ended.exit_code != args.expect_exit:
        got = f"exit code {ended.exit_code}" if ended.exit_code >= 0 else f"ended by signal {-ended.exit_code}"
        raise StepFailed(
            "the command failed",
            code="command_exit",
            where=f"step {desk.step}",
            expected=f"exit code {args.expect_exit}",
            got=got,
            hint=hint,
        )


def _beginning(data: bytes) -> str:
    """The first 64 KiB as text; bytes that are no UTF-8 become U+FFFD, half a character at the end is left out."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return decoder.decode(data[:STDOUT_TEXT_BYTES], final=len(data) <= STDOUT_TEXT_BYTES)


OPERATION = Operation(
    name="command",
    summary="Runs a program and keeps its outputs.",
    args=CommandArgs,
    purity="effect",
    perform=perform,
)
