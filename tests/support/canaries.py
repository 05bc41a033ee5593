"""What no page may show to whom: secrets that are planted in a store, and the search for them in an answer.

Contains no stores: whoever plants names what was planted.
"""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass, field
from typing import Any

import pypdf

STORED_HASH = "$argon2"
"""How every stored password and PIN begins."""


@dataclass
class Canaries:
    """`secrets` no one may see. `for_some` are values and the roles that may see them."""

    secrets: dict[str, str] = field(default_factory=dict)
    for_some: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.secrets["a stored hash"] = STORED_HASH

    def add_bytes(self, name: str, secret: bytes) -> None:
        """A secret as pages could write it: in hex, in either base 64."""
        self.secrets[f"{name} in hex"] = secret.hex()
        self.secrets[f"{name} in base 64"] = base64.b64encode(secret).decode().rstrip("=")
        self.secrets[f"{name} as in addresses"] = base64.urlsafe_b64encode(secret).decode().rstrip("=")

    def seen_in(self, response: Any, role: str) -> list[str]:
        """The names of what an answer tells and should not."""
        told = text_of_answer(response)
        found = [name for name, secret in self.secrets.items() if secret in told]
        return found + [name for name, (value, roles) in self.for_some.items() if role not in roles and value in told]


def text_of_answer(response: Any) -> str:
    """All that an answer says: its headers, and its body, of a PDF what stands on its pages."""
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.multi_items())
    if not response.content.startswith(b"%PDF"):
        return f"{headers}\n{html.unescape(response.text)}"
    reader = pypdf.PdfReader(io.BytesIO(response.content))
    pages = [page.extract_text() for page in reader.pages]
    return "\n".join([headers, str(reader.metadata), *pages])
