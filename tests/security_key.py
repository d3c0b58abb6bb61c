"""An emulated security key (FIDO): signs as the device would, with any flags, touched or not."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from awo.canon.digest import sha256_bytes
from awo.sign import sshsig
from awo.sign.sshkeys import SK_ECDSA, SK_ED25519, PublicKey
from awo.sign.wire import mpint, string, uint32

APPLICATION = b"ssh:"
TOUCHED = 0x01
TOUCHED_WITH_PIN = 0x05
NOT_TOUCHED = 0x00
PIN_ONLY = 0x04


class SecurityKey:
    """One device with one key, Ed25519 or ECDSA."""

    def __init__(self, algorithm: str, seed: int) -> None:
        self._ed25519 = Ed25519PrivateKey.from_private_bytes(seed.to_bytes(32, "big"))
        self._ecdsa = ec.derive_private_key(seed, ec.SECP256R1())
        self.algorithm = algorithm
        fields = {SK_ED25519: self._ed25519_fields, SK_ECDSA: self._ecdsa_fields}[algorithm]()
        self.key = PublicKey.from_blob(string(algorithm.encode()) + fields + string(APPLICATION))

    def _ed25519_fields(self) -> bytes:
        return string(self._ed25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def _ecdsa_fields(self) -> bytes:
        point = self._ecdsa.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return string(b"nistp256") + string(point)

    def sign(self, message: bytes, namespace: str, *, flags: int, counter: int = 7) -> bytes:
        """The armored SSHSIG that the device makes with these flags."""
        data = sshsig.signed_bytes(message, namespace)
        signature = self.sign_bare(data, flags=flags, counter=counter)
        return sshsig.armor(sshsig.envelope(self.key, namespace, signature)).encode()

    def sign_bare(self, data: bytes, *, flags: int, counter: int = 7) -> bytes:
        """The signature over `data` in the SSH wire format, as an agent hands it on (PROTOCOL.u2f)."""
        tail = bytes([flags]) + uint32(counter)
        signed = sha256_bytes(APPLICATION) + tail + sha256_bytes(data)
        if self.algorithm == SK_ED25519:
            body = self._ed25519.sign(signed)
        else:
            r, s = decode_dss_signature(self._ecdsa.sign(signed, ec.ECDSA(hashes.SHA256())))
            body = mpint(r) + mpint(s)
        return string(self.algorithm.encode()) + string(body) + tail
