"""What a person says when they decide: the options that every command at a gate has, and the choice they amount to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click

from awo.engine.decide import Choice
from awo.errors import UsageError
from awo.evidence.gates import Answer, Meaning, Verdict

F = TypeVar("F", bound=Callable[..., Any])

MEANINGS: Final = get_args(Meaning)
LARGEST_FILE_BYTES: Final = 4 << 20

answer_option = click.option(
    "--answer",
    "answers",
    multiple=True,
    metavar="ITEM=ANSWER",
    help="The answer to one item of the checklist; may be given again and again.",
)
answers_option = click.option(
    "--answers",
    "answers_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A YAML or JSON file of answers: `item: answer`, or `item: {answer: …, evidence: …}`.",
)
key_option = click.option(
    "--key",
    type=click.Path(path_type=Path),
    envvar="AWO_KEY",
    required=True,
    help="Your SSH key: a private key file, or a .pub file whose key the ssh-agent has.",
)
as_option = click.option(
    "--as", "signer_id", metavar="ID", envvar="AWO_ID", required=True, help="Your id in reviewers/allowed_signers."
)
meaning_option = click.option(
    "--meaning", type=click.Choice(MEANINGS), default="approval", show_default=True, help="What your signature means."
)


def reason_option(why: str) -> Callable[[F], F]:
    """`--reason`, which must be given; `why` says what it is signed with."""
    return click.option("--reason", "comment", metavar="TEXT", required=True, help=f"Why; it is signed with {why}.")


def can_ask(*, as_json: bool) -> bool:
    """Whether a person can be asked here: both ends are a terminal, and no program waits for one object."""
    return not as_json and sys.stdin.isatty() and sys.stdout.isatty()


def choice_from(
    verdict: Verdict,
    *,
    signer_id: str,
    meaning: Meaning,
    comment: str = "",
    answers: Sequence[str] = (),
    answers_file: Path | None = None,
    required_changes: Sequence[str] = (),
    from_step: str = "",
) -> Choice:
    """The choice that these options amount to.

    Whether the gate has such items is for the engine to say. Raises `UsageError` for a file that holds no answers,
    and for an empty reason where one must be given.
    """
    if verdict != "approve" and not comment.strip():
        raise UsageError(
            f"to {verdict} needs a reason",
            where="--reason",
            expected="a text that is not empty",
        )
    return Choice(
        verdict=verdict,
        signer_id=signer_id,
        meaning=meaning,
        answers=answers,
        comment=comment,
        given=answers_in(answers_file) if answers_file is not None else (),
        required_changes=required_changes,
        from_step=from_step,
    )


def answers_in(path: Path) -> list[Answer]:
    """The answers in a YAML or JSON file, as they stand there. Raises `UsageError`, naming the line."""
    from awo.gate.answers_file import read_answers_file

    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(
            "the file of answers cannot be read", where=str(path), got=(error.strerror or "").lower()
        ) from error
    if len(data) > LARGEST_FILE_BYTES:
        raise UsageError(
            "the file of answers is too large", where=str(path), expected=f"at most {LARGEST_FILE_BYTES} bytes"
        )
    return read_answers_file(data, str(path))
