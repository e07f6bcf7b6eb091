"""Customer ids that tell who is the same and not who it is: a keyed hash, made at intake. Pure.

HMAC-SHA256(key, tenant, id), 128 bits of it. A plain hash of a telephone number can be reversed by trying them all; a
keyed one cannot, as long as the key is kept apart from the data. A pseudonym stays personal data (EDPB 01/2025).

Rotation: a new key makes new pseudonyms (`p2.…`), so customers known by old ones begin anew: follow-ups are not seen
over the day of the change. Destroying a key makes its pseudonyms anonymous for good.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from schemas.touchpoint import Touchpoint

_BYTES: Final = 16
_FORM: Final = re.compile(r"p[1-9][0-9]{0,3}\.[0-9a-f]{32}")
MIN_KEY_BYTES: Final = 16


class Key(Struct, frozen=True):
    """A key by its number, which is in the pseudonyms made with it."""

    number: int
    secret: bytes

    def __repr__(self) -> str:
        return f"Key({self.number})"


class Pseudonyms(Struct, frozen=True):
    """How ids become pseudonyms. Without keys they stay as sent; the newest key is used."""

    keys: Sequence[Key] = ()
    tenant: str = ""

    def of(self, customer_id: str) -> str:
        """The pseudonym under the newest key. One that is made already stays."""
        if not self.keys or _FORM.fullmatch(customer_id):
            return customer_id
        return _pseudonym(self.keys[-1], self.tenant, customer_id)

    def all_of(self, customer_id: str) -> list[str]:
        """Every pseudonym this id may be stored under, newest last: for erasure."""
        if not self.keys or _FORM.fullmatch(customer_id):
            return [customer_id]
        return [_pseudonym(key, self.tenant, customer_id) for key in self.keys]

    def applied(self, touchpoint: Touchpoint) -> Touchpoint:
        """The touchpoint with its customer's pseudonym."""
        if touchpoint.customer_id is None or not self.keys:
            return touchpoint
        return msgspec.structs.replace(touchpoint, customer_id=self.of(touchpoint.customer_id))


def _pseudonym(key: Key, tenant: str, customer_id: str) -> str:
    signed = tenant.encode() + b"\0" + customer_id.encode()
    return f"p{key.number}.{hmac.new(key.secret, signed, hashlib.sha256).digest()[:_BYTES].hex()}"


def keys_of(text: str) -> list[Key]:
    """Keys from a file's text: one a line, `NUMBER:SECRET`, in any order. Raises ValueError with one sentence."""
    found: dict[int, Key] = {}
    for place, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        number, _, secret = line.strip().partition(":")
        if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= 9999:
            raise ValueError(f"line {place} does not begin with a key's number (1 to 9999) and a colon")
        if len(secret.encode()) < MIN_KEY_BYTES:
            raise ValueError(f"line {place} has a secret of under {MIN_KEY_BYTES} bytes: make one with a generator")
        if int(number) in found:
            raise ValueError(f"line {place} has the number {number} again")
        found[int(number)] = Key(int(number), secret.encode())
    if not found:
        raise ValueError("there is no key in it")
    return [found[number] for number in sorted(found)]
