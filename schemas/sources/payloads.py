"""JSON payloads in files: one payload over many lines, an array of them, or one a line; and careful looks into them.

A function that reads one payload returns its touchpoints, or why it is left out (one or two words), or raises
ValueError with a sentence. What it does not understand it must not repeat: payloads hold names, numbers and texts of
people. So a bad line keeps the outline of its payload, keys without values, and nothing of what is not JSON.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from schemas.codec import MAX_DEPTH, encode
from schemas.rejects import KEPT_BYTES, Reason, Reject
from schemas.sources.source import BadLine, Item, Output, Skipped
from schemas.touchpoint import MessageReceived, Touchpoint

Payload = dict[str, object]
ReadPayload = Callable[[Payload], list[Touchpoint] | str]

MAX_PAYLOAD_BYTES: Final = 32 * 1024 * 1024
"""The largest document of many lines that is collected: 32 MiB. Longer exports come one payload a line."""
LONGEST_NAME: Final = 128

_SAME_CHANGE_MS: Final = 2000

_decoder = msgspec.json.Decoder(float_hook=str)  # the digits as they stand: no time goes through a binary fraction
_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")  # what is no address and no number
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]|"')


def outputs(lines: Iterable[bytes], read_payload: ReadPayload, inside: str = "") -> Iterator[Output]:
    """What the payloads in `lines` mean. `inside`: the field of a wrapper that holds an array of payloads, if any.

    All touchpoints of a payload have the number of the line at which its document begins.
    """
    for number, text in documents(lines):
        document = _decoded(text)
        if isinstance(document, Reject):
            yield BadLine(number, document, b"")
            continue
        for payload in _payloads(document, inside):
            yield from _output(number, payload, read_payload)


def documents(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """JSON documents with the numbers of their first lines, broken ones too; a broken one swallows no other."""
    source = enumerate(lines, 1)
    again: deque[tuple[int, bytes]] = deque()
    while numbered := again.popleft() if again else next(source, None):
        number, line = numbered
        if not line.strip():
            continue
        taken, depth, size = [numbered], _depth(line), len(line)
        # Deeper than any payload: not one document, but many that are cut.
        while 0 < depth <= MAX_DEPTH and size <= MAX_PAYLOAD_BYTES:
            more = again.popleft() if again else next(source, None)
            if more is None:
                break
            if _broken_between(taken[-1][1], more[1]):
                again.appendleft(more)
                break
            taken.append(more)
            depth += _depth(more[1])
            size += len(more[1])
        if depth == 0 or len(taken) == 1:
            yield number, b"\n".join(text for _, text in taken)
            continue
        # It never ended. The next line that begins like a document is looked at for itself.
        cut = next((at for at, (_, text) in enumerate(taken) if at and text[:1] in {b"{", b"["}), len(taken))
        again.extendleft(reversed(taken[cut:]))
        yield number, b"\n".join(text for _, text in taken[:cut])


def part(payload: Payload, key: str) -> Payload:
    """The object under `key`; empty where there is none."""
    value = payload.get(key)
    return value if isinstance(value, dict) else {}


def parts(payload: Payload, key: str) -> list[Payload]:
    """The objects of the array under `key`; none where there is no array."""
    value = payload.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text(payload: Payload, key: str) -> str:
    """The text or whole number under `key` as text without surrounding white space; "" where there is neither."""
    value = payload.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip() if isinstance(value, str) or abs(value) < 1 << 64 else ""


def word(payload: Payload, key: str) -> str:
    """A word of the system's vocabulary in lower case, because its case varies; "" where there is none."""
    return text(payload, key).lower()


def name(payload: Payload, key: str) -> str | None:
    """An optional name or id: as it is where it is printable and not too long, else None."""
    value = text(payload, key)
    return value if value and value.isprintable() and len(value) <= LONGEST_NAME else None


def identifier(payload: Payload, key: str) -> str:
    """An id that has to be there, of at most 64 printable characters. Raises ValueError."""
    value = name(payload, key)
    if value is None or len(value) > LONGEST_NAME // 2:
        raise ValueError(f"`{key}` is missing, or no id of 1 to 64 printable characters")
    return value


def namespaced(*names: str) -> str:
    """One id of several, unique over systems and accounts. Raises ValueError where it gets too long."""
    joined = ":".join(names)
    if len(joined) > LONGEST_NAME:
        raise ValueError(f"the ids {names[0]} and its parts have together more than {LONGEST_NAME} characters")
    return joined


def time_of(read: Callable[[object], int | None], payload: Payload, key: str) -> int | None:
    """The time under `key`, None for "not yet". Raises ValueError that names the key."""
    try:
        return read(payload.get(key))
    except ValueError as error:
        raise ValueError(f"`{key}` is {error}") from error


def needed(time_ms: int | None, key: str) -> int:
    """A time that has to be there. Raises ValueError."""
    if time_ms is None:
        raise ValueError(f"`{key}` is missing")
    return time_ms


def before_message(reopened_ms: int, messages: Iterable[Touchpoint]) -> int:
    """When a contact was reopened: not after the message of the customer that did it, up to two seconds before.

    The clock of that message goes on: a reopening after it would end it.
    """
    received = [each.time for each in messages if isinstance(each, MessageReceived)]
    return min([reopened_ms, *(time for time in received if 0 <= reopened_ms - time <= _SAME_CHANGE_MS)])


def _output(number: int, payload: object, read_payload: ReadPayload) -> Iterator[Output]:
    if not isinstance(payload, dict):
        yield BadLine(number, Reject("not_an_object", "the payload is no JSON object"), b"")
        return
    try:
        made = read_payload(payload)
    except ValueError as error:
        yield BadLine(number, Reject("bad_row", f"the payload cannot be read: {error}"), _outline(payload))
        return
    if isinstance(made, str):
        yield Skipped(number, made)
        return
    for touchpoint in made:
        yield Item(number, encode(touchpoint))


def _payloads(document: object, inside: str) -> list[object]:
    if isinstance(document, list):
        return [payload for each in document for payload in _payloads_of(each, inside)]
    return _payloads_of(document, inside)


def _payloads_of(payload: object, inside: str) -> list[object]:
    wrapped = payload.get(inside) if inside and isinstance(payload, dict) else None
    return wrapped if isinstance(wrapped, list) else [payload]


def _decoded(document: bytes) -> object:
    """The JSON value, or a Reject, which no JSON value is. Deep nesting is refused by a rule, as in the codec."""
    reason: Reason = "not_json"
    if len(document) > MAX_PAYLOAD_BYTES:
        return Reject("too_large", f"the document has more than {MAX_PAYLOAD_BYTES:,} bytes; send one payload a line")
    if _deepest(document) > MAX_DEPTH:
        return Reject(reason, f"arrays and objects are nested more than {MAX_DEPTH} deep")
    try:
        return _decoder.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Reject(reason, f"no JSON document in UTF-8 ({len(document):,} bytes): {error}")


def _depth(line: bytes) -> int:
    """Opening minus closing brackets outside strings. A string does not go over the end of a line."""
    depth = 0
    for token in _TOKEN.finditer(line):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token.group(), 0)
    return depth


def _deepest(document: bytes) -> int:
    if document.count(b"[") + document.count(b"{") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for token in _TOKEN.finditer(document):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token.group(), 0)
        deepest = max(deepest, depth)
    return deepest


def _broken_between(before: bytes, after: bytes) -> bool:
    """Whether no JSON document goes over this line end: neither line has the comma, colon or bracket that it needs."""
    ends, begins = before.rstrip()[-1:], after.lstrip()[:1]
    return bool(ends and begins) and ends not in b"{[,:" and begins not in b"}],:"


def _outline(payload: Payload) -> bytes:
    """The payload with its keys and without its values, for the dead letters."""
    return msgspec.json.encode(_blank(payload))[:KEPT_BYTES]


def _blank(value: object) -> object:
    if isinstance(value, dict):
        return {key if _FIELD.fullmatch(key) else "...": _blank(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_blank(each) for each in value[:10]]
    return value if value is None or isinstance(value, bool) else "..."
