"""Whether this runs in a container, which kind, and of which image: from files that container engines leave there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from awo.engine.machine.looked import FOUND, NONE, could_not, text_of

DIGEST_VARIABLE: Final = "AWO_CONTAINER_DIGEST"
"""Set by whoever starts the container: the digest of its image, which nothing inside can know."""

ROOT: Final = Path("/")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ID = re.compile(r"(?<![0-9a-f])([0-9a-f]{64})(?![0-9a-f])")
_IN_MOUNTS = re.compile(r"/(?:containers|overlay-containers|sandboxes)/([0-9a-f]{64})/")
_IMAGE_ID = re.compile(r'^imageid="(?:sha256:)?([0-9a-f]{64})"$', re.MULTILINE)
_WORDS: Final = {
    "libpod": "podman",
    "docker": "docker",
    "kubepods": "kubernetes",
    "containerd": "containerd",
    "lxc": "lxc",
    "garden": "garden",
}


def container(environment: Mapping[str, str], root: Path = ROOT) -> dict[str, Any]:
    """`kind`, and as far as they are known `id` (of the container), `image_id` and `digest` (of the image).

    `digest` is what `AWO_CONTAINER_DIGEST` says, where that is a SHA-256 digest: a claim of whoever set it.
    """
    told = _image_digest(environment)
    if not (root / "proc/self").exists() and not (root / ".dockerenv").exists():
        return could_not("this system has no /proc") | told
    groups, mounts = text_of(root / "proc/self/cgroup"), text_of(root / "proc/self/mountinfo")
    podman = text_of(root / "run/.containerenv")
    kind = _kind(root, groups)
    if not kind:
        return {"looked": NONE} | told
    found: dict[str, Any] = {"looked": FOUND, "kind": kind}
    if (known := _IN_MOUNTS.search(mounts) or _ID.search(groups)) is not None:
        found["id"] = known[1]
    if (image := _IMAGE_ID.search(podman)) is not None:
        found["image_id"] = f"sha256:{image[1]}"
    return found | told


def _kind(root: Path, groups: str) -> str:
    if (root / "run/.containerenv").exists():
        return "podman"
    if (root / "var/run/secrets/kubernetes.io").is_dir() or (root / "run/secrets/kubernetes.io").is_dir():
        return "kubernetes"
    if (root / ".dockerenv").exists():
        return "docker"
    told = text_of(root / "run/systemd/container")
    if re.fullmatch(r"[a-z][a-z0-9-]{0,30}", told):
        return told
    return next((kind for word, kind in _WORDS.items() if word in groups), "")


def _image_digest(environment: Mapping[str, str]) -> dict[str, str]:
    """What the variable says; its value is not told where it is anything else than a digest."""
    given = environment.get(DIGEST_VARIABLE, "")
    if not given:
        return {}
    if _DIGEST.fullmatch(given):
        return {"digest": given}
    return {"digest_refused": f"{DIGEST_VARIABLE} is not of the form sha256: and 64 hexadecimal digits"}
