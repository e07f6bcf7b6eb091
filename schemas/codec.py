"""Bytes to a touchpoint or a reject, and back. Never raises for bad data; knows nothing of topics and keys.

What is accepted does not depend on the process: deep nesting is refused by a rule before the parser's own limit is met.
"""

import re
from collections.abc import Collection
from typing import Final, Union

import msgspec

from schemas.rejects import Reject
from schemas.touchpoint import TYPES, Erased, PromiseBroken, PromiseKept, PromiseMade, Touchpoint
from schemas.vocabulary import CHANNELS

MAX_BYTES: Final = 1024 * 1024
"""The largest value of a record that is read at all: 1 MiB."""
MAX_DEPTH: Final = 64
"""How deep arrays and objects of unknown fields may be nested."""
FIRST_MS: Final = 10**11
"""The earliest time (1973). Seconds since 1970 stay below it until the year 5138."""
LAST_MS: Final = 10**14
"""The latest time (5138). Microseconds and nanoseconds since 1970 have been above it since 1973."""
PROMISE_MS: Final = 400 * 86_400_000
"""A promise is due at most this long after it was made (400 days)."""

SHALLOW_BYTES: Final = 512
"""So short a value cannot nest deeply enough to reach the parser's recursion limit."""

_DETAIL_CHARS: Final = 300

_decoder = msgspec.json.Decoder(Union[TYPES])  # noqa: UP007  (a union built from the tuple of types)
_folded_decoder = msgspec.json.Decoder(Union[(*TYPES, Erased)])
_encoder = msgspec.json.Encoder()
parse_folded: Final = _folded_decoder.decode
"""What is well formed and of the types of topic `touchpoints`; `decode` asks more of it."""
PROMISES: Final[frozenset[type[Touchpoint]]] = frozenset({PromiseMade, PromiseKept, PromiseBroken})


def decode(
    value: bytes | None, channels: Collection[str] | None = None, *, folded: bool = False
) -> Touchpoint | Reject:
    """The touchpoint in `value`, or why it is none. `channels`: those the catalogue has (default: CHANNELS). `folded`:
    it comes from topic `touchpoints`, where there are erasures as well.
    """
    if value is None:
        return Reject("null_value", "the record has a null value (a tombstone)")
    if len(value) > SHALLOW_BYTES:
        if len(value) > MAX_BYTES:
            return Reject("too_large", f"{len(value):,} bytes, at most {MAX_BYTES:,} are read")
        if too_deep(value, MAX_DEPTH):
            return Reject("not_json", f"arrays and objects are nested more than {MAX_DEPTH} deep")
    try:
        touchpoint: Touchpoint = (_folded_decoder if folded else _decoder).decode(value)
        if not value.isascii():
            value.decode()  # the parser checks only the strings it keeps
    except msgspec.ValidationError as error:
        return _invalid(str(error))
    except msgspec.DecodeError as error:
        return Reject("not_json", _malformed(value, str(error)))
    except UnicodeDecodeError as error:
        return Reject("not_json", f"not UTF-8: {error.reason}")
    if touchpoint.channel not in (CHANNELS if channels is None else channels):
        return Reject("unknown_channel", f"`$.channel` is {_quoted(touchpoint.channel)}, no channel of the catalogue")
    if not FIRST_MS <= touchpoint.time <= LAST_MS:
        return _bad_time("$.time", touchpoint.time)
    # Almost every identifier is printable and not blank, which two calls in C tell; the others are looked at closely.
    name, contact_id, customer_id = touchpoint.id, touchpoint.contact_id, touchpoint.customer_id
    if (
        not (name.isprintable() and contact_id.isprintable())
        or name.isspace()
        or contact_id.isspace()
        or (customer_id is not None and (not customer_id.isprintable() or customer_id.isspace()))
    ):
        reject = _bad_id("$.id", name) or _bad_id("$.contact_id", contact_id) or _bad_id("$.customer_id", customer_id)
        if reject:
            return reject
    if type(touchpoint) in PROMISES:  # isinstance takes ten times as long here
        return _bad_promise(touchpoint) or touchpoint
    return touchpoint


def encode(touchpoint: Touchpoint) -> bytes:
    """Canonical JSON: `type` first, then the fields as declared, without those that have their default."""
    return _encoder.encode(touchpoint)


def _bad_promise(touchpoint: Touchpoint) -> Reject | None:
    if isinstance(touchpoint, PromiseMade):
        if not FIRST_MS <= touchpoint.due <= LAST_MS:
            return _bad_time("$.due", touchpoint.due)
        if touchpoint.due - touchpoint.time > PROMISE_MS:
            days = (touchpoint.due - touchpoint.time) // 86_400_000
            return Reject("promise_too_late", f"`$.due` is {days:,} days after `$.time`, at most 400 are allowed")
    if isinstance(touchpoint, PromiseMade | PromiseKept | PromiseBroken):
        return _bad_id("$.promise_id", touchpoint.promise_id)
    return None


def _bad_id(path: str, name: str | None) -> Reject | None:
    if name is None:
        return None
    if name.isspace():
        return Reject("blank_id", f"`{path}` is only white space")
    for position, char in enumerate(name):
        code = ord(char)
        if code < 0x20 or 0x7F <= code < 0xA0:
            return Reject("control_character", f"`{path}` has a control character, U+{code:04X}, at {position}")
    return None


def _bad_time(path: str, time: int) -> Reject:
    return Reject("bad_time", f"`{path}` is {time}, {_unit(time)}; send whole milliseconds since 1970 (UTC)")


def _unit(time: int) -> str:
    if time <= 0:
        return "which is no time"
    if time < FIRST_MS:
        return "which looks like seconds" if time >= 10**8 else "which is before 1973"
    return "which looks like microseconds" if time < 10**17 else "which looks like nanoseconds"


def too_deep(value: bytes, most: int) -> bool:
    """Whether brackets outside strings nest deeper than `most`. Counting them all is a cheap first answer."""
    if value.count(b"[") + value.count(b"{") <= most:
        return False
    depth = 0
    for token in _TOKEN.finditer(value):
        first = token.group()[:1]
        if first in b"[{":
            depth += 1
            if depth > most:
                return True
        elif first in b"]}":
            depth -= 1
    return False


_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_AT: Final = re.compile(r" - at `(\$[^`]*)`$")
_MISSING: Final = re.compile(r"^Object missing required field `([^`]*)`")
_GOT: Final = re.compile(r"^Expected `([^`]*)`, got `([^`]*)`$")
_TAG: Final = re.compile(r"^Invalid value (.*)$", re.DOTALL)
_WORD: Final = re.compile(r"^Invalid enum value (.*)$", re.DOTALL)


def _invalid(message: str) -> Reject:
    """The reason behind msgspec's message, which ends in the JSON path of the place."""
    at = _AT.search(message)
    path = at.group(1) if at else "$"
    text = message[: at.start()] if at else message
    if found := _MISSING.match(text):
        return Reject("missing_field", f"`{path}.{found.group(1)}` is missing")
    if found := _GOT.match(text):
        if path == "$":
            return Reject("not_an_object", f"`$` is {_article(found.group(2))}, expected an object")
        return Reject("wrong_type", f"`{path}` is {_article(found.group(2))}, expected {found.group(1)}")
    if path == "$.type":
        if found := _TAG.match(text):
            return Reject("unknown_type", f"`$.type` is {_short(found.group(1))}, which is no touchpoint type")
        return Reject("wrong_type", "`$.type` is not a string")
    if path in {"$.time", "$.due"}:
        return Reject("bad_time", f"`{path}` is out of range; send whole milliseconds since 1970 (UTC)")
    if found := _WORD.match(text):
        return Reject("bad_value", f"`{path}` is {_short(found.group(1))}, which is not one of the words allowed")
    if text == "Expected `str` of length >= 1":
        return Reject("blank_id" if path.endswith("id") else "bad_value", f"`{path}` is empty")
    return Reject("bad_value", f"`{path}` is out of bounds: {_short(text[:1].lower() + text[1:]).replace('`', '')}")


def _article(kind: str) -> str:
    return kind if kind == "null" else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _malformed(value: bytes, message: str) -> str:
    if value.startswith(b"\xef\xbb\xbf"):
        return "begins with a byte order mark; send UTF-8 without one"
    if value.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "looks like UTF-16; send UTF-8"
    if not value.strip():
        return "the record is empty"
    return _short(message)


def _quoted(text: str) -> str:
    return _short(repr(text))


def _short(text: str) -> str:
    return text if len(text) <= _DETAIL_CHARS else text[:_DETAIL_CHARS] + " ..."
