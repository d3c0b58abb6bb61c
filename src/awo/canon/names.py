"""The names of one package together: which may stand in it, and beside which others."""

from __future__ import annotations

import re

from awo.canon.paths import folded, why_not_inside

PLAIN_NAME = re.compile(
    r"(?!(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$))[a-z0-9_-](?:[a-z0-9_.-]{0,98}[a-z0-9_-])?", re.ASCII
)
"""Names that need no closer look: `why_not_inside` allows them and `folded` leaves them as they are."""


class Names:
    """Takes the names of a package one by one; says why one may not be there.

    Memory: one entry for each file and two for each folder, and a text of their own only for names that fold.
    """

    __slots__ = ("_files", "_folders", "_spellings")

    def __init__(self) -> None:
        self._folders: dict[str, str] = {"": ""}  # as spelled -> folded
        self._spellings: dict[str, str] = {"": ""}  # folded -> as first spelled
        self._files: set[str] = set()

    def why_not_folder(self, folder: str) -> str:
        """Why a folder may not be called so, as a short clause; empty when it may. `''` is the top."""
        if folder in self._folders:
            return ""
        if why := why_not_inside(f"{folder}/x"):
            return why
        parent, _, name = folder.rpartition("/")
        if why := self.why_not_folder(parent):
            return why
        key = self._joined(parent, folded(name), folder)
        if key in self._spellings:
            return f"it differs from the folder {self._spellings[key]!r} by upper and lower case only"
        if key in self._files:
            return "a file has the same name (case aside)"
        self._folders[folder] = key
        self._spellings[key] = folder
        return ""

    def why_not_file(self, path: str) -> str:
        """Why a file may not be called so beside the names taken before; empty when it may."""
        parent, slash, name = path.rpartition("/")
        if slash and not parent:
            return "it is absolute"
        if parent not in self._folders and (why := self.why_not_folder(parent)):
            return why
        if PLAIN_NAME.fullmatch(name):
            key = self._joined(parent, name, path)
        elif why := why_not_inside(name):
            return why
        else:
            key = self._joined(parent, folded(name), path)
        if key in self._files:
            return "the name is there twice (case aside)"
        if key in self._spellings:
            return "a folder has the same name (case aside)"
        self._files.add(key)
        return ""

    def _joined(self, parent: str, name: str, spelled: str) -> str:
        """The folded name below `parent`; the very text `spelled` where it is the same."""
        above = self._folders[parent]
        key = f"{above}/{name}" if above else name
        return spelled if key == spelled else key
