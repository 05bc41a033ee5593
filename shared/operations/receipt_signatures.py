"""Signing a receipt's QR code with the branch's key, and checking it with the branch's certificate.

The signature is ECDSA over SHA-256 on P-256, as in carry files, here as r and s of 32 bytes each: a third shorter.
"""

from __future__ import annotations

import base64

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from shared.certificates import UNREADABLE, PrivateKey
from shared.domain.receipt_identity import ReceiptIdentity, parse_qr, unsigned_qr
from shared.errors import InvalidInput

_NUMBER_BYTES = 32
_ALGORITHM = ec.ECDSA(hashes.SHA256())


def sign_qr(unsigned: str, key: PrivateKey) -> str:
    """The code's text with its signature; `unsigned` is what receipt_identity.unsigned_qr made."""
    r, s = decode_dss_signature(key.sign(unsigned.encode(), _ALGORITHM))
    raw = r.to_bytes(_NUMBER_BYTES, "big") + s.to_bytes(_NUMBER_BYTES, "big")
    return unsigned + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def verify_qr(text: str, certificate: x509.Certificate) -> ReceiptIdentity:
    """The receipt that the code names, after the signature was checked with the issuing branch's certificate.

    Raises InvalidInput when it is no receipt's code, is not signed, or was not signed by that branch.
    """
    identity, signature = parse_qr(text)
    if not signature:
        raise InvalidInput("The receipt's code carries no signature.", "Find the receipt by its number.")
    raw = base64.urlsafe_b64decode(signature + "==")
    dss = encode_dss_signature(int.from_bytes(raw[:_NUMBER_BYTES], "big"), int.from_bytes(raw[_NUMBER_BYTES:], "big"))
    key = certificate.public_key()
    try:
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise ValueError
        key.verify(dss, unsigned_qr(identity).encode(), _ALGORITHM)
    except UNREADABLE:
        raise InvalidInput(
            f"The code of receipt {identity.receipt} was not signed by branch {identity.branch_code}.",
            "Take the goods back by the receipt's number, after a look at the sale itself.",
        ) from None
    return identity
