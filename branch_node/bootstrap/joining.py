"""Joining a chain: a key made here, a certificate from HQ, a store. Safe to run again after any interruption."""

from __future__ import annotations

from branch_node.operations.joining import BranchIdentity, write_identity
from branch_node.settings import Settings
from branch_node.storage import migrations
from branch_node.sync_client.calls import call_enrol
from shared.addresses import split_address
from shared.certificates import (
    certificate_request,
    certificate_to_pem,
    key_from_pem,
    key_to_pem,
    new_key,
    sync_folder,
    write_secret,
)
from shared.clock import SystemClock, SystemIds
from shared.errors import AlreadyExists, InvalidInput
from shared.storage.sqlite_engine import SqliteStore
from shared.wire.enrolment import decode_token


def join_chain(settings: Settings, hq_address: str, token_text: str, replace: bool = False) -> BranchIdentity:
    """Enrols this node; with `replace` in the place of the branch's lost store, whose history HQ then gives back.

    Raises AlreadyExists, InvalidInput, TokenRefused, HqUnreachable, NotAuthorised.

    The key is written before HQ is asked, and HQ gives the same key the same certificate again: when the answer is lost
    or the power fails, the same command finishes the work.
    """
    split_address(hq_address)
    token = decode_token(token_text)
    if settings.store_path.exists():
        raise AlreadyExists(f"{settings.home} is enrolled already.", "Name another folder with --home.")
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{settings.home} cannot be made: {error.strerror}.", "Name another folder.") from None
    if settings.key_path.exists():
        key = key_from_pem(settings.key_path.read_bytes())
    else:
        key = new_key()
        write_secret(settings.key_path, key_to_pem(key))
    reply = call_enrol(hq_address, token, certificate_request(key), replace)
    write_secret(settings.certificate_path, certificate_to_pem(reply.certificate))
    write_secret(settings.authority_path, certificate_to_pem(token.authority_certificate))
    identity = BranchIdentity(
        chain_id=reply.chain_id,
        chain_name=reply.chain_name,
        branch_id=reply.branch_id,
        code=reply.branch_code,
        name=reply.branch_name,
        timezone=reply.timezone,
        currency=reply.currency,
        price_zone=reply.price_zone,
    )
    _make_store(settings, identity, hq_address, replace)
    return identity


def _make_store(settings: Settings, identity: BranchIdentity, hq_address: str, replace: bool) -> None:
    """Builds the store beside its place and moves it there whole: a store that exists is complete."""
    clock = SystemClock()
    temporary = settings.store_path.with_name("branch.db.new")
    for leftover in settings.home.glob("branch.db.new*"):
        leftover.unlink()
    store = SqliteStore(temporary, clock)
    with store.write() as connection:
        migrations.upgrade(connection)
        write_identity(connection, identity, hq_address, SystemIds(), clock.now_us(), replace)
    store.checkpoint()
    store.close()
    temporary.rename(settings.store_path)
    for leftover in settings.home.glob("branch.db.new*"):
        leftover.unlink()
    sync_folder(settings.home)
