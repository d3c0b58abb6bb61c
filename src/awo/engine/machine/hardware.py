"""The processor, the memory and the graphics processors of a machine, as its kernel tells them; nothing is started."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path
from typing import Any, Final

from awo.engine.machine.looked import FOUND, NONE, could_not, one_line, text_of

ROOT: Final = Path("/")
DRIVERS: Final = ("nvidia", "amdgpu", "i915", "xe", "nouveau", "radeon")
"""Modules of the Linux kernel that drive graphics processors."""
_CARD = re.compile(r"card\d+")
_ID = re.compile(r"0x[0-9a-fA-F]{4}")


def cpu() -> dict[str, Any]:
    """Model and number of cores; `usable_cores` are those that this process may use."""
    return {"model": _cpu_model(), "logical_cores": os.cpu_count() or 0, "usable_cores": _usable_cores()}


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0


def _cpu_model() -> str:
    if sys.platform == "linux":
        try:
            with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    if line.startswith("model name"):
                        return line.partition(":")[2].strip()
        except OSError:
            return "unknown"
    return platform.processor() or "unknown"


def memory(root: Path = ROOT) -> dict[str, Any]:
    """Bytes of memory, and the least limit that a control group sets, where one does."""
    try:
        total_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError) as error:
        return could_not(one_line(str(error)))
    found: dict[str, Any] = {"total_bytes": total_bytes}
    for name in ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"):
        limit = text_of(root / name)
        if limit.isdecimal() and 0 < int(limit) < total_bytes:
            found["limit_bytes"] = int(limit)
            break
    return found


def gpus(root: Path = ROOT) -> dict[str, Any]:
    """Graphics processors that the kernel shows, and the versions of their drivers.

    `devices` has a name where the driver tells it, and the ids of vendor and device. In a container the kernel shows
    those of the host too.
    """
    if not (root / "sys/class").is_dir() and not (root / "proc/driver").is_dir():
        return could_not("this system has neither /sys/class nor /proc/driver")
    drivers = {name: version for name in DRIVERS if (version := _driver_version(root, name))}
    try:
        devices = [*_nvidia(root), *_cards(root)]
    except OSError as error:
        return could_not(error.strerror or "the devices cannot be listed")
    return {"looked": FOUND if devices or drivers else NONE, "devices": devices, "drivers": drivers}


def _driver_version(root: Path, name: str) -> str:
    if not (root / "sys/module" / name).is_dir() and not (name == "nvidia" and (root / "proc/driver/nvidia").is_dir()):
        return ""
    version = text_of(root / "sys/module" / name / "version")
    if not version and name == "nvidia":
        told = re.search(r"\b(\d+\.\d+(?:\.\d+)?)\b", text_of(root / "proc/driver/nvidia/version"))
        version = told[1] if told else ""
    return one_line(version) or "as the kernel has it"


def _nvidia(root: Path) -> list[dict[str, str]]:
    """By NVIDIA's own folder. What would name the machine (serial numbers, UUIDs) is left out."""
    folder = root / "proc/driver/nvidia/gpus"
    if not folder.is_dir():
        return []
    found = []
    for one in sorted(folder.iterdir()):
        model = re.search(r"^Model:\s*(.+)$", text_of(one / "information"), re.MULTILINE)
        found.append({"driver": "nvidia", "name": one_line(model[1]) if model else "unknown"})
    return found


def _cards(root: Path) -> list[dict[str, str]]:
    folder = root / "sys/class/drm"
    if not folder.is_dir():
        return []
    found = []
    for card in sorted(one for one in folder.iterdir() if _CARD.fullmatch(one.name)):
        device = card / "device"
        ids = {key: text for key in ("vendor", "device") if _ID.fullmatch(text := text_of(device / key))}
        try:
            driver = os.path.basename(os.readlink(device / "driver"))
        except OSError:
            driver = "unknown"
        if driver != "nvidia":  # told above, with its name
            found.append({"driver": one_line(driver), **ids})
    return found
