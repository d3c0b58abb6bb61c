"""The machine and its software as facts for the record: no host name, no user, no path, no variable but a few numbers.

docs/environment.md says what each key means.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from awo.engine.machine.container import container
from awo.engine.machine.conventions import hash_seed, locale_facts, threads, time_zone
from awo.engine.machine.hardware import cpu, gpus, memory
from awo.engine.machine.kept_distributions import cache_folder, distributions
from awo.engine.machine.looked import could_not, one_line
from awo.engine.machine.repository import repository_facts, uncommitted
from awo.engine.machine.system_packages import system_packages
from awo.evidence.secrets import SecretCutter
from awo.gate.environment import USUAL, EnvironmentSettings

NO_SECRETS = SecretCutter({})


def environment_facts(
    root: Path,
    settings: EnvironmentSettings = USUAL,
    secrets: SecretCutter = NO_SECRETS,
    environment: Mapping[str, str] = os.environ,
    workflow_root: Path | None = None,
) -> dict[str, Any]:
    """What a run at `root` of a workflow in `workflow_root` records of the machine. No network is asked, and git is
    all that is started.

    The values are in the subset of canonical JSON. `secrets` are cut out of every text. What cannot be found out is
    said so and stops nothing. Takes about 30 ms; twice that where the installed packages have changed since.
    """
    facts: dict[str, Any] = {
        "python": {"version": platform.python_version(), "implementation": platform.python_implementation()},
        "platform": {"system": platform.system(), "release": platform.release(), "machine": platform.machine()},
        "cpu": cpu(),
        "memory": _or_why(memory),
        "gpu": _or_why(gpus),
        "container": _or_why(lambda: container(environment)),
        "locale": _or_why(locale_facts),
        "time_zone": _or_why(lambda: time_zone(environment)),
        "threads": threads(environment),
        "hash_seed": hash_seed(environment),
        "git": repository_facts(root, workflow_root or root),
    }
    installed = distributions(cache_folder(environment))
    facts["packages"] = sorted({f"{one.name}=={one.version}" for one in installed}, key=str.lower)
    facts["distributions"] = {"hashed": "RECORD", "found": msgspec.to_builtins(installed)}
    if settings.system_packages:
        facts["system_packages"] = _or_why(system_packages)
    if settings.diff and facts["git"].get("is_dirty"):
        facts["diff"] = _or_why(lambda: uncommitted(root, secrets))
    cleaned: dict[str, Any] = msgspec.json.decode(secrets.cut(msgspec.json.encode(facts)))
    return cleaned


def _or_why(look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `look` finds, or why it could not be found out."""
    try:
        return look()
    except (OSError, ValueError) as error:
        return could_not(one_line(getattr(error, "strerror", None) or type(error).__name__))
