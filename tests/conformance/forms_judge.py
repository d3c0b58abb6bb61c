"""Run by the interpreter of .venv-peers: what other people's libraries read in the forms of a run, as one JSON object.

On stdin `{"key": PEM, "bundles": {NAME: PATH}, "prov": {…}, "spans": {…}, "bags": {…}}`. The answer has the same kinds
and names: for a bundle whether securesystemslib and in-toto accept each line, and its payload; for PROV-JSON what
the `prov` package writes again after reading, and the size of its graph; for spans what protobuf parsed; for a bag
what bagit.py complains of, '' for nothing.
"""

# mypy: ignore-errors

import base64
import json
import logging
import sys

import bagit
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf.json_format import MessageToDict, Parse
from in_toto.models.metadata import Metadata
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prov.graph import prov_to_graph
from prov.model import ProvDocument
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

SIZES = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def accepts(check):
    """'' or the name of the error."""
    try:
        check()
    except Exception as error:
        return type(error).__name__
    return ""


def of_bundle(path, pem):
    key = SSlibKey.from_crypto(load_pem_public_key(pem.encode()))
    as_dict = key.to_dict() | {"keyid": key.keyid}
    found = []
    with open(path) as lines:
        for line in lines:
            said = {
                "securesystemslib": accepts(lambda text=line: Envelope.from_dict(json.loads(text)).verify([key], 1)),
                "in_toto": accepts(lambda text=line: Metadata.from_dict(json.loads(text)).verify_signature(as_dict)),
            }
            payload = base64.b64decode(json.loads(line)["payload"])
            said["payload"] = payload.decode(errors="replace")
            found.append(said)
    return {"keyid": key.keyid, "lines": found}


def of_prov(path):
    document = ProvDocument.deserialize(path, format="json")
    again = json.loads(document.serialize(format="json"))
    graph = prov_to_graph(document)
    return {
        "again": again,
        "is_same": document == ProvDocument.deserialize(content=json.dumps(again), format="json"),
        "nodes": len(graph),
        "edges": graph.number_of_edges(),
    }


def in_base64(value):
    """OTLP has ids in hex, where protobuf's own JSON has base64 and would read hex as such without a word."""
    if isinstance(value, list):
        return [in_base64(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(one)).decode() if key in SIZES else in_base64(one)
        for key, one in value.items()
    }


def of_spans(path):
    spans = []
    with open(path) as lines:
        for line in lines:
            request = Parse(json.dumps(in_base64(json.loads(line))), ExportTraceServiceRequest())
            for resource in MessageToDict(request)["resourceSpans"]:
                spans += [span for scope in resource["scopeSpans"] for span in scope["spans"]]
    for span in spans:
        for key in SIZES.keys() & span.keys():
            decoded = base64.b64decode(span[key])
            assert len(decoded) == SIZES[key], (key, span[key])
            span[key] = decoded.hex()
    return spans


def of_bag(path):
    try:
        bagit.Bag(path).validate()
    except bagit.BagError as error:
        return str(error)
    return ""


logging.disable(logging.CRITICAL)
asked = json.load(sys.stdin)
json.dump(
    {
        "bundles": {name: of_bundle(path, asked["key"]) for name, path in asked["bundles"].items()},
        "prov": {name: of_prov(path) for name, path in asked["prov"].items()},
        "spans": {name: of_spans(path) for name, path in asked["spans"].items()},
        "bags": {name: of_bag(path) for name, path in asked["bags"].items()},
    },
    sys.stdout,
)
