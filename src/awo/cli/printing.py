"""What reaches a terminal: hostile text made harmless, one JSON object for programs, errors in one shape."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable
from typing import Any, Protocol

import click

from awo.canon.usd import usd
from awo.errors import AwoError

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")


def harmless(text: str) -> str:
    """`text` with control, format and surrogate characters made visible, so that it cannot drive a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c
        if c == "\n" or (c.isprintable() and unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
        else f"\\u{ord(c):04x}"
        for c in text
    )


def say(*lines: str) -> None:
    """Prints lines for people on stdout, each as one line whatever is in it."""
    for line in lines:
        click.echo(harmless(line).replace("\n", "\\n"))


def note(*lines: str) -> None:
    """Prints lines for people on stderr: progress and asides."""
    for line in lines:
        click.echo(harmless(line), err=True)


def print_json(value: Any) -> None:
    """Prints one JSON object."""
    from awo.canon.json import pretty

    sys.stdout.write(pretty(value).decode())


class Amounts(Protocol):
    """Picodollars that calls have cost, may still cost, and may have cost."""

    @property
    def spent(self) -> int: ...
    @property
    def reserved(self) -> int: ...
    @property
    def unknown(self) -> int: ...


def in_dollars(money: Amounts, budget_usd: str) -> dict[str, str]:
    """Amounts for programs: US dollars as text; `budget_usd` is '' for none."""
    return {
        "budget_usd": budget_usd,
        "spent_usd": usd(money.spent),
        "reserved_usd": usd(money.reserved),
        "unknown_usd": usd(money.unknown),
    }


def print_error(error: AwoError, *, as_json: bool) -> None:
    """One error: on stderr for people, as the one object on stdout for programs."""
    if as_json:
        print_json(error.as_dict())
        return
    first, *rest = harmless(str(error)).split("\n")
    click.echo(click.style("error", fg="red", bold=True) + f": {first}", err=True)
    for line in rest:
        click.echo(line, err=True)


def table(rows: Iterable[tuple[str, ...]], headings: tuple[str, ...]) -> list[str]:
    """Rows under headings in columns of equal width, for a terminal or a file."""
    cells = [tuple(harmless(cell).replace("\n", " ") for cell in row) for row in rows]
    widths = [max(len(row[i]) for row in [headings, *cells]) for i in range(len(headings))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [headings, *cells]
    ]
