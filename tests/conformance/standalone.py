"""verify.py loaded as a module from its own path, as no part of AWO loads it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from awo.verify import verifiers

PATH = Path(verifiers.__file__).with_name("standalone") / "verify.py"


def load() -> ModuleType:
    """The module; what ssh-keygen says of the same bytes is asked once, so that many packages are cheap."""
    spec = importlib.util.spec_from_file_location("awo_standalone_verify", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    ask, known = module.keygen, dict[tuple[Any, ...], bool]()

    def remembered(
        report: Any, check: str, where: str, act: str, signed: Any, *words: str, signers: bytes = b""
    ) -> bool:
        asked = (act, *signed, *words, signers)
        if asked not in known:
            known[asked] = ask(report, check, where, act, signed, *words, signers=signers)
        return known[asked]

    module.keygen = remembered  # type: ignore[attr-defined]
    return module
