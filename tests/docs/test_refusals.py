"""One list of refusal codes: in the types, in the spec, and in what the rules say."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final, get_args

from awo.gate.refusals import REFUSALS, RefusalCode
from awo.sign.allowed_signers import WhyNot

ROOT: Final = Path(__file__).parents[2]
SPEC: Final = ROOT / "docs" / "spec" / "evidence-package-v1.md"
SAID_IN: Final = ("src/awo/gate", "src/awo/engine", "src/awo/api", "src/awo/cli")


def test_every_code_has_one_sentence_and_every_sentence_a_code() -> None:
    assert list(REFUSALS) == list(get_args(RefusalCode))
    for sentence in REFUSALS.values():
        assert re.fullmatch(r"[A-Z][^.]*\.", sentence), sentence
    assert len(set(REFUSALS.values())) == len(REFUSALS)


def test_the_codes_of_allowed_signers_are_among_them() -> None:
    assert set(get_args(WhyNot)) - {"unknown_principal"} <= set(REFUSALS)


def test_the_spec_has_the_same_codes_with_the_same_sentences() -> None:
    section = SPEC.read_text(encoding="utf-8").split("### 4.4 ")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", section, re.MULTILINE))
    assert rows == dict(REFUSALS)


def test_every_code_is_said_somewhere() -> None:
    """A code that nothing can say would be a promise to the readers of journals that nobody keeps."""
    said = set()
    for folder in SAID_IN:
        for path in (ROOT / folder).rglob("*.py"):
            if path.name == "refusals.py":
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            said |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)} & set(REFUSALS)
    said |= {*get_args(WhyNot), "refused"}  # `refused` is for reasons that have no code yet
    assert set(REFUSALS) - said == set()
