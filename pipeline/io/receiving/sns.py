"""Amazon SNS over HTTP: messages signed with a key pair, whose certificate comes from Amazon's own hosts only.

Canonical string and fields: "Verifying the signatures of Amazon SNS messages". Version 2 (SHA-256) is required: SHA-1
signatures can be forged. A subscription is confirmed for topics we know, and for no others.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec
from msgspec import Struct

from pipeline.io.receiving.signatures import Refused, decode_base64
from schemas.codec import MAX_DEPTH, too_deep

Fetch = Callable[[str], Awaitable[bytes]]

_HOST: Final = re.compile(r"sns\.[a-z0-9-]{1,32}\.amazonaws\.com(\.cn)?")
_CERTIFICATE: Final = re.compile(r"/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem")
"""Other pages of these hosts may show what somebody else wrote."""
_SECONDS: Final = 5.0
_MOST_BYTES: Final = 64 * 1024
_MOST_CERTIFICATES: Final = 16
_NOTIFICATION: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class Message(Struct, frozen=True):
    """A verified notification."""

    id: str
    body: bytes


async def fetch(url: str) -> bytes:
    """GET from one of Amazon's hosts, no redirects, at most 64 KiB."""
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(url, allow_redirects=False) as response,
    ):
        response.raise_for_status()
        return await response.content.read(_MOST_BYTES)


class Verifier:
    """Verifies messages; keeps the certificates it has fetched."""

    def __init__(self, fetch_: Fetch) -> None:
        self._fetch = fetch_
        self._certificates: dict[str, bytes] = {}

    async def message(self, body: bytes, topics: Sequence[str]) -> Message | None:
        """The notification; None for a confirmation, which is answered. Raises Refused."""
        if too_deep(body, MAX_DEPTH):
            raise Refused("the message is nested too deep")
        try:
            fields = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused("the message is no JSON object") from error
        if fields.get("TopicArn") not in topics:
            raise Refused("the message is of a topic that is not ours")
        confirmation = fields.get("Type") == "SubscriptionConfirmation"
        if not confirmation and fields.get("Type") != "Notification":
            raise Refused("the message is neither a notification nor the confirmation of a subscription")
        await self._verify(fields, _CONFIRMATION if confirmation else _NOTIFICATION)
        if confirmation:
            await self._get(_amazon(fields.get("SubscribeURL")))
            return None
        return Message(str(fields["MessageId"]), str(fields["Message"]).encode())

    async def _verify(self, fields: dict[str, Any], names: Sequence[str]) -> None:
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

        if fields.get("SignatureVersion") != "2":
            raise Refused("the signature is not of version 2 (SHA-256); set SignatureVersion 2 on the topic")
        url = _amazon(fields.get("SigningCertURL"))
        if not _CERTIFICATE.fullmatch(url.partition("amazonaws.com")[2].removeprefix(".cn")):
            raise Refused("the certificate's URL is not where Amazon keeps them")
        if url not in self._certificates:
            if len(self._certificates) >= _MOST_CERTIFICATES:
                self._certificates.clear()
            self._certificates[url] = await self._get(url)
        signed = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
        try:
            key = x509.load_pem_x509_certificate(self._certificates[url]).public_key()
            if not isinstance(key, RSAPublicKey):
                raise Refused("the certificate has no RSA key")
            key.verify(decode_base64(str(fields.get("Signature", ""))), signed.encode(), PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError) as error:
            raise Refused("the signature is not Amazon's") from error

    async def _get(self, url: str) -> bytes:
        try:
            return await self._fetch(url)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Refused(f"Amazon's certificate or confirmation could not be fetched: {error!r}") from error


def _amazon(url: object) -> str:
    """The URL, if it is https on one of SNS's own hosts and nothing else. Raises Refused."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
    except ValueError as error:
        raise Refused("a URL in the message is none") from error
    if (
        parts.scheme != "https"
        or not _HOST.fullmatch(parts.netloc)  # no user, no port, nothing before or after
        or not isinstance(url, str)
        or not url.isprintable()
    ):
        raise Refused("a URL in the message is not one of sns.<region>.amazonaws.com over https")
    return url
