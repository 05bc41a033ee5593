"""Every error the product raises on purpose. Each says what happened in one sentence and hints at the way out.

    FilialError
    ├── InvalidInput            what the user or a file gave cannot be used
    │   └── KeyReused           the same key came with other content
    ├── NotFound                a named thing does not exist
    ├── AlreadyExists           a named thing exists and must not be made twice
    ├── Refused                 understood, but not allowed in this state
    │   ├── StaleEdit           somebody else has changed the same in the meanwhile
    │   ├── NotPermitted        the employee's role does not allow it
    │   ├── LogInRefused        code and password or PIN do not belong together
    │   │   └── LockedOut       too many failed attempts: none is looked at for a while
    │   ├── BasketClosed        the basket is held, being paid, paid or abandoned
    │   ├── TakenOver           another tab has the register by now
    │   └── RequestRefused      a request over HTTP that no page of ours sends
    ├── TokenRefused            an enrolment token is malformed, used or expired
    ├── StoreError              the local store cannot do its work
    │   ├── StoreMissing        there is no store here yet
    │   ├── StoreBusy           another process holds it for too long
    │   ├── StoreFull           the disk is full
    │   ├── StoreCorrupt        the file is not a sound store
    │   └── StoreVersionUnknown the schema is not one this release can work with
    ├── DecodeError             bytes from outside are not what they claim to be
    │   ├── UnknownKind         a record of a newer release
    │   └── NotForBranches      an edit that only the head office may make
    ├── DeviceError             something on the counter does not do its work
    │   ├── PrinterUnreachable  no answer, or no place to write to: nothing was printed
    │   ├── PrinterInterrupted  it broke off amid a document: a part, or all, may be on paper
    │   ├── TerminalSilent      the payment terminal did not say what became of a charge
    │   └── FiscalDeviceFailed  the fiscal device refused
    │       └── FiscalDeviceSilent  it did not say whether it did what it was asked
    ├── MailServerFailed        a mail server does not answer or does not let us in: no letter was begun
    └── SyncError               branch and head office cannot talk
        ├── HqUnreachable       no answer at the address, or the connection broke
        │   └── CallLost        a call ended before what HQ said of it could be read
        ├── InDoubt             HQ may have committed an operation, and did not say
        ├── NotAuthorised       the certificate is wrong, revoked or missing
        ├── ProtocolViolation   the other side broke the protocol
        └── SessionReplaced     a newer session of the same branch took over

`reason` is a stable word for programs; the message and the hint are for people.
"""

from __future__ import annotations


class FilialError(Exception):
    """The root. `message` is one sentence; `hint` says what to do next, or is empty."""

    reason = "failed"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(FilialError):
    reason = "invalid_input"


class KeyReused(InvalidInput):
    reason = "key_reused"


class NotFound(FilialError):
    reason = "not_found"


class AlreadyExists(FilialError):
    reason = "already_exists"


class Refused(FilialError):
    reason = "refused"


class StaleEdit(Refused):
    reason = "stale"


class BasketClosed(Refused):
    reason = "basket_closed"


class TakenOver(Refused):
    reason = "taken_over"


class RequestRefused(Refused):
    """`status` is the HTTP status to answer with."""

    reason = "request_refused"

    def __init__(self, message: str, hint: str = "", status: int = 400) -> None:
        super().__init__(message, hint)
        self.status = status


class NotPermitted(Refused):
    reason = "not_permitted"


class LogInRefused(Refused):
    """It never tells which of the two was wrong, nor whether the code exists."""

    reason = "log_in_refused"


class LockedOut(LogInRefused):
    """`seconds` is how long from now."""

    reason = "locked_out"

    def __init__(self, seconds: int) -> None:
        super().__init__("Too many attempts have failed.", f"Try again in {seconds} seconds.")
        self.seconds = seconds


class TokenRefused(FilialError):
    reason = "token_refused"


class StoreError(FilialError):
    reason = "store_failed"


class StoreMissing(StoreError):
    reason = "store_missing"


class StoreBusy(StoreError):
    reason = "store_busy"


class StoreFull(StoreError):
    reason = "store_full"


class StoreCorrupt(StoreError):
    reason = "store_corrupt"


class StoreVersionUnknown(StoreError):
    reason = "store_version_unknown"


class DecodeError(FilialError):
    reason = "undecodable"


class UnknownKind(DecodeError):
    """`kind` is the number that this release does not know."""

    reason = "unknown_kind"

    def __init__(self, kind: int) -> None:
        super().__init__(f"Record kind {kind} is not known to this release.", "Upgrade this node; nothing is lost.")
        self.kind = kind


class NotForBranches(DecodeError):
    """`kind` is a card that a branch may not edit."""

    reason = "not_for_branches"

    def __init__(self, kind: int) -> None:
        super().__init__(f"A branch may not edit cards of kind {kind}.", "The head office edits them.")
        self.kind = kind


class DeviceError(FilialError):
    reason = "device_failed"


class PrinterUnreachable(DeviceError):
    reason = "printer_unreachable"


class PrinterInterrupted(DeviceError):
    reason = "printer_interrupted"


class TerminalSilent(DeviceError):
    reason = "terminal_silent"


class FiscalDeviceFailed(DeviceError):
    reason = "fiscal_device_failed"


class FiscalDeviceSilent(FiscalDeviceFailed):
    reason = "fiscal_device_silent"


class MailServerFailed(FilialError):
    reason = "mail_server_failed"


class SyncError(FilialError):
    reason = "sync_failed"


class HqUnreachable(SyncError):
    reason = "hq_unreachable"


class CallLost(HqUnreachable):
    """Asked again, the head office says it again."""

    reason = "call_lost"


class InDoubt(SyncError):
    reason = "in_doubt"


class NotAuthorised(SyncError):
    reason = "not_authorised"


class ProtocolViolation(SyncError):
    reason = "protocol_violation"


class SessionReplaced(SyncError):
    reason = "session_replaced"
