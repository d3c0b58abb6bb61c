"""A real authority for time stamps on this machine: certificates and answers by `openssl`, behind a small server."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from awo.sign.der import OCTETS, SEQUENCE, only

CONFIGURATION = """\
[tsa]
default_tsa=one
[one]
dir=.
serial=./serial
crypto_device=builtin
signer_cert=./authority.pem
signer_key=./authority.key
signer_digest=sha256
default_policy=1.2.3.4.1
digests=sha1,sha256,sha384,sha512
accuracy=secs:1
ordering=yes
tsa_name=yes
ess_cert_id_chain=no
ess_cert_id_alg=sha256
[req]
distinguished_name=dn
[dn]
[root]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
[stamps]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
"""

Answer = Callable[[bytes], tuple[int, str, bytes]]
"""Gives status, content type and body for the bytes of a request."""


class Authority:
    """A root, and an authority below it, in a folder. `answer` makes a response as an honest one does."""

    def __init__(self, folder: Path, name: str = "Test authority", *, key: str = "ec") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "openssl.cnf").write_text(CONFIGURATION)
        (folder / "serial").write_text("01\n")
        kind = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else ["rsa:2048"]
        new_key = ["-config", "openssl.cnf", "-newkey", *kind, "-nodes"]
        self.run("req", "-x509", *new_key, "-keyout", "root.key", "-out", "root.pem", "-days", "36500", "-extensions")
        self.run("req", *new_key, "-keyout", "authority.key", "-out", "authority.csr", "-subj", f"/CN={name}")
        self.certify()

    def stamp_as(self, purpose: str, data: bytes) -> bytes:
        """A stamp over `data` by a certificate with this extended key usage, which `openssl ts` would not sign with."""
        status, token = only(self.stamp(data), SEQUENCE).inside()
        signed_data = only(token.inside()[1].contents, SEQUENCE)
        info = only(signed_data.inside()[2].inside()[1].contents, OCTETS)
        (self.folder / "info").write_bytes(info.contents)
        honest = "extendedKeyUsage=critical,timeStamping"
        (self.folder / "openssl.cnf").write_text(CONFIGURATION.replace(honest, f"extendedKeyUsage={purpose}"))
        self.certify()
        signer = ["-signer", "authority.pem", "-inkey", "authority.key", "-md", "sha256", "-cades", "-nosmimecap"]
        content = ["-in", "info", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.4"]
        self.run("cms", "-sign", *content, *signer, "-outform", "DER", "-out", "token")
        body = status.whole + (self.folder / "token").read_bytes()
        return b"\x30\x82" + len(body).to_bytes(2, "big") + body

    def certify(self, *, ends: str = "") -> None:
        """Gives the authority a certificate for time stamps; one that has `ends` (as `openssl ca` writes times) began
        in 2001."""
        common = ["-extfile", "openssl.cnf", "-extensions", "stamps", "-out", "authority.pem"]
        if ends:
            (self.folder / "index").write_text("")
            (self.folder / "ca.cnf").write_text(
                "[ca]\ndefault_ca=one\n[one]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\n"
                "policy=any\n[any]\ncommonName=supplied\n"
            )
            dates = ["-startdate", "20010101000000Z", "-enddate", ends]
            keys = ["-cert", "root.pem", "-keyfile", "root.key", "-in", "authority.csr"]
            self.run("ca", "-batch", "-notext", "-config", "ca.cnf", *keys, *dates, *common)
            return
        keys = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-in", "authority.csr"]
        self.run("x509", "-req", *keys, "-days", "36000", *common)

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def run(self, *words: str) -> None:
        if words[-1] == "-extensions":
            words = (*words, "root", "-subj", "/CN=Test root")
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def answer(self, query: bytes) -> bytes:
        """The TimeStampResp to a TimeStampReq, both in DER."""
        (self.folder / "query").write_bytes(query)
        self.run("ts", "-reply", "-config", "openssl.cnf", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()

    def stamp(self, data: bytes, digest: str = "sha256") -> bytes:
        """A stamp over `data`, asked for by `openssl` itself."""
        (self.folder / "data").write_bytes(data)
        self.run("ts", "-query", "-data", "data", f"-{digest}", "-cert", "-out", "query")
        return self.answer((self.folder / "query").read_bytes())

    def openssl_says(self, stamp: Path, data: Path) -> bool:
        """What `openssl ts -verify` says of a stamp over a file."""
        words = ["openssl", "ts", "-verify", "-in", stamp, "-data", data, "-CAfile", self.root]
        return subprocess.run([str(word) for word in words], capture_output=True).returncode == 0

    def honest(self, query: bytes) -> tuple[int, str, bytes]:
        """An `Answer`."""
        return 200, "application/timestamp-reply", self.answer(query)


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """The address of a server on this machine that answers so, one request after the other."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["content-type"] == "application/timestamp-query"
            query = self.rfile.read(int(self.headers["content-length"]))
            status, kind, body = answer(query)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is written while tests run."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
