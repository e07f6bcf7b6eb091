"""CloudEvents 1.0 (structured and binary mode) to touchpoints: the data is the touchpoint, and what it leaves out of
`id`, `type` and `time` is taken from the event's attributes. Pure.

The event's `type` may have a prefix of the sender's: of `org.example.contact.queued` the last two words count.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas.rejects import Reject

_VERSION: Final = "1.0"


def from_structured(value: bytes) -> bytes | Reject:
    """The touchpoint (JSON) in a structured event."""
    try:
        event = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Reject("not_json", f"the event is no JSON document in UTF-8: {error}")
    if not isinstance(event, dict):
        return Reject("not_an_object", "the event is no JSON object")
    if "data" not in event:
        return Reject("missing_field", "`$.data` is missing, which has to be the touchpoint")
    return _touchpoint(event, event["data"])


def from_binary(attributes: Mapping[str, str], value: bytes) -> bytes | Reject:
    """The touchpoint (JSON) in the body of an event whose attributes came as headers (without `ce-`)."""
    try:
        data = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Reject("not_json", f"the event's data is no JSON document in UTF-8: {error}")
    return _touchpoint(attributes, data)


def _touchpoint(attributes: Mapping[str, Any], data: Any) -> bytes | Reject:
    if attributes.get("specversion") != _VERSION:
        return Reject("bad_value", "`$.specversion` is not 1.0")
    if not isinstance(data, dict):
        return Reject("not_an_object", "`$.data` is no JSON object")
    found = dict(data)
    for name in ("id", "type"):
        if name not in found:
            given = attributes.get(name)
            if not isinstance(given, str) or not given:
                return Reject("missing_field", f"neither the event nor its data has `{name}`")
            found[name] = given if name == "id" else ".".join(given.split(".")[-2:])
    if "time" not in found and "time" in attributes:
        given = attributes["time"]
        try:
            at = datetime.fromisoformat(given) if isinstance(given, str) else None
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            return Reject("bad_time", "`$.time` of the event is no RFC 3339 time with a zone")
        since_1970 = at - datetime.fromtimestamp(0, at.tzinfo)
        found["time"] = (since_1970.days * 86_400 + since_1970.seconds) * 1_000 + since_1970.microseconds // 1_000
    try:
        return msgspec.json.encode(found)
    except UnicodeEncodeError:  # of a header
        return Reject("bad_value", "an attribute of the event is not UTF-8")
