"""Why a record was not applied, and the envelope it is kept in: a closed set of reasons, each with what to do about it.

Nothing here decides anything. The codec, the sources and the folds name a reason; dead letters keep it.
"""

from typing import Final, Literal, get_args

import msgspec
from msgspec import Struct

Reason = Literal[
    "null_value",
    "too_large",
    "not_json",
    "not_an_object",
    "missing_field",
    "wrong_type",
    "bad_value",
    "unknown_type",
    "unknown_channel",
    "bad_time",
    "blank_id",
    "control_character",
    "promise_too_late",
    "bad_row",
    "key_mismatch",
    "too_old",
    "contact_too_long",
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

EXPLANATIONS: Final[dict[Reason, str]] = {
    "null_value": "The record has no value. Touchpoints are not deleted by tombstones; send a later revision.",
    "too_large": "The record is larger than a touchpoint may be. Send what happened, without texts and attachments.",
    "not_json": "The record is not one JSON document in UTF-8. Look at the sender's encoding and for cut records.",
    "not_an_object": "The record is JSON, but no object. Send one object per record, not a list of them.",
    "missing_field": "A required field is absent. The detail names it; the JSON Schema lists what each type needs.",
    "wrong_type": "A field holds another kind of value than it should, such as text for a number. Correct the mapping.",
    "bad_value": "A value is too long, out of range, or not one of the words allowed. The detail names the field.",
    "unknown_type": "No touchpoint type has this name. Correct the name, or update touchline if the type is newer.",
    "unknown_channel": "The catalogue has no such channel. Correct the name, or add the channel to the catalogue.",
    "bad_time": "A time is not in milliseconds since 1970 (UTC). Seconds or microseconds are the usual cause.",
    "blank_id": "An identifier is empty or only white space. Send a real one, or leave an optional one out.",
    "control_character": "An identifier contains a control character, such as a line break. Clean it at its origin.",
    "promise_too_late": "A promise is due over 400 days after it was made. Look at the year and the unit of `due`.",
    "bad_row": "A line of a source file does not have that source's form. Look at the line and at --source.",
    "key_mismatch": "The record's key is not its contact_id. Key the topic by contact_id, or send to the raw topic.",
    "too_old": "The touchpoint is older than what is retained. Raise the retention before replaying older history.",
    "contact_too_long": "The contact has more touchpoints than any real one. Look for a loop in the source system.",
}
"""One sentence on what is wrong and one on what to do, for people who look at dead letters."""

KEPT_BYTES: Final = 64 * 1024
"""How much of a rejected value a dead letter keeps."""


class Reject(Struct, frozen=True, gc=False):
    """A record that is not applied. `detail` is one sentence that names the place as a JSON path where there is one."""

    reason: Reason
    detail: str


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A rejected record with its origin: partition `number` of `topic` in `epoch`, at `offset`.

    `step` is who rejected it (intake, contacts ...); `value` is the beginning of the whole value of `size` bytes.
    """

    topic: str
    number: int
    epoch: int
    offset: int
    reason: Reason
    detail: str
    step: str
    source: str
    key: bytes | None
    value: bytes | None
    size: int
    append_ms: int


def dead_letter(
    reject: Reject,
    *,
    topic: str,
    number: int,
    epoch: int,
    offset: int,
    step: str,
    key: bytes | None,
    value: bytes | None,
    append_ms: int,
    source: str = "",
) -> DeadLetter:
    """The envelope of a rejected record; of key and value it keeps the first KEPT_BYTES."""
    return DeadLetter(
        topic=topic,
        number=number,
        epoch=epoch,
        offset=offset,
        reason=reject.reason,
        detail=reject.detail,
        step=step,
        source=source,
        key=None if key is None else key[:KEPT_BYTES],
        value=None if value is None else value[:KEPT_BYTES],
        size=0 if value is None else len(value),
        append_ms=append_ms,
    )


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(DeadLetter)


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """JSON of a dead letter; key and value are base64."""
    return _encoder.encode(letter)


def decode_dead_letter(value: bytes) -> DeadLetter:
    """The dead letter in `value`. Raises msgspec.DecodeError if it is none."""
    return _decoder.decode(value)
