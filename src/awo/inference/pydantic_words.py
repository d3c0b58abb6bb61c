"""Between our words and pydantic-ai's: requests and parameters into its shapes, its answers into ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from awo.inference import anthropic_messages, gemini, openai_chat
from awo.inference import provider_json as given
from awo.inference.anthropic_messages import system_first
from awo.inference.failures import cannot_say, failed
from awo.inference.seam import Exchange, Reply, Request, StopReason, Turn
from awo.plugins import nearest

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse, UserContent
    from pydantic_ai.models import ModelRequestParameters

SETTINGS: Final[Mapping[str, str]] = {
    "extra_body": "extra_body",
    "frequency_penalty": "frequency_penalty",
    "logit_bias": "logit_bias",
    "max_completion_tokens": "max_tokens",
    "max_tokens": "max_tokens",
    "presence_penalty": "presence_penalty",
    "service_tier": "service_tier",
    "stop": "stop_sequences",
    "temperature": "temperature",
    "thinking": "thinking",
    "top_k": "top_k",
    "top_p": "top_p",
}
"""Our parameters, and the settings of pydantic-ai that say the same."""

SENT_AS: Final[Mapping[str, tuple[str, ...]]] = {
    "frequency_penalty": ("frequencypenalty",),
    "logit_bias": ("logitbias",),
    "max_tokens": ("maxtokens", "maxcompletiontokens", "maxoutputtokens"),
    "presence_penalty": ("presencepenalty",),
    "stop_sequences": ("stop", "stopsequences"),
    "temperature": ("temperature",),
    "top_k": ("topk", "k"),
    "top_p": ("topp", "p"),
}
"""How the providers' protocols spell a setting, without regard to case and underscores."""

STOPS: Final[Mapping[str, StopReason]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "refusal",
    "tool_call": "tool_calls",
}


def settings_of(params: Mapping[str, Any], own_prefix: str, ignored: frozenset[str]) -> dict[str, Any]:
    """The settings for `params`; those that begin with `own_prefix` (`groq_`) are the provider's own in pydantic-ai.

    Raises `ModelFailed` for a parameter without such a setting, or one that this model would ignore
    (`ignored`): what is asked for is sent, or nothing is.
    """
    found: dict[str, Any] = {}
    for name, value in params.items():
        setting = SETTINGS.get(name, name if name.startswith(own_prefix) else "")
        if not setting or setting in ignored:
            near = nearest(name, SETTINGS)
            raise cannot_say(
                f"this model of pydantic-ai has no parameter {name!r}",
                hint=f"did you mean {near!r}?"
                if near and near != name
                else f"it has {', '.join(known for known, setting in SETTINGS.items() if setting not in ignored)}, "
                f"and those that begin with {own_prefix}",
            )
        if setting in found:
            raise cannot_say("`max_tokens` and `max_completion_tokens` say the same", hint="leave one of them out")
        found[setting] = [value] if setting == "stop_sequences" and isinstance(value, str) else value
    return found


def refuse_left_out(settings: Mapping[str, Any], body: bytes) -> None:
    """Raises `ModelFailed` when pydantic-ai has left a setting out of the request, as it does for models that it
    thinks do not know it: a run must not say that it asked for a temperature that was never sent."""
    found = given.object_of(body) or {}
    names = {*found, *given.part(found, "generationConfig")}
    spelled = {name.replace("_", "").lower() for name in names}
    for setting, spellings in SENT_AS.items():
        if setting in settings and spelled.isdisjoint(spellings):
            raise cannot_say(
                f"pydantic-ai leaves the parameter {setting!r} out for this model",
                hint="leave it out of the model's params, too",
            )


def messages_of(request: Request) -> list[ModelMessage]:
    """The turns as pydantic-ai has them. Raises `ModelFailed` for a system turn that is not the first."""
    from pydantic_ai.messages import ModelRequest, ModelResponse, SystemPromptPart, TextPart, UserPromptPart

    system, turns = system_first(request.turns)
    if not any(turn.role == "user" for turn in turns):
        raise cannot_say("the request has no turn of a user")
    messages: list[ModelMessage] = []
    before: list[SystemPromptPart | UserPromptPart] = [SystemPromptPart(content=turn.content) for turn in system]
    for turn in turns:
        if turn.role == "user":
            messages.append(ModelRequest(parts=[*before, UserPromptPart(content=_content(turn))]))
        else:
            if before:
                messages.append(ModelRequest(parts=before))
            messages.append(ModelResponse(parts=[TextPart(content=turn.content)]))
        before = []
    return messages


def _content(turn: Turn) -> str | list[UserContent]:
    from pydantic_ai.messages import BinaryContent

    if not turn.images:
        return turn.content
    shown = [BinaryContent(data=image.data, media_type=image.media_type) for image in turn.images]
    return [turn.content, *shown] if turn.content else [*shown]


def parameters_of(request: Request) -> ModelRequestParameters:
    """How the answer is asked for: as text, or as JSON that follows the schema, by the provider's own means."""
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.output import OutputObjectDefinition

    if request.schema is None:
        return ModelRequestParameters()
    wanted = OutputObjectDefinition(json_schema=dict(request.schema), name="answer", strict=True)
    return ModelRequestParameters(output_mode="native", output_object=wanted, allow_text_output=False)


def reply_of(exchange: Exchange, model: str, parsed: ModelResponse | None) -> Reply:
    """The answer in `exchange`, read as its own protocol has it where that is one of ours.

    `parsed` is pydantic-ai's own reading, which counts for other protocols only: it drops what the
    record needs (fingerprint, reason to stop). Raises `ModelFailed` for what is no answer.
    """
    found = given.object_of(exchange.response_body) or {}
    if "choices" in found:
        return openai_chat.reply_of(exchange, model)
    if found.get("type") in ("message", "error"):
        return anthropic_messages.reply_of(exchange, model)
    if "candidates" in found or "promptFeedback" in found or given.text(given.part(found, "error"), "status"):
        return gemini.reply_of(exchange, model)
    if exchange.status != 200 or found.get("error"):
        return openai_chat.reply_of(exchange, model)
    if parsed is None:
        raise failed("bad_answer", exchange, got="pydantic-ai cannot read this answer")
    return _reply_as_parsed(exchange, found, model, parsed)


def _reply_as_parsed(exchange: Exchange, found: dict[str, Any], model: str, parsed: ModelResponse) -> Reply:
    """For OpenAI's Responses, Cohere and whatever else pydantic-ai speaks."""
    details = parsed.provider_details or {}
    refusal = details.get("refusal")
    text = "".join(part.content for part in parsed.parts if part.part_kind == "text")
    given_stop = str(details.get("finish_reason") or given.text(found, "finish_reason") or given.text(found, "status"))
    usage = parsed.usage
    is_counted = bool(usage.input_tokens or usage.output_tokens)
    is_refusal = isinstance(refusal, str) and not text
    return Reply(
        text=str(refusal) if is_refusal else text,
        model_answered=given.text(found, "model") or parsed.model_name or model,
        stop_reason="refusal" if is_refusal else STOPS.get(parsed.finish_reason or "", "other"),
        stop_reason_given=given.short(given_stop),
        prompt_tokens=usage.input_tokens if is_counted else -1,
        completion_tokens=usage.output_tokens if is_counted else -1,
        cached_tokens=usage.cache_read_tokens if is_counted else -1,
        reasoning_tokens=usage.details.get("reasoning_tokens", -1),
        request_id=openai_chat.request_id_of(exchange.response_headers)
        or given.short(given.text(found, "id") or parsed.provider_response_id or ""),
        fingerprint=given.short(given.text(found, "system_fingerprint")),
        exchange=exchange,
    )
