"""When a request is the one that was recorded: messages, images, parameters, seed and schema, and nothing else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.inference.recorded_run import RecordedAsk, RecordedImage, RecordedMessage, identity
from awo.inference.replay import _other_parameters

ASKED = RecordedAsk(
    model="m",
    backend="openai",
    messages=(
        RecordedMessage(role="system", content="Be brief."),
        RecordedMessage(role="user", content="Name a colour.", images=(RecordedImage("0" * 64),)),
    ),
    params={"temperature": 0.2, "max_tokens": 5},
    seed=7,
    schema_sha256="1" * 64,
)


@pytest.mark.parametrize(
    "change",
    [
        {"messages": ASKED.messages[:1]},
        {"messages": (ASKED.messages[0], RecordedMessage(role="user", content="Name a colour."))},
        {"messages": (ASKED.messages[0], msgspec.structs.replace(ASKED.messages[1], content="Name two colours."))},
        {"messages": (msgspec.structs.replace(ASKED.messages[0], role="user"), ASKED.messages[1])},
        {"params": {"temperature": 0.3, "max_tokens": 5}},
        {"params": {"temperature": 0.2}},
        {"seed": 8},
        {"schema_sha256": ""},
    ],
    ids=str,
)
def test_whatever_was_asked_otherwise_is_another_request(change: dict[str, Any]) -> None:
    other = msgspec.structs.replace(ASKED, **change)
    assert identity(other)[0] != identity(ASKED)[0]
    assert (identity(other)[1] == identity(ASKED)[1]) == ("messages" not in change)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "another"},
        {"params": {"max_tokens": 5, "temperature": 0.2}},
        {"backend": "replay", "params": ASKED.params | {"of": "m"}},
    ],
    ids=str,
)
def test_names_and_the_order_of_parameters_make_no_other_request(change: dict[str, Any]) -> None:
    assert identity(msgspec.structs.replace(ASKED, **change)) == identity(ASKED)


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_no_two_conversations_share_a_name(one: list[str], other: list[str]) -> None:
    def named(texts: list[str]) -> tuple[bytes, bytes]:
        messages = tuple(RecordedMessage(role="user", content=text) for text in texts)
        return identity(msgspec.structs.replace(ASKED, messages=messages))

    assert (named(one) == named(other)) == (one == other)


def test_other_parameters_are_told_one_by_one() -> None:
    now = msgspec.structs.replace(ASKED, seed=8, params={"temperature": 0.5, "top_p": 1}, schema_sha256="")
    assert _other_parameters(now, ASKED) == (
        "seed 7 (asked: 8), temperature 0.2 (asked: 0.5), max_tokens 5 (asked: nothing), "
        "top_p nothing (asked: 1), another schema"
    )
