"""What the operations that ask models share: arguments, and the turns of one exchange."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from awo.errors import StepFailed
from awo.evidence.records import Message
from awo.ops.seam import Ask, Writing
from awo.workflow.answer_schema import text_of, why_no_schema
from awo.workflow.words import AnswerSchema, Args, ImagePath, Params, ReadGlob, Template


class TurnArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One turn of a conversation."""

    role: Annotated[Literal["system", "user", "assistant"], Meta(description="Who says it.")]
    content: Annotated[Template, Meta(description="What is said (Jinja2).")]


class AskingArgs(Args, frozen=True, kw_only=True):
    """What is asked: a prompt, or a conversation so far."""

    prompt: Annotated[Template, Meta(description="What the model is asked (Jinja2).")] | UnsetType = UNSET
    system: Annotated[Template, Meta(description="What the model is told first (Jinja2); empty for nothing.")] = ""
    messages: (
        Annotated[
            tuple[TurnArgs, ...],
            Meta(min_length=1, description="The turns of a conversation, in place of `prompt` and `system`."),
        ]
        | UnsetType
    ) = UNSET
    images: Annotated[
        tuple[ImagePath, ...],
        Meta(description="Images shown with the last user's turn: paths, or templates that give a declared path."),
    ] = ()
    image_files: Annotated[ReadGlob, Meta(description="The files that templates in `images` may give.")] | UnsetType = (
        UNSET
    )
    schema: (
        Annotated[AnswerSchema, Meta(description="The JSON Schema of the answer: a mapping, or the path of a file.")]
        | UnsetType
    ) = UNSET
    schema_tries: Annotated[
        int, Meta(ge=1, le=10, description="How many answers are asked for until one follows the schema.")
    ] = 1
    params: Annotated[
        Params,
        Meta(description="Sampling parameters by their OpenAI names; `seed` may stand here. Texts are templates."),
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.prompt is UNSET) == (self.messages is UNSET):
            raise ValueError("give exactly one of `prompt` and `messages`")
        if self.messages is not UNSET:
            if self.system:
                raise ValueError("give `system` as the first of `messages`")
            if not any(turn.role == "user" for turn in self.messages):
                raise ValueError("give `messages` a turn whose role is user")
        if isinstance(self.schema, dict) and (why := why_no_schema(self.schema)):
            raise ValueError(f"`schema` is no JSON Schema: {why}")


def asks_of(args: AskingArgs, models: Iterable[str], writing: Writing) -> list[Ask]:
    """The same request to each of `models`. Raises `StepFailed` as `writing` does."""
    messages = _messages(args, writing)
    params = writing.fill(args.params) if args.params else {}
    schema = _schema(args, writing)
    return [
        Ask(
            model=model_named(model, writing),
            messages=messages,
            params=params,
            schema=schema,
            schema_tries=args.schema_tries if schema else 1,
        )
        for model in models
    ]


def model_named(name: str, writing: Writing) -> str:
    """A model's name in the workflow, a template filled in. Raises `StepFailed` (code `template`)."""
    if "{{" not in name:
        return name
    filled = writing.fill(name)
    if not isinstance(filled, str):
        raise StepFailed("a template gives no model's name", code="template", expected="text", got=repr(filled)[:60])
    return filled


def _messages(args: AskingArgs, writing: Writing) -> tuple[Message, ...]:
    """The turns; a system turn that comes out empty is none."""
    images = tuple(writing.file_ref(path) for path in map(writing.render, args.images) if path)
    if args.messages is UNSET:
        prompt = "" if args.prompt is UNSET else args.prompt
        asked = Message(role="user", content=writing.render(prompt), images=images)
        system = writing.render(args.system) if args.system else ""
        return (Message(role="system", content=system), asked) if system else (asked,)
    turns = [Message(role=turn.role, content=writing.render(turn.content)) for turn in args.messages]
    turns = [turn for turn in turns if turn.role != "system" or turn.content]
    if images:
        last = max(index for index, turn in enumerate(turns) if turn.role == "user")
        turns[last] = msgspec.structs.replace(turns[last], images=images)
    return tuple(turns)


def _schema(args: AskingArgs, writing: Writing) -> str:
    match args.schema:
        case str(path):
            text = writing.read_text(path)
        case dict(schema):
            return msgspec.json.encode(schema).decode()
        case _:
            return ""
    try:
        return text_of(text)
    except ValueError as error:
        raise StepFailed("the file of the schema is not JSON", code="schema", where=path, got=str(error)) from error
