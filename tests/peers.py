"""Where other people's programs stand that tests hold our files against: `make peers` puts them into .venv-peers."""

from __future__ import annotations

from pathlib import Path

PEERS = Path(__file__).resolve().parent.parent / ".venv-peers" / "bin"


def peer(name: str) -> Path:
    """The program `name` of the peers' environment. Run it, never import from there: it has libraries of its own.

    Raises AssertionError where it is missing: a check that was skipped is a check that nobody made.
    """
    program = PEERS / name
    if not program.is_file():
        msg = f"{name} is missing in .venv-peers; next: make peers"
        raise AssertionError(msg)
    return program


def peer_python() -> Path:
    """The interpreter that has the peers' libraries, for a script that a test hands to it."""
    return peer("python")
