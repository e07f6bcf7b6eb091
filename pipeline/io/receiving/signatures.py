"""Who signed a webhook: each vendor's scheme over the raw bytes, in constant time. Pure but for the clock, an argument.

Every function takes the secrets that hold now (two while they are being changed) and refuses with one sentence for the
operator's log; the sender is told no more than "401". A secret is never empty: `pipeline.io.receiving.senders` sees
to it.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, get_args
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from msgspec import Struct

Scheme = Literal["token", "url-token", "zendesk", "twilio", "chatwoot", "intercom", "firehose", "sns"]
SCHEMES: Final[tuple[Scheme, ...]] = get_args(Scheme)
WINDOW_MS: Final = 5 * 60_000
"""How far a signed timestamp may be from our clock, either way."""

Secrets = Sequence[bytes]


class Refused(Exception):
    """The request does not prove who sent it: one sentence for the operator's log, with nothing secret in it."""


class Signed(Struct, frozen=True):
    """A request as it arrived. `headers` by lower-case name, every value; `url` is the one the sender called."""

    url: str
    headers: Mapping[str, Sequence[str]]
    body: bytes
    now_ms: int


def verify(scheme: Scheme, secrets: Secrets, request: Signed) -> str:
    """The delivery's id where the scheme has one, else "". Raises Refused.

    `sns` is not here: it is signed with a key pair (`pipeline.io.receiving.sns`).
    """
    return _VERIFY[scheme](secrets, request)


def token(secrets: Secrets, request: Signed) -> str:
    """`Authorization: Bearer TOKEN`."""
    kind, _, given = _one(request, "authorization").partition(" ")
    if kind.lower() != "bearer" or not given:
        raise Refused("the Authorization header is not `Bearer` and a token")
    _compare(_bytes(given.strip()), secrets)
    return ""


def url_token(secrets: Secrets, request: Signed) -> str:
    """`?token=TOKEN` in the URL: for senders that can neither sign nor set headers. Proxies may write URLs down."""
    found = [value for name, value in parse_qsl(urlsplit(request.url).query) if name == "token"]
    if len(found) != 1:
        raise Refused("the URL has no token, or more than one")
    _compare(_bytes(found[0]), secrets)
    return ""


def zendesk(secrets: Secrets, request: Signed) -> str:
    """base64(HMAC-SHA256(secret, timestamp + body)); the timestamp is ISO 8601 (developer.zendesk.com, webhooks)."""
    stamp = _one(request, "x-zendesk-webhook-signature-timestamp")
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError as error:
        raise Refused("the timestamp is not ISO 8601") from error
    if at.tzinfo is None:
        raise Refused("the timestamp has no zone")
    _recent(int(at.timestamp()) * 1_000, request)
    given = _one(request, "x-zendesk-webhook-signature")
    _compare(_bytes(given), [_base64(secret, _bytes(stamp) + request.body, "sha256") for secret in secrets])
    return f"{stamp}:{given}"


def chatwoot(secrets: Secrets, request: Signed) -> str:
    """`sha256=` and hex(HMAC-SHA256(secret, timestamp + "." + body)); since February 2026."""
    stamp = _one(request, "x-chatwoot-timestamp")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        raise Refused("the timestamp is not seconds since 1970")
    _recent(int(stamp) * 1_000, request)
    signed = stamp.encode() + b"." + request.body
    _compare(
        _bytes(_one(request, "x-chatwoot-signature")),
        [b"sha256=" + hmac.new(secret, signed, "sha256").hexdigest().encode() for secret in secrets],
    )
    return _optional(request, "x-chatwoot-delivery")


def intercom(secrets: Secrets, request: Signed) -> str:
    """`sha1=` and hex(HMAC-SHA1(client secret, body)). No timestamp: notifications are told apart by their content."""
    given = _one(request, "x-hub-signature")
    # SHA-1 is what Intercom signs with; as a keyed hash it still holds.
    _compare(
        _bytes(given),
        [b"sha1=" + hmac.new(secret, request.body, "sha1").hexdigest().encode() for secret in secrets],
    )
    return given


def twilio(secrets: Secrets, request: Signed) -> str:
    """base64(HMAC-SHA1(auth token, URL + sorted form fields)); of JSON the URL carries the body's SHA-256.

    The URL is the public one; Twilio signs it with or without its port, depending on the port.
    """
    given = _one(request, "x-twilio-signature")
    expected: list[bytes] = []
    query = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
    if (digest := query.get("bodySHA256")) is not None:
        if not hmac.compare_digest(hashlib.sha256(request.body).hexdigest().encode(), _bytes(digest.lower())):
            raise Refused("bodySHA256 is not the body's")
        fields = ""
    else:
        try:
            pairs = parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=bool(request.body))
        except (UnicodeDecodeError, ValueError) as error:
            raise Refused("the body is no form") from error
        fields = "".join(name + value for name, value in sorted(set(pairs)))
    for url in _with_and_without_port(request.url):
        expected += [_base64(secret, _bytes(url + fields), "sha1") for secret in secrets]
    _compare(_bytes(given), expected)
    return given


def firehose(secrets: Secrets, request: Signed) -> str:
    """Amazon Data Firehose to an HTTP endpoint: an access key, and a request id that is kept over retries."""
    _compare(_bytes(_one(request, "x-amz-firehose-access-key")), secrets)
    return _one(request, "x-amz-firehose-request-id")


_VERIFY: Final[Mapping[str, Callable[[Secrets, Signed], str]]] = {
    "token": token,
    "url-token": url_token,
    "zendesk": zendesk,
    "twilio": twilio,
    "chatwoot": chatwoot,
    "intercom": intercom,
    "firehose": firehose,
}


def _one(request: Signed, header: str) -> str:
    """The only value of a header. Twice the same header is refused: which of them counts would be a guess."""
    values = request.headers.get(header, ())
    if len(values) != 1 or not values[0].strip():
        raise Refused(f"{header} is {'missing' if not values else 'empty' if len(values) == 1 else 'given twice'}")
    return values[0].strip()


def _optional(request: Signed, header: str) -> str:
    return _one(request, header) if header in request.headers else ""


def _recent(stamp_ms: int, request: Signed) -> None:
    if abs(request.now_ms - stamp_ms) > WINDOW_MS:
        raise Refused(f"it was signed {(request.now_ms - stamp_ms) // 1_000} s ago, at most 300 s are accepted")


def _compare(given: bytes, expected: Sequence[bytes]) -> None:
    """Every candidate is compared, so the time taken does not tell which of the secrets was near."""
    if not any([hmac.compare_digest(given, each) for each in expected]):  # noqa: C419  (all of them)
        raise Refused("the signature or token is not ours")


def _bytes(text: str) -> bytes:
    """Header values need not be UTF-8; those that are not are nobody's signature, and no error either."""
    return text.encode(errors="backslashreplace")


def _base64(secret: bytes, signed: bytes, digest: str) -> bytes:
    return base64.b64encode(hmac.new(secret, signed, digest).digest())


def _with_and_without_port(url: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise Refused("the Host header is none") from error
    host = parts.hostname or ""
    return (
        urlunsplit(parts._replace(netloc=host)),
        urlunsplit(parts._replace(netloc=f"{host}:{port}")),
    )


def decode_base64(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
