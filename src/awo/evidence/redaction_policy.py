"""What a person writes who decides what of a package may be seen (docs/redaction.md; spec section 9.6)."""

from __future__ import annotations

from typing import Literal

import msgspec

Preset = Literal["", "answers-only", "no-prompts", "structure-only"]
ResponseKey = Literal["messages", "text", "logprobs", "schema_fault"]
ItemKey = Literal["item", "row", "value", "reason"]
Word = Literal["all", "facts only", "nothing"]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape on disk: unknown fields are refused."""


class Show(_Record, frozen=True):
    """The allow-list. `files` are patterns of files that are shown whole; `values` says, by a pattern of files, which
    values of input.json and output.json are shown (JSON pointers, `*` for any one part and `**` for any number).
    `responses` and `items` say what of their lines is shown: for all steps, or by a pattern of steps.
    """

    files: list[str] = []
    values: dict[str, list[str] | Literal["all", "nothing"]] = {}
    responses: list[ResponseKey] | Word | dict[str, list[ResponseKey] | Word] = {}
    items: list[ItemKey] | Word | dict[str, list[ItemKey] | Word] = {}


class RedactionPolicy(_Record, frozen=True):
    """A file of YAML or JSON that says what a redacted package shows. What it does not name is withheld.

    `like` begins with what one of the presets shows; `withhold` names files of which nothing is shown whatever else is
    said; `reason` says why for the record, `reasons` why by a pattern of files.
    """

    format: Literal["awo/redaction-policy/v1"]
    like: Preset = ""
    show: Show = Show()
    withhold: list[str] = []
    reason: str = ""
    reasons: dict[str, str] = {}
