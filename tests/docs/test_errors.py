"""docs/commands.md says the same exit codes as the program."""

from __future__ import annotations

import re
from pathlib import Path

from awo import errors

_ROW = re.compile(r"^\|\s*(\d+)\s*\|\s*(.+?)\s*\|$", re.MULTILINE)


def test_the_table_of_exit_codes_is_the_programs_own(root: Path) -> None:
    page = (root / "docs" / "commands.md").read_text(encoding="utf-8")
    assert {int(code): meaning for code, meaning in _ROW.findall(page)} == errors.EXIT_CODES


def test_every_error_ends_the_process_with_a_code_of_the_table() -> None:
    def tree(kind: type[errors.AwoError]) -> list[type[errors.AwoError]]:
        return [kind, *(deeper for child in kind.__subclasses__() for deeper in tree(child))]

    codes = {kind.__name__: kind.exit_code for kind in tree(errors.AwoError)}
    assert {name: code for name, code in codes.items() if code not in errors.EXIT_CODES} == {}
    assert set(errors.EXIT_CODES) == {0, *codes.values()}


def test_the_drawing_of_the_tree_has_every_error_of_its_file() -> None:
    drawn = dict(re.findall(r"(\w+)\s+(\d+) {2,}", errors.__doc__ or ""))
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AwoError)]
    assert drawn == {kind.__name__: str(kind.exit_code) for kind in kinds}
