"""A channel to the head office: TLS with the branch's own certificate, HQ known by its fixed name."""

from __future__ import annotations

from typing import Any, NamedTuple

import grpc

from branch_node.settings import Settings
from shared.certificates import SERVER_NAME
from shared.errors import FilialError, NotAuthorised
from shared.wire.methods import CHANNEL_OPTIONS
from shared.wire.status import error_from_status


class Identity(NamedTuple):
    """What a branch shows, and what it trusts; PEM."""

    authority: bytes
    certificate: bytes
    key: bytes
    compress: bool = False


def load_identity(settings: Settings) -> Identity:
    """Raises NotAuthorised when a file is missing."""
    try:
        return Identity(
            settings.authority_path.read_bytes(),
            settings.certificate_path.read_bytes(),
            settings.key_path.read_bytes(),
            settings.compress > 0,
        )
    except OSError as error:
        raise NotAuthorised(
            f"The branch's {error.filename} cannot be read.", "Restore it, or enrol this branch anew."
        ) from None


def open_channel(address: str, identity: Identity) -> grpc.aio.Channel:
    """A channel that connects when it is first used."""
    return grpc.aio.secure_channel(address, **_terms(identity))


def open_blocking_channel(address: str, identity: Identity) -> grpc.Channel:
    """The same for callers that wait in a thread: a call costs half of what it does through an event loop."""
    return grpc.secure_channel(address, **_terms(identity))


def _terms(identity: Identity) -> dict[str, Any]:
    return {
        "credentials": grpc.ssl_channel_credentials(identity.authority, identity.key, identity.certificate),
        "options": (*CHANNEL_OPTIONS, ("grpc.ssl_target_name_override", SERVER_NAME)),
        "compression": grpc.Compression.Gzip if identity.compress else grpc.Compression.NoCompression,
    }


def translate(error: Any, address: str) -> FilialError:
    """A failed call in our words."""
    return error_from_status(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()), address)
