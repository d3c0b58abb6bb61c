"""What decides how programs here count, sort and print: locale, time zone, threads, and the seed of hashes."""

from __future__ import annotations

import locale
import os
import re
import sys
import time
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

THREADS: Final = (
    "OMP_NUM_THREADS",
    "OMP_THREAD_LIMIT",
    "OMP_DYNAMIC",
    "MKL_NUM_THREADS",
    "MKL_DYNAMIC",
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "TOKENIZERS_PARALLELISM",
)
"""The only variables whose values are recorded, and only where they are a small number or one of `WORDS`."""

WORDS: Final = ("true", "false", "TRUE", "FALSE", "True", "False", "on", "off")
OTHER: Final = "something else"
"""Stands for a value that is neither: what it is, is not recorded."""

_NUMBER = re.compile(r"\d{1,6}(?:,\d{1,6}){0,7}")
_LOCALE = re.compile(r"[A-Za-z]{1,8}(?:_[A-Za-z]{2,4})?(?:\.[A-Za-z0-9-]{1,16})?(?:@[a-z]{1,16})?")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{1,30}(?:/[A-Za-z0-9_+-]{1,30}){0,2}")
_LARGEST_SEED: Final = 4_294_967_295


def threads(environment: Mapping[str, str]) -> dict[str, str]:
    """What is set of `THREADS`."""
    return {name: _plain(environment[name]) for name in THREADS if environment.get(name, "")}


def _plain(value: str) -> str:
    return value if value in WORDS or _NUMBER.fullmatch(value) else OTHER


def hash_seed(environment: Mapping[str, str]) -> str:
    """The seed of Python's hashes of text: a number, or `random`."""
    if not sys.flags.hash_randomization:
        return "0"
    given = environment.get("PYTHONHASHSEED", "")
    is_number = given.isdecimal() and given.isascii() and len(given) <= 10 and int(given) <= _LARGEST_SEED
    return given if is_number and not sys.flags.ignore_environment else "random"


def locale_facts() -> dict[str, Any]:
    """The locale of characters of this process, and the encoding of texts and of file names."""
    ctype = locale.setlocale(locale.LC_CTYPE)
    return {
        "ctype": ctype if _LOCALE.fullmatch(ctype) else OTHER,
        "encoding": locale.getencoding(),
        "file_names": sys.getfilesystemencoding(),
    }


def time_zone(environment: Mapping[str, str], root: Path = Path("/")) -> dict[str, Any]:
    """The name that the zone database has for the zone, `unknown` where it has none; and minutes east of UTC now.

    Times in a record are UTC whatever stands here.
    """
    return {"name": _zone_name(environment, root), "utc_offset_minutes": time.localtime().tm_gmtoff // 60}


def _zone_name(environment: Mapping[str, str], root: Path) -> str:
    given = environment.get("TZ", "").removeprefix(":")
    if given:
        return _known_zone(given)
    try:
        target = os.readlink(root / "etc/localtime")
    except OSError:
        target = ""
    if "zoneinfo/" in target:
        return _known_zone(target.rpartition("zoneinfo/")[2])
    try:
        return _known_zone((root / "etc/timezone").read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError):
        return "unknown"


def _known_zone(name: str) -> str:
    """The name, where the zone database of this machine has it: no other text gets into a record this way."""
    if not _ZONE.fullmatch(name):
        return "unknown"
    try:
        return zoneinfo.ZoneInfo(name).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return "unknown"
