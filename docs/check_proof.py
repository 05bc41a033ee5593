"""Checks a proof of sales that a Filial head office gave out. Needs this file, the proof, and Python 3.11 or newer.

    python check_proof.py proof.jsonl

It adds up the receipts and compares them with the total that is claimed, follows the hash chain of every branch to its
head, and holds every Z-report against the receipts of its shift. With the package `cryptography` installed it also
checks the signatures. Ask the head office for the fingerprint of its authority and the branches for their heads
(`filial-branch sync status`), by another way than the file: they are printed for comparing. docs/operating/proof.md
says what each line of the file is.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

SALE, REFUND = 1, 8
# What a Z-report's signed statement says, line by line behind its title.
BRANCH, SHIFT, GROSS, DISCOUNTS, RETURNS, NET, RECEIPTS, REFUNDS, UNDECIDED, LATE = 0, 1, 10, 11, 12, 13, 8, 9, 21, 22

Sums = dict[str, int]


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a Protocol Buffers message: number, and a whole number or bytes."""
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(data):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
        elif tag & 7 == 2:
            length = varint()
            yield tag >> 3, data[place : place + length]
            place += length
        else:
            raise ValueError(f"A field of wire type {tag & 7} is not expected in a receipt.")


def read_fact(kind: int, payload: bytes) -> tuple[date, bytes, Sums]:
    """A receipt's business date, its shift, and what it adds to the total: minor units, units in thousandths."""
    known = list(fields(payload))
    single = dict(known)
    day, shift = date.fromordinal(719_163 + single.get(8, 0)), single.get(1, b"")
    sums = dict.fromkeys(("receipts", "units", "gross", "discounts", "returns", "net"), 0)
    if kind == SALE:
        lines = [dict(fields(value)) for number, value in known if number == 10]
        amount, discount = (sum(line.get(number, 0) for line in lines) for number in (5, 6))
        units = sum(line.get(4, 0) for line in lines)
        sums |= {"receipts": 1, "units": units, "gross": amount + discount, "discounts": discount, "net": amount}
    else:
        returned = sum(dict(fields(value)).get(6, 0) for number, value in known if number == 15)
        sums |= {"returns": returned, "net": -returned}
    return day, shift, sums


class Check:
    """What the lines read so far come to, and what is wrong with them."""

    def __init__(self) -> None:
        self.head: dict[str, Any] = {}
        self.branches: dict[str, dict[str, Any]] = {}
        self.reports: list[dict[str, Any]] = []
        self.chains: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self.totals: Sums = defaultdict(int)
        self.shifts: dict[tuple[str, str], Sums] = defaultdict(lambda: defaultdict(int))
        self.notes: dict[str, int] = defaultdict(int)
        self.seen: set[str] = set()
        self.last_hash = b""
        self.last_seq = 0

    def take(self, line: dict[str, Any]) -> None:
        kind = line["type"]
        if kind == "proof":
            self.head = line
        elif kind == "branch":
            self.branches[line["code"]] = line
        elif kind == "z-report":
            self.reports.append(line)
        elif kind == "chain":
            self.end_chain()
            self.chains.append(line)
            self.last_seq, self.last_hash = line["anchor_seq"], bytes.fromhex(line["anchor_hash"])
        elif kind == "entry":
            self.take_entry(line, self.chains[-1]["branch"])
        elif kind == "commit":
            self.notes["receipts that HQ committed at once and no chain holds yet"] += len(line.get("facts", ()))
            self.take_facts(line, line["branch"])

    def take_entry(self, line: dict[str, Any], branch: str) -> None:
        """Hashes an entry onto the chain, and each fact into its entry."""
        header = bytes.fromhex(line["header"])
        _, _, records, _, seq = struct.unpack(">BBHIQ", header[:16])
        if seq != self.last_seq + 1 or records != len(line["records"]):
            self.problems.append(f"{branch}: entry {seq} does not follow entry {self.last_seq}.")
        records_hash = sha256(b"filial/records/1\0", *map(bytes.fromhex, line["records"]))
        self.last_hash = sha256(b"filial/entry/1\0", self.last_hash, header, records_hash)
        self.last_seq = seq
        self.take_facts(line, branch)

    def take_facts(self, line: dict[str, Any], branch: str) -> None:
        for place, kind, identity, salt, text in line.get("facts", ()):
            payload = base64.b64decode(text)
            prefix = struct.pack(">H16s", kind, bytes.fromhex(identity))
            if not salt:
                self.notes["receipts of which a name was erased: their sums are the head office's word"] += 1
            elif sha256(b"filial/record/1\0", bytes.fromhex(salt), prefix, payload).hex() != line["records"][place]:
                self.problems.append(f"{branch}: record {identity} is not what its entry says.")
            if kind in (SALE, REFUND) and identity not in self.seen:
                self.seen.add(identity)
                self.count(kind, payload, branch, bool(line.get("held")))

    def count(self, kind: int, payload: bytes, branch: str, is_held: bool) -> None:
        day, shift, sums = read_fact(kind, payload)
        if is_held:
            self.notes["receipts that are parked at the head office, and not in the total"] += 1
            return
        by_shift = self.shifts[branch, shift.hex()]
        by_shift["refunds"] += kind == REFUND
        for name, amount in sums.items():
            by_shift[name] += amount
        first, last = self.head["from"], self.head["to"]
        if (first is None or first <= day.isoformat()) and (last is None or day.isoformat() <= last):
            for name, amount in sums.items():
                self.totals[name] += amount

    def end_chain(self) -> None:
        """The chain must end with the head that it names."""
        if self.chains and (self.last_seq, self.last_hash.hex()) != (
            self.chains[-1]["head_seq"],
            self.chains[-1]["head_hash"],
        ):
            self.problems.append(f"{self.chains[-1]['branch']}: the chain does not end with the head that is claimed.")

    def finish(self) -> None:
        self.end_chain()
        for name, claimed in self.head["totals"].items():
            if self.totals[name] != claimed:
                self.problems.append(f"The total of {name} is {claimed}, the receipts make {self.totals[name]}.")
        for report in self.reports:
            self.check_report(report)

    def check_report(self, report: dict[str, Any]) -> None:
        """A Z-report's figures against the receipts of its shift, which all lie behind its chain's beginning or not."""
        said = report["statement"].split("\n")[1:]
        shift = f"{report['branch']}: the Z-report of shift {report['shift'][:8]}…"
        if said[SHIFT] != report["shift"] or said[BRANCH] != self.branches[report["branch"]]["id"].replace("-", ""):
            self.problems.append(f"{shift} is of another shift or branch.")
        if said[UNDECIDED] or said[LATE]:
            self.notes["Z-reports with undecided or late receipts, not compared"] += 1
            return
        found = self.shifts[report["branch"], report["shift"]]
        names = {"receipts": RECEIPTS, "refunds": REFUNDS, "gross": GROSS, "discounts": DISCOUNTS, "returns": RETURNS}
        for name, place in names.items():
            if int(said[place]) != found[name]:
                self.problems.append(f"{shift} says {name} {said[place]}, the receipts make {found[name]}.")


def check_signatures(check: Check, digest: bytes, end: dict[str, Any]) -> str:
    """Holds the signatures against the certificates; says what was checked."""
    try:
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        return "NOT checked: install the package cryptography"
    algorithm = ec.ECDSA(hashes.SHA256())

    def signed(certificate: Any, signature: str, statement: bytes) -> bool:
        try:
            certificate.public_key().verify(base64.b64decode(signature), statement, algorithm)
        except InvalidSignature:
            return False
        return True

    authority = x509.load_pem_x509_certificate(check.head["authority"].encode())
    if not signed(authority, end["signature"], digest):
        check.problems.append("The head office did not sign this file.")
    holders: dict[str, list[Any]] = {}
    for code, branch in check.branches.items():
        holders[code] = [x509.load_pem_x509_certificate(pem.encode()) for pem in branch["certificates"]]
        for certificate in holders[code]:
            certificate.verify_directly_issued_by(authority)
    unsigned = 0
    for report in check.reports:
        statement = report["statement"].encode()
        if not report["signature"]:
            unsigned += 1
        elif not any(signed(holder, report["signature"], statement) for holder in holders[report["branch"]]):
            check.problems.append(f"{report['branch']}: a Z-report was not signed by the branch.")
    fingerprint = authority.fingerprint(hashes.SHA256()).hex()
    return f"{len(check.reports) - unsigned} of {len(check.reports)} Z-reports signed; authority {fingerprint}"


def main(path: str) -> int:
    check, digest, lines, end = Check(), hashlib.sha256(), 0, None
    with open(path, "rb") as file:
        for raw in file:
            line = json.loads(raw)
            if line["type"] == "end":
                end = line
                break
            digest.update(raw)
            lines += 1
            check.take(line)
    if end is None or not check.head:
        print("This is no whole proof: its end is missing.")
        return 1
    check.finish()
    if (end["lines"], end["sha256"]) != (lines, digest.hexdigest()):
        check.problems.append("The file was altered: its end names another content.")
    signatures = check_signatures(check, digest.digest(), end)
    head = check.head
    print(f"{head['chain']}, {', '.join(head['branches'])}, {head['from'] or 'the beginning'} to {head['to'] or 'now'}")
    print(
        "  ".join(f"{name} {amount}" for name, amount in head["totals"].items()), f"(minor units of {head['currency']})"
    )
    complete = [known["branch"] for known in head["completeness"]["branches"] if known["complete"]]
    print(f"{len(complete)} of {len(head['branches'])} branches complete, to {head['completeness']['complete_to']}")
    for chain in check.chains:
        entries = chain["head_seq"] - chain["anchor_seq"]
        print(f"{chain['branch']}: {entries} entries, head {chain['head_seq']} {chain['head_hash']}")
    print(f"Signatures: {signatures}")
    for note, count in check.notes.items():
        print(f"Note: {count} {note}")
    for problem in check.problems:
        print(f"WRONG: {problem}")
    print("PROVEN" if not check.problems else "NOT PROVEN")
    return 1 if check.problems else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__)
        sys.exit(2)
    sys.exit(main(sys.argv[1]))
