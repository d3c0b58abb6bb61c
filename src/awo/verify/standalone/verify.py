#!/usr/bin/env python3
"""Checks an AWO evidence package with Python's own library alone: no AWO, no network, and nothing is unpacked.
    python3 verify.py PACKAGE [--signers FILE] [--json]
PACKAGE is a run's folder, a bundle (.tar.gz) or a proof (.json). --signers: whom you believe, an allowed_signers file.
Ends with 0: verified, 3: it does not verify, 7: something could not be checked, 2: wrong use. Written from
docs/spec/evidence-package-v1.md, whose sections the numbers are. Signatures need ssh-keygen (OpenSSH 8.9 or later).
"""
from __future__ import annotations; from datetime import datetime; from typing import Any, Iterable, Iterator
import argparse, base64, hashlib, json, os, re, shutil, stat, subprocess, sys, tempfile, unicodedata, zlib
_NUMBERS = "1.1 1.2 1.3 1.4 1.5 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.8 2.11 3.1 3.2 3.3 4.1 4.2 4.3 4.7 4.8"
CHECKS = [f"EP-{one}" for one in _NUMBERS.split()] + [f"PR-{one}" for one in range(1, 9)]
NOT_MADE = """Not made: what is in responses, exchanges and items (EP-1.6 to 1.8, 2.9, 2.10), or withheld (4.13);
whether decisions are in order, free and enough (EP-4.4 to 4.6, 4.9 to 4.12); whether results follow (EP-5); ledger and
time stamps (EP-6); inside metadata.json, gates, authority (EP-1.4). Integrity is neither completeness nor truth."""
BESIDE = "verify.py verify.html CITATION.cff ro-crate-metadata.json sbom.cdx.json README.md"
INPUT, JOURNAL, SUMS, SIGNERS = "input.json", "audit/journal.jsonl", "SHA256SUMS", "audit/allowed_signers"
SEAL, SEAL_SIG, KEY, STATUS = "audit/seal.json", "audit/seal.json.sig", "audit/disclosure.key", "audit/status.json"
METADATA, PENDING, REDACTIONS = "metadata.json", "audit/gate_pending.json", "audit/redactions/"
SIGNER_LINE = re.compile(rb"|[ \t\r]*(#.*)?|[^\s#]+[ \t](.*[ \t])?(sk-)?(ssh|ecdsa)-\S+[ \t]+\S+.*")
NOT_IN_SUMS = (SUMS, SEAL, SEAL_SIG, "audit/registration.json", "audit/seal.json.tsr")
SEALED = (SIGNERS, KEY, STATUS, METADATA, "report.md", SUMS, SEAL, SEAL_SIG)
FIRST = [SEAL, SEAL_SIG, SUMS, REDACTIONS, KEY, INPUT, INPUT + ".partial", JOURNAL]
FREE, RATIO, PIECE, FAILED, OPEN = 64 << 20, 500, 1 << 18, "FAILED", "not checked"; NONE: Any = None
class Bad(Exception): """Something is wrong: what, and for a container where, and by which check."""
def hold(fact: object, *what: str) -> None:
    if not fact: raise Bad(*what)
def sha(data: bytes) -> bytes: return hashlib.sha256(data).digest()
def plain(text: str) -> str: return text.encode("unicode_escape").decode()  # what a terminal only shows
class Report:  # what each check that is asked found: (kind, where, what), the kind FAILED or OPEN
    def __init__(self, chapter: str, trust: bytes) -> None:
        asked = [name for name in CHECKS if name[:2] == chapter and (trust or name not in ("EP-4.7", "EP-4.8", "PR-8"))]
        self.found: dict[str, list[tuple[str, str, str]]] = {name: [] for name in asked}; self.run_id = ""
    def put(self, check: str, where: str, what: object = "it cannot be read", kind: str = FAILED) -> None:
        is_enough = [one[0] for one in self.found[check]].count(kind) >= 50
        if not is_enough: self.found[check].append((kind, plain(where), plain(str(what))[:300]))
    def verdict(self, *checks: str) -> str:
        kinds = {one[0] for check in checks or self.found for one in self.found[check]}
        return next((kind for kind in (FAILED, OPEN) if kind in kinds), "passed")
# --- JSON (1.3) and shapes (3, 4.3, 6, 7.2, 9, 10.4, 11) -------------------------------------------------------------
def _object(pairs: Any) -> Any: hold(len(found := dict(pairs)) == len(pairs), "a key stands twice"); return found
def _ascii(pairs: Any) -> Any: hold(all(key.isascii() for key, _ in pairs), "a key is not ASCII"); return _object(pairs)
def _strict(text: str) -> int:
    hold(re.fullmatch("-?[0-9]{1,16}", text) and abs(int(text)) < 2**53, f"no number {text[:20]}"); return int(text)
PLAIN = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_strict)
STRICT = json.JSONDecoder(object_pairs_hook=_ascii, parse_float=_strict, parse_int=_strict, parse_constant=_strict)
def parse(data: bytes, kind: str, is_canonical: bool = True) -> Any:  # a record, in canonical or plain JSON
    try:
        value = (STRICT if is_canonical else PLAIN).decode(data.decode())
        if is_canonical or b"\\u" in data:  # a lone surrogate is no text
            hold(spelt(value) == data or not is_canonical, "this is not in canonical form")
        shaped(value, kind); return value
    except (ValueError, RecursionError) as error: raise Bad(f"this is not JSON: {error}") from None
_USD, _DAY = r"(0|[1-9][0-9]{0,11})(\.[0-9]{0,11}[1-9])?", "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}"
TEXTS = {"t": r"[\s\S]*", "h": "[0-9a-f]{64}", "g": "([0-9a-f]{64})?", "i": "[A-Za-z0-9][A-Za-z0-9_-]{0,63}",
         "r": "run_" + _DAY + "-[0-9]{2}-[0-9]{2}Z(-[2-9]|-[1-9][0-9]+)?", "w": _DAY + r":[0-9]{2}:[0-9]{2}\.[0-9]{6}Z",
         "u": _USD, "v": f"({_USD})?", "d": "approve|reject|revise|withdraw",
         "e": "completed|approved|rejected|failed|abandoned", "p": "passphrase|touch|agent|not proved"}
TYPES: dict[str, Any] = {"n": [int], "c": [int], "z": [int], "b": [bool], "f": [int, float], "o": [dict]}
# Types: t text (or none said), h digest, g digest or none, i id of a step, u amount, v amount or none, w time,
# r run id, d verdict, e outcome, p presence, n from 0, c from 1, z integer, f number, b boolean, o object, a anything,
# =A|B one of these words, or a shape; behind it * makes a list, % an object of any keys, ! allows null. ?: may be away.
TABLE = """ref path sha256:h size_bytes:n; point size:n root:h; who id key; reason code message; software name version
report_layout:n; exchange segment:c offset:n size_bytes:c sha256:h; origin run_id step:i line:n sha256:h;
environment_recorded environment:o; run_resumed software:software; run_interrupted signal; run_started run_id input:ref
format:=awo/journal/v1 software:software starter:who supersedes solo:b; tail_cut path cut_bytes:c sha256:h;
model_recorded model facts:o; step_started step:i attempt:c; fanned_out step:i attempt:c cells:n asks:n; call_intended
step:i attempt:c call cell:n repeat:n tries:c because model request_sha256:h worst_price:v; call_answered step:i call
line:n sha256:h size_bytes:n cost:v exchange:exchange! recovered:b; call_failed step:i call reason:reason
may_have_cost:b exchange:exchange!; call_unknown step:i call policy:=retry|fail exchange:exchange!; response_reused
step:i attempt:c cell:n repeat:n model request_sha256:h line:n sha256:h size_bytes:n origin:origin; limit_changed model
in_flight:n reason:reason; budget_set usd:u; budget_reached step:i budget:u spent:u unknown:u worst:u; step_finished
step:i attempt:c value:ref files:ref*; step_failed step:i attempt:c reason:reason retries_left:n files:ref*; step_reused
step:i run_id value:ref files:ref*; step_skipped step:i reason:reason; gate_opened gate:i request:ref files:ref*
shows:ref*; vote_committed gate:i number:c signer vote:ref signature:ref authority:ref; decision_recorded gate:i
number:c verdict:d signer decision:ref signature:ref authority:ref opens:n nonce:g; decision_refused gate:i verdict:d
signer key reason:reason; deadline_passed gate:i then:=wait|reject|escalate; gate_lapsed gate:i; people_told gate:i
occasion:=opened|deadline|decided sent:n failed:n; gate_closed gate:i verdict:=approved|rejected|revised; run_finished
outcome:e; file path sha256:h size_bytes:n content encoding:=utf-8|absent; over kind:=data|step name; cells over:over!
matrix:a*% repeats:c max_failed:n; data path format id_column rows:n columns:t*; retries max:n delay_s:f; step id:i op
args:a needs:i* when retries:retries timeout_s:f cells?:cells!; input format:=awo/input/v1 name description source:ref
seed:z inputs:o files:file* models:o% default_model budget_usd?:v cache?:b rescores? data?:data% claims?:o* changes?:o*
earlier?:o* revises? revised_from? authors?:t* steps:step*; gatestatus gate:i status:=pending|approved|rejected|revised
decisions:t*; status format:=awo/status/v1 run_id status:=pending|approved|rejected|not_required
outcome:=|completed|approved|rejected|failed|abandoned gates:gatestatus*; signer id name role key; answer id answer
evidence; decision format:=awo/decision/v1 run_id gate:i verdict:d meaning:=authorship|review|approval|responsibility
signer:signer at:w expires_at presence:p solo:b answers:answer* comment required_changes:t* from_step checkpoint:point
shows:ref*; vote format:=awo/vote/v1 run_id gate:i signer:signer at:w presence:p solo:b checkpoint:point commitment:h;
seal format:=awo/seal/v1 run_id outcome:e checkpoint:point sums_sha256:h disclosure_sha256:h at:w software:software
sealer:who supersedes; line path line:n text; event seq:n text path:h*; sealed seal signature allowed_signers; proof
format:=awo/proof/v1 run_id record:line! event:event sealed:sealed; consistency format:=awo/consistency/v1 run_id
first:point path:h* sealed:sealed"""
SHAPES, NEEDED = dict[str, dict[str, str]](), dict[str, set[str]]()
for _name, *_keys in map(str.split, TABLE.split(";")):
    _keys += ["seq:n", "at:w", "kind:=" + _name] * ("_" in _name)
    NEEDED[_name] = {key.split(":")[0] for key in _keys if "?" not in key}
    SHAPES[_name] = dict((key + ":t").replace("?", "").split(":")[:2] for key in _keys)
def shaped(value: Any, kind: str, place: str = "it") -> None:  # `Bad` unless it is of this type; `journal` is any event
    if kind == "journal":
        kind = str(isinstance(value, dict) and value.get("kind")); hold("_" in kind in SHAPES, "this is no event")
    if kind[-1] == "!": kind = "a" if value is None else kind[:-1]
    if kind in TEXTS: fits: Any = isinstance(value, str) and re.fullmatch(TEXTS[kind], value)
    elif kind in TYPES: fits = type(value) in TYPES[kind] and (kind not in "nc" or (kind == "c") <= value < 2**53)
    elif kind in SHAPES:
        fits = isinstance(value, dict) and NEEDED[kind] <= value.keys() <= SHAPES[kind].keys()
        for key in value if fits else (): shaped(value[key], SHAPES[kind][key], key)
    elif kind[0] == "=": fits = isinstance(value, str) and value in kind[1:].split("|")
    else:
        fits = kind == "a" or isinstance(value, {"*": list, "%": dict}.get(kind[-1], ()))
        for v in () if kind == "a" or not fits else value if kind[-1] == "*" else value.values(): shaped(v, kind[:-1])
    if not fits: raise Bad(f"{place} is not what it must be, or has other keys")
# --- what a package is read from: a folder, or a bundle (7.3); names as in 1.5 ---------------------------------------
def in_order(path: str) -> tuple[int, str]:
    first = REDACTIONS if path.startswith(REDACTIONS) else path; return [*FIRST, first].index(first), path
def take_name(seen: dict[str, str], path: str, is_file: bool) -> None:  # `Bad` unless it may be called so
    parts, reserved = path.split("/"), re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(\.|$)", re.IGNORECASE)
    is_plain = not any(c in '\\<>:"|?*' or unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in path)
    fits = is_plain and all(part and len(os.fsencode(part)) <= 100 and part[-1] not in " ." for part in parts)
    fits = fits and len(os.fsencode("/".join(parts[:-1]))) < 120 and not any(map(reserved.match, parts))
    hold(fits and unicodedata.normalize("NFC", path) == path, "a file may not be called so", path, "EP-1.2")
    for count in range(1, len(parts) + 1):
        spelled = "/".join(parts[:count]) + "/" * (count < len(parts) or not is_file)
        key = unicodedata.normalize("NFC", spelled.rstrip("/").casefold())
        hold(key not in seen or seen[key] == spelled != path, "the name is there twice, case aside", path, "EP-1.2")
        seen[key] = spelled
def in_folder(top: str, report: Report) -> Iterator[tuple[str, Any]]:  # its files, opened; no link is followed
    seen, paths, folders = dict[str, str](), list[str](), [""]
    for folder in folders:
        for entry in sorted(os.scandir(os.path.join(top, folder)), key=lambda one: one.name):
            path, is_file = folder + entry.name, entry.is_file(follow_symlinks=False)
            try:
                hold(is_file or entry.is_dir(follow_symlinks=False), "it is a link or a device")
                take_name(seen, path, is_file); (paths if is_file else folders).append(path if is_file else path + "/")
            except Bad as error: report.put("EP-1.2", path, error.args[0])
    for path in sorted(paths, key=in_order):
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with open(os.open(os.path.join(top, path), flags), "rb") as stream:
            hold(stat.S_ISREG(os.fstat(stream.fileno()).st_mode), "a file changed its kind while it was read", path)
            yield path, stream
class Bundle:  # a bundle as a stream, nothing of it written anywhere; `read` gives the bytes of the open member
    def __init__(self, stream: Any) -> None:
        self.stream, self.size, self.data = stream, os.fstat(stream.fileno()).st_size, stream.read(PIECE)
        self.inflater, self.rest, self.total, self.left = zlib.decompressobj(31), b"", 0, 0
        self.top, self.mtime, self.where = "", -1, "the archive"
        hold(self.data[:10] == bytes.fromhex("1f8b08000000000000ff"), "this is not a bundle")
    def more(self) -> bytes:
        while not self.rest and not self.inflater.eof:
            try: self.rest = self.inflater.decompress(self.data, PIECE)
            except zlib.error as error: raise Bad(f"the compressed stream is damaged: {error}") from None
            self.data = self.inflater.unconsumed_tail or self.stream.read(PIECE)
            hold(self.rest or self.data or self.inflater.eof, "the compressed stream is cut off")
            self.total += len(self.rest); hold(self.total <= max(FREE, RATIO * self.size), "unpacked it is a bomb")
        return self.rest
    def read(self, count: int) -> bytes:
        count = min(count, self.left); hold(not count or self.more(), "the archive ends too early")
        piece, self.rest = self.rest[:count], self.rest[count:]; self.left -= len(piece); return piece
    def exactly(self, count: int) -> bytes: self.left = count; return b"".join(iter(lambda: self.read(count), b""))
    def header(self, block: bytes) -> tuple[str, int]:
        prefix, name = block[345:500].split(b"\0")[0], block[:100].split(b"\0")[0]
        raw = prefix + b"/" * bool(prefix) + name
        path, cut = raw.decode("utf-8", "surrogateescape"), raw.find(b"/", len(raw) - 101) if len(raw) > 100 else 0
        is_plain = block[156:157] not in b"123456gxLKS" or block[257:262] != b"ustar"
        hold(is_plain, "it is a link, a device, a folder or an extension", path, "EP-1.2")
        start = raw[cut + bool(cut) :].ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + block[124:148]
        end = b"0".ljust(101, b"\0") + b"ustar\00000".ljust(72, b"\0") + b"0000000\0" * 2 + raw[:cut].ljust(167, b"\0")
        same = block == b"%b%06o\0 %b" % (start, sum(start) + 256 + sum(end), end)
        hold(same and re.fullmatch(b"([0-7]{11}\0){2}", block[124:148]), "a header is not in its one spelling", path)
        before, self.mtime, self.where = self.mtime, int(block[136:147], 8), path
        hold(before in (-1, self.mtime), "the members do not have one time", path); return path, int(block[124:135], 8)
    def files(self) -> Iterator[tuple[str, Any]]:
        seen, last, beside = dict[str, str](), (-1, ""), BESIDE.split()
        while any(block := self.exactly(512)):
            path, size = self.header(block); top, _, inner = path.partition("/"); self.left = size
            if path in beside and self.top: del beside[: beside.index(path) + 1]  # about the run: no part of it
            else:
                self.top = self.top or top; is_inside = re.fullmatch(TEXTS["r"], top) and top == self.top and inner
                hold(is_inside, "it lies outside the run's folder", path, "EP-1.2"); take_name(seen, inner, True)
                hold(last < in_order(inner) and len(beside) == 6, "the members are not in the order of a bundle", path)
                last = in_order(inner); yield inner, self
            while self.read(PIECE): pass
            hold(not any(self.exactly(-size % 512)), "the padding after a file is not zero")
        is_end = self.top and not any(self.exactly(512)) and not self.more()
        hold(is_end and not self.inflater.unused_data and not self.data, "it does not end where it says")
# --- the journal (4) and the life cycle (5) --------------------------------------------------------------------------
class Tree:  # an RFC 6962 tree, by the roots of its whole parts
    def __init__(self) -> None: self.size, self.peaks = 0, list[bytes]()
    def add(self, leaf: bytes) -> None:
        count, self.size = self.size, self.size + 1
        while count & 1: leaf, count = sha(b"\1" + self.peaks.pop() + leaf), count >> 1
        self.peaks.append(leaf)
    def root(self) -> bytes:
        root = self.peaks[-1] if self.peaks else sha(b"")
        for peak in self.peaks[-2::-1]: root = sha(b"\1" + peak + root)
        return root
def pico(usd: str) -> int: return int(usd.partition(".")[0] or 0) * 10**12 + int(usd.partition(".")[2].ljust(12, "0"))
class Step:  # one step of the plan as it stands
    def __init__(self, plan: dict[str, Any]) -> None:
        self.needs, self.when, self.is_gate = plan["needs"], plan["when"], plan["op"] == "audit_gate"
        self.repeats, self.calls = plan["cells"]["repeats"] if plan.get("cells") else 0, dict[str, str]()
        self.state, self.attempt, self.may_start, self.fanned, self.lines, self.cells = "waiting", 0, True, False, 0, 0
# In which state a step may be at an event, and in which it is then. What is not here: in any; "": as before.
_MOVES = """step_started waiting failed > running; step_failed running > failed; step_finished running approved > done;
step_skipped waiting > skipped; step_reused waiting > done; fanned_out running >; call_failed running >; call_intended
running >; response_reused running waiting failed >; gate_opened running > open; gate_closed open > verdict; gate_lapsed
approved > open; vote_committed open >; decision_recorded open >; deadline_passed open >; people_told open >"""
MOVES = {one.split()[0]: (one.split(">")[0].split()[1:], one.split(">")[1].strip()) for one in _MOVES.split(";")}
class Rules:  # the rule book: `follows` says whether the next event may stand where it does
    def __init__(self, plan: dict[str, Any]) -> None:
        self.steps = {step["id"]: Step(step) for step in plan["steps"]}
        self.count = dict.fromkeys("running open approved rejected revised done failed skipped waiting".split(), 0)
        self.size = self.calls = self.approved = self.decisions = self.votes = 0
        self.said, self.voters, self.sealed = dict[str, str](), set[str](), dict[str, int]()
        self.deadline, self.outcome, self.raw, self.spent, self.unknown, self.reserved = "", "", (0, 0), 0, 0, 0
        self.budget = pico(plan["budget_usd"]) if plan.get("budget_usd") else None
    def move(self, step: Step, state: str) -> None:
        self.count[step.state] -= 1; self.count[state] += 1; step.state = state
    def follows(self, e: dict[str, Any]) -> bool:
        kind, name, self.size = e["kind"], e.get("step") or e.get("gate") or "", self.size + 1
        if e["seq"] != self.size - 1 or self.outcome or (kind == "run_started") != (self.size == 1): return False
        if not name or kind in ("decision_refused", "budget_reached"): return self.of_run(kind, e)
        if name not in self.steps: return False
        step, (states, after) = self.steps[name], MOVES.get(kind, ([], ""))
        judge = self.of_gate if "gate" in e else self.of_call if "call" in e or "line" in e else self.of_step
        ok = (not states or step.state in states) and bool(judge(kind, e, step))
        self.move(step, e.get(after, after) or step.state); return ok
    def within(self, worst: str) -> bool:
        left = NONE if self.budget is None else self.budget - self.spent - self.reserved - self.unknown
        return left is None or (worst != "" and pico(worst) <= left)
    def of_run(self, kind: str, e: dict[str, Any]) -> bool:
        for step in self.steps.values() if kind == "run_resumed" else ():
            step.may_start = True; self.move(step, "waiting" if step.state == "running" else step.state)
        if kind == "budget_set": self.budget = pico(e["usd"])
        if kind == "budget_reached":
            said = [pico(e[name]) for name in ("budget", "spent", "unknown")]
            return said == [self.budget, self.spent, self.unknown] and not self.within(e["worst"])
        if kind != "run_finished": return True
        self.outcome, is_rejected = e["outcome"], self.count["rejected"] + self.count["revised"]
        is_over = is_rejected or self.count["done"] + self.count["skipped"] == len(self.steps)
        due = "rejected" if is_rejected else "approved" if self.approved else "completed"
        may = [due] if is_over else ["abandoned"] + ["failed"] * (self.count["failed"] > 0)
        return not self.count["running"] and self.outcome in may
    def of_call(self, kind: str, e: dict[str, Any], step: Step) -> bool:
        ok, at = e.get("line", step.lines) == step.lines, e.get("exchange"); step.lines += "line" in e
        if at:  # rule 15
            ok = ok and (at["segment"], at["offset"]) in (self.raw, (self.raw[0] + 1, 0))
            self.raw = (at["segment"], at["offset"] + at["size_bytes"])
            ok = ok and (not at["offset"] or self.raw[1] <= 64_000_000)
        if "cell" in e:  # rule 14
            is_cell = e["cell"] < step.cells and e["attempt"] == step.attempt
            ok = ok and is_cell and e["repeat"] == e["cell"] % (step.repeats or 1)
        if kind == "response_reused": return bool(ok)
        if kind == "call_intended":
            ok = ok and e["call"] == str(self.calls) and self.within(e["worst_price"])
            step.calls[e["call"]] = e["worst_price"]; self.calls += 1; self.reserved += pico(e["worst_price"])
            return bool(ok and (e["tries"] == 1) == (not e["because"]))
        ok, worst = ok and e["call"] in step.calls, pico(step.calls.pop(e["call"], ""))
        cost = e.get("cost", "" if e.get("may_have_cost", True) else "0")
        self.reserved -= worst; self.spent += pico(cost); self.unknown += 0 if cost else worst
        return ok and e.get("recovered", step.state != "running") == (step.state != "running")
    def of_step(self, kind: str, e: dict[str, Any], step: Step) -> bool:
        needs = [(self.steps[need].state, self.steps[need].is_gate) for need in step.needs]
        is_free = all(state == "done" or (state == "skipped" and (gate or step.is_gate)) for state, gate in needs)
        is_free = is_free and not self.count["open"] + self.count["rejected"] + self.count["revised"]
        if kind == "step_started":
            ok, step.attempt = step.may_start and is_free and not step.calls, step.attempt + 1
            step.cells, step.fanned = 0 if step.repeats else 1, False; return ok and e["attempt"] == step.attempt
        if kind == "step_reused": return is_free and not step.attempt and not step.is_gate and not step.repeats
        if kind == "step_skipped":
            is_held = not step.is_gate and ("skipped", False) in needs
            return all(state in ("done", "skipped") for state, _ in needs) and bool(step.when or is_held)
        ok = step.state == "approved" or (e["attempt"] == step.attempt and not (step.is_gate and "value" in e))
        if kind == "fanned_out":
            ok, step.cells, step.fanned = ok and step.repeats > 0 and not step.fanned, e["cells"], True; return ok
        step.may_start = e.get("retries_left", 0) > 0
        return ok and not step.calls and (kind == "step_failed" or step.fanned or not step.repeats)
    def of_gate(self, kind: str, e: dict[str, Any], step: Step) -> bool:
        ok, rejects, who = True, self.deadline == "reject", e.get("signer", "")
        if kind == "gate_opened":
            self.said, self.voters, self.sealed, self.deadline = {}, set(), {}, ""
            ok = step.is_gate and self.count["running"] == 1
        elif kind == "vote_committed":
            self.votes += 1; ok = not rejects and not self.said and who not in self.voters and e["number"] == self.votes
            self.voters.add(who); self.sealed[who] = e["number"]
        elif kind == "decision_recorded":
            self.decisions += 1; self.said[who] = e["verdict"]
            ok = not rejects and (not self.sealed or who in self.sealed) and bool(e["nonce"]) == bool(e["opens"])
            ok = ok and e["opens"] == self.sealed.pop(who, 0) and e["number"] == self.decisions
        elif kind == "deadline_passed": ok, self.deadline = not self.deadline, e["then"]
        elif kind == "gate_lapsed": self.approved -= 1
        elif kind == "gate_closed":
            said, is_approved = set(self.said.values()), e["verdict"] == "approved"; self.approved += is_approved
            ok = any(map(e["verdict"].startswith, said)) and not (is_approved and said & {"reject", "revise"})
            ok = e["verdict"] == "rejected" if rejects else ok and not self.sealed
        return ok
class Journal:  # reads the journal line by line: whether each event may follow, and what it names
    def __init__(self, report: Report) -> None:
        self.report, self.tree, self.is_bad, self.gates, self.signed = report, Tree(), False, list[Any](), list[Any]()
        self.refs, self.lines, self.open, self.first, self.last = (dict[str, Any]() for _ in "12345"); self.rules = NONE
    def add(self, line: bytes) -> None:
        self.tree.add(sha(b"\0" + line)); where, event = f"{JOURNAL}:{self.tree.size}", None
        try: event = None if self.is_bad else parse(line, "journal")
        except Bad as error: self.is_bad = True; self.report.put("EP-1.5", where, error)
        if event and self.rules and not self.rules.follows(event):
            self.rules = None; self.report.put("EP-3.1", where, f"{event['kind']} may not stand here")
        for ref, place in self.named(event) if event else ():
            is_below = place[-1:] in ("", "/") and ref["path"].startswith(place or "audit/decisions/") == bool(place)
            is_same = self.refs.setdefault(ref["path"], ref) == ref
            if not is_same or (ref["path"] != place and not is_below):
                self.report.put("EP-2.5", where, f"it names {ref['path']}, not its own or another than before")
    def named(self, e: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:  # the files it names, with their own places
        kind, gate, top = e["kind"], e.get("gate", ""), f"outputs/{e.get('step') or e.get('gate')}/"
        self.first, self.last = self.first or e, e
        if "line" in e: self.lines.setdefault(top + "responses.jsonl", []).append((e["sha256"], e["size_bytes"]))
        if kind == "gate_opened":
            self.gates.append({"gate": gate, "status": "pending", "decisions": []}); self.open[gate] = self.gates[-1]
        elif kind in ("gate_closed", "gate_lapsed") and gate in self.open:
            self.open[gate]["status"] = e.get("verdict", "pending")
        elif "signature" in e and gate in self.open:
            name = "decision" if "decision" in e else "vote"
            self.signed.append((name, *(e[one]["path"] for one in (name, "signature", "authority"))))
            self.open[gate]["decisions"] += [e["decision"]["path"]] if name == "decision" else []
        path = f"audit/decisions/{'vote-' if 'vote' in e else ''}{e.get('number', 0):04d}-{gate}"
        own = {"input": INPUT, "value": top + "output.json", "request": top + "gate.json", "decision": path + ".json",
               "vote": path + ".json", "signature": path + ".json.sig", "authority": path + ".authority.json"}
        found = [(e[name], place) for name, place in own.items() if name in e]
        return found + [(ref, top) for ref in e.get("files", ())] + [(ref, "") for ref in e.get("shows", ())]
# --- signatures (1.6): (message, signature file, use); `keygen` asks ssh-keygen and says whether it agrees ------------
def read_signature(armored: bytes) -> tuple[bytes, str, bool]:  # the key, its kind, whether a touch is proved
    try: blob = base64.b64decode(b"".join(armored.split(b"\n")[1:-2]), validate=True)
    except ValueError: raise Bad("this is no signature file") from None
    whole = b"-----BEGIN SSH SIGNATURE-----\n%b-----END SSH SIGNATURE-----\n"
    whole %= re.sub(b"(.{1,70})", rb"\1\n", base64.b64encode(blob))
    key = blob[14 : 14 + int.from_bytes(blob[10:14], "big")]
    kind = key[4 : 4 + int.from_bytes(key[:4], "big")].decode("latin-1")
    is_sk = kind in ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
    is_known = is_sk or re.fullmatch("ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)", kind)
    hold(is_known and (kind != "ssh-rsa" or len(key) >= 279), "a kind of key that is not accepted")  # RSA: 2048 bits
    use = re.match(rb"\0\0\0[\s\S]([!-~]*)\0{7}\x06sha(512|256)", blob[14 + len(key) :]) and whole == armored
    hold(use and blob[:10] == b"SSHSIG\0\0\0\1", "this is not what ssh-keygen -Y sign writes")
    hold(not is_sk or blob[-5] & 1, "the security key was not touched")  # behind its flags there is a counter
    return key, kind, is_sk
def keygen(report: Report, check: str, where: str, act: str, signed: Any, *words: str, signers: bytes = b"") -> bool:
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, data in (("sig", signed[1]), ("signers", signers)):
                with open(os.path.join(folder, name), "wb") as stream: stream.write(data)
            command = [shutil.which("ssh-keygen") or "ssh-keygen", "-Y", act, "-n", signed[2], "-s", "sig", *words]
            around: dict[str, Any] = {"cwd": folder, "env": {**os.environ, "TZ": "UTC"}, "timeout": 60, "check": False}
            return subprocess.run(command, input=signed[0], capture_output=True, **around).returncode == 0
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        report.put(check, where, f"a signature cannot be checked here: {error}", OPEN); return True
def check_signed(report: Report, check: str, where: str, signed: Any, who: Any) -> None:
    try:
        key, _, is_touched = read_signature(signed[1])
        hold(keygen(report, check, where, "check-novalidate", signed), "the signature does not hold for this use")
        hold(f"SHA256:{base64.b64encode(sha(key)).decode().rstrip('=')}" == who["key"], "by another key than it names")
        hold(is_touched or who.get("presence") != "touch", "it claims a touched key, and its signature shows none")
    except Bad as error: report.put(check, where, error)
def check_listed(report: Report, check: str, where: str, signed: Any, who: Any, at: str, signers: bytes) -> None:
    words = ("-f", "signers", "-I", who["id"], "-Overify-time=" + re.sub("[^0-9]", "", at)[:14])
    if signers and not keygen(report, check, where, "verify", signed, *words, signers=signers):
        report.put(check, where, "the list does not let them sign this then", FAILED if check == "EP-4.2" else OPEN)
# --- what the seal commits to (9.1) ----------------------------------------------------------------------------------
KEYS = {"responses.jsonl": ("messages", "text", "logprobs", "schema_fault", "salt"), "output.json": "value",
        "items.jsonl": ("item", "row", "value", "reason")}
NEXT_KEY = re.compile(r'[ \t\r]*,[ \t\r]*("[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*")[ \t\r]*:[ \t\r]*')
RAW, MARK, NOTHING = json.JSONDecoder(parse_constant=_strict), '{"withheld":"%s"}', ("null", '""', "{}", "[]")
def form_of(path: str) -> Any:  # how a file is cut: a "value", lines by these keys, () each as one; None: not at all
    top, *inner = path.split("/"); own = KEYS.get(inner[-1]) if top == "outputs" and len(inner) == 2 else None
    return "value" if path == INPUT else own or (() if top == "outputs" and path.endswith(".jsonl") else None)
def spelt(value: Any) -> bytes:  # in sorted compact JSON (1.3): a float as repr has it, with another exponent
    if type(value) is not float:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    hold(abs(value) < float("inf"), "a number is too large"); text = re.sub("e[+]?(-?)0*", r"e\1", repr(value))
    return re.sub(r"(\d)\.?(\d*)e-5$", r"0.0000\1\2", text).encode()
def salts(salted: bytes, place: str) -> bytes: return hashlib.sha512(salted + place.encode()).digest()
def commit(salt: bytes, value: bytes) -> str: return hashlib.sha256(salt + value).hexdigest()
def marked(value: Any, salted: bytes, place: str = "") -> Any:  # with marks for all texts, numbers and so on in it
    if not isinstance(value, (dict, list)): return {"withheld": commit(salts(salted, place)[:16], spelt(value))}
    if isinstance(value, list): return [marked(one, salted, f"{place}/{at}") for at, one in enumerate(value)]
    return {k: marked(v, salted, f"{place}/{k.replace('~', '~0').replace('/', '~1')}") for k, v in value.items()}
def skeleton(salted: bytes, form: Any, place: str, data: bytes) -> bytes:  # of a value, or of a line by its number
    if form == "value": return spelt(marked(RAW.decode(data.decode()), salted))
    salt = salts(salted, place)
    if not form: return (MARK % commit(salt[:16], data)).encode()
    fields, at, line = dict[str, str](), 0, data.decode().strip(" \t\r"); text = line.replace("{", ",", 1)
    while key := NEXT_KEY.match(text, at):  # the values of the object by its keys, both as they stand there
        name, start = key[1] if "\\" not in key[1] else spelt(RAW.decode(key[1])).decode(), key.end()
        at = RAW.raw_decode(text, start)[1]; fields[name] = text[start:at]
    hold(line[:1] + text[at:].strip(" \t\r") == ("{}" if fields else "{,}"), "it is no object")
    for at, name in enumerate(form):
        if (value := fields.get(f'"{name}"', "null")) not in NOTHING:
            fields[f'"{name}"'] = MARK % commit(salt[16 * at : 16 * at + 16] or bytes(16), value.encode())
    return ("{" + ",".join(map(":".join, fields.items())) + "}").encode()
# --- a package: one pass over its files, then the checks (8) ---------------------------------------------------------
def tried(data: Any, kind: str, is_canonical: bool = True) -> Any:
    try: return parse(data, kind, is_canonical) if data else None
    except Bad: return None
def seconds(text: str) -> int:  # since 1970, of a time (1.2); -1 where it is none, such as month 13
    try: return int(datetime.strptime(text[:-1] + "+0000", "%Y-%m-%dT%H:%M:%S.%f%z").timestamp())
    except ValueError: return -1
def rules_of(plan: Any) -> Rules | None:  # none where a plan contradicts itself
    steps, data = {one["id"]: one for one in plan["steps"]}, plan.get("data", {})
    fits = {one["path"] for one in data.values()} <= {one["path"] for one in plan["files"]}
    for step in steps.values():
        over = (step.get("cells") or {}).get("over") or {"kind": "step", "name": (*step["needs"], "")[0]}
        known = (data if over["kind"] == "data" else step["needs"]) or [""]
        fits = fits and over["name"] in known and steps.keys() >= set(step["needs"])
    return Rules(plan) if fits and len(steps) == len(plan["steps"]) else None
class Package:  # what one pass over a package finds, and what follows from it
    def __init__(self, report: Report) -> None:
        self.report, self.put, self.journal, self.plan = report, report.put, Journal(report), NONE
        self.files, self.kept, self.wanted = dict[str, Any](), dict[str, bytes](), {SIGNERS, STATUS, METADATA, *FIRST}
        self.key, self.nodes = b"", dict[str, Tree]()
    def take(self, path: str, stream: Any) -> None:  # a file: its digest, and what is to be known of its inside
        hasher, size, data, number, recorded = hashlib.sha256(), 0, bytearray(), 0, self.journal.lines.get(path, [])
        form, is_over = form_of(path) if self.key else None, {SEAL, SEAL_SIG} & self.files.keys()
        is_kept, is_cut = path in self.wanted or form == "value", path == JOURNAL or recorded or isinstance(form, tuple)
        while piece := stream.read(PIECE):
            hasher.update(piece); size += len(piece); data += piece if is_cut or is_kept else b""
            *lines, data = data.split(b"\n") if is_cut else [data]
            for number, line in enumerate(map(bytes, lines), number + 1):
                if path == JOURNAL: self.journal.add(line)
                elif form is not None: self.cut(path, form, line)
                is_same = not recorded or recorded[number - 1 : number] == [(sha(line).hex(), len(line))]
                if not is_same and (is_over or number <= len(recorded)):
                    self.put("EP-2.6", f"{path}:{number}", "this is not the response that the journal recorded")
            if len(data) > (1 << 30 if path == SUMS else FREE):
                form, is_kept, is_cut = None, False, self.put("EP-1.4", path, "a record, or a line, is too large")
        if form == "value" or (data and form is not None): self.cut(path, form, bytes(data))
        if path in self.wanted and is_kept and not is_cut: self.kept[path] = bytes(data)
        elif data and is_over and (path == JOURNAL or recorded):
            self.put("EP-2.6" if recorded else "EP-1.5", f"{path}:{number + 1}", "the line is torn off")
        if number < len(recorded): self.put("EP-2.6", path, f"there are {number} lines of {len(recorded)}")
        self.files[path] = (hasher.hexdigest(), size)
        if path == INPUT and (plan := tried(self.kept.get(INPUT), "input", False)):
            self.plan, self.journal.rules = plan, rules_of(plan)
            if not self.journal.rules: self.put("EP-1.4", INPUT, "steps, needs, data and files contradict each other")
        if path == JOURNAL: self.wanted.update(name for one in self.journal.signed for name in one)
        if path == KEY and re.fullmatch(b"[0-9a-f]{64}\n", data): self.key = bytes.fromhex(data.decode())
        elif path == KEY: self.put("EP-2.11", KEY, "this is no key of a disclosure")
        elif form is not None: self.nodes.setdefault(path, Tree())  # of no lines
    def cut(self, path: str, form: Any, data: bytes) -> None:  # the next line of a file that is cut, or all of a value
        tree = self.nodes.setdefault(path, Tree())
        try: tree.add(sha(b"\0" + skeleton(self.key + path.encode() + b"\0", form, str(tree.size), data)))
        except (Bad, ValueError, RecursionError) as error:
            self.put("EP-2.11", f"{path}:{tree.size + 1}", f"it cannot be cut: {error}")
    def committed(self, root: str, listed: dict[str, str]) -> None:  # EP-2.11: the root over what stands for each file
        tree, lacks = Tree(), not self.key or not listed
        for path in sorted({*listed} - {KEY}, key=str.encode):
            lacks, start = lacks or (form_of(path) is not None and path not in self.nodes), path.encode() + b"\0"
            opaque = sha(b"\0" + skeleton(self.key + start, (), "", listed[path].encode()))
            tree.add(sha(b"\0" + start + (self.nodes[path].root() if path in self.nodes else opaque)))
        if lacks: self.put("EP-2.11", KEY, "the key, the list, or a file that the seal commits to is not there", OPEN)
        elif tree.root().hex() != root: self.put("EP-2.11", SEAL, "the seal commits to other texts than these")
    def judge(self, bundle: Bundle | None, trust: bytes) -> None:  # all that needs more than one file
        put, files, kept, journal, report = self.put, self.files, self.kept, self.journal, self.report
        def each(check: str, what: str, paths: Iterable[str], kind: str = FAILED) -> None:
            for path in paths: put(check, path, what, kind)
        has_seal, redacted = {SEAL, SEAL_SIG} & files.keys() or bundle, {p for p in files if p.startswith(REDACTIONS)}
        lacks, gone = OPEN if redacted else FAILED, "it is not there"
        kinds = {SEAL: ("seal", True), INPUT: ("input", False), STATUS: ("status", False), METADATA: ("o", False)}
        for kind, path, _, authority in journal.signed: kinds.update({path: (kind, True), authority: ("o", False)})
        for path, data in kept.items():
            try:
                if path in kinds: parse(data, *kinds[path])
                if path.endswith(".sig"): read_signature(data)
                if path == SIGNERS: hold(all(map(SIGNER_LINE.fullmatch, data.split(b"\n"))), "a line is no signer")
            except Bad as error: put("EP-1.4", path, error)
        each("EP-1.3", gone, sorted({INPUT, JOURNAL, *(SEALED if has_seal else ())} - files.keys()), lacks)
        each("EP-1.3", "the run is not sealed", () if has_seal else (SEAL,), OPEN)
        each("EP-1.3", "a sealed package does not have it", {PENDING} & files.keys() if has_seal else ())
        if not journal.tree.size: put("EP-1.5", JOURNAL, "the journal is empty")
        text, seal = kept.get(SUMS, b"").decode("utf-8", "replace"), tried(kept.get(SEAL), "seal")
        listed = {path: digest for digest, path in re.findall(r"([0-9a-f]{64})  ([^\n]+)\n", text)}
        is_spelled = "".join(f"{listed[path]}  {path}\n" for path in sorted(listed, key=str.encode)) == text
        if not is_spelled: put("EP-1.4", SUMS, "this is not a list of digests in its one spelling"); listed = {}
        refs = {path: (ref["sha256"], ref["size_bytes"]) for path, ref in journal.refs.items()}
        each("EP-2.2", "it was altered", (path for path in listed if path in files and files[path][0] != listed[path]))
        parts = {*redacted, *(path for path in files if redacted and path.endswith(".partial"))}
        known = {*listed, *NOT_IN_SUMS, *parts}; added = (path for path in files if listed and path not in known)
        each("EP-2.3", "it was not there when the run was sealed", added)
        for check, paths in (("EP-2.2", listed), ("EP-2.5", refs), ("EP-2.6", journal.lines)):
            each(check, gone, (path for path in paths if path not in files), lacks)
        each("EP-2.5", "not the recorded file", (path for path in refs if files.get(path, refs[path]) != refs[path]))
        is_read, first, outcome = journal.first and not journal.is_bad, journal.first, journal.last.get("outcome", "")
        named = {*refs, *journal.lines, *parts} if is_read and (has_seal or outcome) else set(files)
        outputs = (path for path in files if re.match("outputs/|audit/decisions/", path) and path not in named)
        each("EP-2.7", "no event of the journal names this file", outputs)
        for one in self.plan["files"] if self.plan else ():
            carried = (sha(one["content"].encode()).hex(), len(one["content"].encode()))
            fits = not one["content"] if one["encoding"] == "absent" else carried == (one["sha256"], one["size_bytes"])
            if not fits: put("EP-2.8", INPUT, f"the text of {one['path']} is not the one that was read")
        report.run_id = first.get("run_id", "")
        is_named = re.fullmatch(TEXTS["r"], report.run_id) and (not bundle or bundle.top == report.run_id)
        if is_read and not is_named: put("EP-3.2", f"{JOURNAL}:1", "this is no run's id, or the archive has another")
        status = journal.gates[-1]["status"].replace("revised", "rejected") if journal.gates else "not_required"
        got = tried(kept.get(STATUS), "status", False) if journal.rules and is_read else None
        view = {**(got or {}), "run_id": report.run_id, "status": status, "outcome": outcome, "gates": journal.gates}
        if got and has_seal and got != view: put("EP-3.3", STATUS, "it does not say what the journal says")
        needs = {SEAL: (seal, "2.1 2.4 2.11 3.2 4.1 4.2"), SUMS: (listed, "2.2 2.3"), INPUT: (self.plan, "2.8 3.1"),
            JOURNAL: (is_read, "2.5 2.7 3.1 3.2 3.3 4.3"), STATUS: (got or not has_seal, "3.3")}
        for path, (is_there, checks) in needs.items():
            for check in checks.split() if not is_there else (): put(f"EP-{check}", path, kind=OPEN)
        each("EP-2.11", "this program does not judge what is withheld: `awo verify` and verify.html do", redacted, OPEN)
        if seal and not report.found["EP-2.11"]: self.committed(seal["disclosure_sha256"], listed)
        if seal: self.sealed(seal, bundle, first if is_read else {}, outcome, trust)
        for kind, path, signature, _ in journal.signed:
            signed = (kept.get(path, b""), kept.get(signature, b""), "awo-decision"); act = tried(signed[0], kind)
            if not (signed[0] and signed[1]): put("EP-4.3", path, kind=OPEN)
            elif not act: put("EP-4.3", path, "it is not in canonical form")
            else:
                check_signed(report, "EP-4.3", path, signed, {**act["signer"], "presence": act["presence"]})
                check_listed(report, "EP-4.8", path, signed, act["signer"], act["at"], trust)
    def sealed(self, seal: Any, bundle: Bundle | None, first: Any, outcome: str, trust: bytes) -> None:
        report, tree, sealed_s, signers = self.report, self.journal.tree, seconds(seal["at"]), self.kept.get(SIGNERS)
        point, said = {"size": tree.size, "root": tree.root().hex()}, [report.run_id, outcome, first.get("supersedes")]
        facts = {"EP-1.1": ("the archive", not bundle or bundle.mtime == sealed_s), "EP-1.4": (SEAL, sealed_s >= 0),
                 "EP-2.1": (SUMS, self.files.get(SUMS, ("",))[0] == seal["sums_sha256"]),
                 "EP-2.4": (JOURNAL, seal["checkpoint"] == point),
                 "EP-3.2": (SEAL, not first or said == [seal["run_id"], seal["outcome"], seal["supersedes"]])}
        wrong = [(check, where) for check, (where, fact) in facts.items() if not fact]
        for check, where in wrong: report.put(check, where, "it is not what the seal says")
        signed = (self.kept[SEAL], self.kept.get(SEAL_SIG, b""), "awo-seal")
        check_signed(report, "EP-4.1", f"{SEAL} with {SEAL_SIG}", signed, seal["sealer"])
        if report.found["EP-4.1"] or not signers: report.put("EP-4.2", SEAL, kind=OPEN)
        else: check_listed(report, "EP-4.2", SEAL, signed, seal["sealer"], seal["at"], signers)
        check_listed(report, "EP-4.7", SEAL, signed, seal["sealer"], seal["at"], trust)
# --- proofs (11) -----------------------------------------------------------------------------------------------------
def climb(place: int, last: int, start: bytes, path: list[str]) -> tuple[str, str]:  # 11.5, 11.6: two roots
    old = new = start
    for step in map(bytes.fromhex, path):
        if not last: return "", ""
        if place & 1 or place == last:
            old, new = sha(b"\1" + step + old), sha(b"\1" + step + new)
            while place and not place & 1: place, last = place >> 1, last >> 1
        else: new = sha(b"\1" + new + step)
        place, last = place >> 1, last >> 1
    return ("", "") if last else (old.hex(), new.hex())
def is_beginning(first: Any, whole: Any, path: list[str]) -> bool:
    small, size = first["size"], whole["size"]
    if small in (0, size): return not path and first["root"] == (whole["root"] if small else sha(b"").hex())
    drop, path = (small ^ (small - 1)).bit_length() - 1, [first["root"]] * (small & (small - 1) == 0) + path
    roots = climb((small - 1) >> drop, (size - 1) >> drop, bytes.fromhex(path[0]), path[1:]) if path else ("", "")
    return small < size and roots == (first["root"], whole["root"])
def check_proof(data: bytes, report: Report, trust: bytes) -> None:
    proof = tried(data, "proof" if b'"format":"awo/proof/v1"' in data else "consistency") or {"sealed": {}}
    message, armored, listing = (proof["sealed"].get(name, "") for name in ("seal", "signature", "allowed_signers"))
    signed, seal, key, kind = (message.encode(), armored.encode(), "awo-seal"), tried(message.encode(), "seal"), b"", ""
    try: key, kind, _ = read_signature(signed[1])
    except Bad: seal = None
    facts: dict[str, Any] = {"PR-1": seal and proof["run_id"] == seal["run_id"] and seconds(seal["at"]) >= 0}
    if facts["PR-1"]:
        event, record, point = proof.get("event"), proof.get("record"), seal["checkpoint"]
        said = tried(event["text"].encode(), "journal") or {} if event else {}
        if event:
            leaf, place = sha(b"\0" + event["text"].encode()), event["seq"]
            roots = climb(place, point["size"] - 1, leaf, event["path"]) if place < point["size"] else ("", "")
            facts.update({"PR-3": said.get("seq") == place, "PR-4": roots[1] == point["root"]})
        else: facts["PR-5"] = is_beginning(proof["first"], point, proof["path"])
        if record:
            text, line = record["text"].encode(), [said.get(one) for one in ("line", "sha256", "size_bytes")]
            is_line = line == [record["line"], sha(text).hex(), len(text)]
            facts["PR-2"] = is_line and record["path"] == f"outputs/{said['step']}/responses.jsonl"
        due = f'{seal["sealer"]["id"]} namespaces="awo-seal" {kind} {base64.b64encode(key).decode()}\n'
        facts.update({"PR-6": True, "PR-7": listing == due, "PR-8": True})
        check_signed(report, "PR-6", "the proof", signed, seal["sealer"])
        check_listed(report, "PR-8", "the proof", signed, seal["sealer"], seal["at"], trust)
    report.found = {k: v for k, v in report.found.items() if k in facts}; report.run_id = seal["run_id"] if seal else ""
    for check in (name for name, fact in facts.items() if not fact): report.put(check, "the proof", "it does not hold")
# --- for people ------------------------------------------------------------------------------------------------------
def verify(path: str, trust: bytes = b"") -> Report:  # of a folder, a bundle or a proof; raises `OSError`
    report, bundle, is_folder = Report("EP", trust), NONE, os.path.isdir(path); package = Package(report)
    try:
        with open(os.devnull if is_folder else path, "rb") as stream:
            if not is_folder and stream.peek(1)[:1] == b"{":
                report = Report("PR", trust); check_proof(stream.read(256 << 20), report, trust); return report
            bundle = NONE if is_folder else Bundle(stream)
            for name, one in bundle.files() if bundle else in_folder(path, report): package.take(name, one)
        package.judge(bundle, trust)
    except Bad as error:
        what, where, check = [*error.args, "", "EP-1.1"][:3] if len(error.args) == 1 else (*error.args, "EP-1.1")[:3]
        report.found = {name: report.found[name] for name in ("EP-1.1", "EP-1.2")}
        report.put(check, where or (bundle.where if bundle else path), what)
    return report
def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package"); parser.add_argument("--signers", type=argparse.FileType("rb"))
    parser.add_argument("--json", action="store_true"); options = parser.parse_args(words)
    try: report = verify(options.package, options.signers.read() if options.signers else b"")
    except OSError as error:
        print(f"{plain(options.package)} cannot be read: {error.strerror}", file=sys.stderr)
        return 7 if os.path.exists(options.package) else 2
    verdict, checks = report.verdict(), {check: report.verdict(check) for check in report.found}
    said = {"run_id": report.run_id, "verdict": verdict, "checks": checks, "findings": report.found, "else": NOT_MADE}
    lines = [f"{check:7} {checks[check]}" for check in checks] + [""]
    lines += [f"{check} {': '.join(one)}" for check, found in report.found.items() for one in found]
    lines += [NOT_MADE, f"{plain(report.run_id or options.package)}: {'verified' if verdict == 'passed' else verdict}"]
    print(json.dumps(said) if options.json else "\n".join(lines)); return {FAILED: 3, OPEN: 7}.get(verdict, 0)
if __name__ == "__main__": sys.exit(main())
