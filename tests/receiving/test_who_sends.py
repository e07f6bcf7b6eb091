"""Bad inputs 25 to 40: a request that does not prove who sent it is refused, whatever it carries; old and new secret
hold while they are being changed; what was delivered once is not read again.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from pipeline.io.receiving.senders import Sender, Senders, SendersError, load
from tests.receiving.server import good, hex_hmac, intake

NEW, OLD, OTHER = "the-new-secret", "the-old-secret", "somebody-elses"
PATH = "/v1/sources/desk"
PUBLIC = "https://touchline.example.org"
Signs = Callable[[bytes, str, int], dict[str, str]]


def senders(proof: Any, *secrets: str, source: str = "zendesk") -> Senders:
    found = {
        "desk": Sender("desk", source, proof, tuple(each.encode() for each in secrets)),
        "other": Sender("other", source, proof, (OTHER.encode(),)),
    }
    return Senders(found, PUBLIC)


def now_s() -> int:
    return int(time.time())


def zendesk(body: bytes, secret: str, at_s: int) -> dict[str, str]:
    stamp = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = bytes.fromhex(hex_hmac(secret, stamp.encode() + body))
    return {
        "X-Zendesk-Webhook-Signature": base64.b64encode(digest).decode(),
        "X-Zendesk-Webhook-Signature-Timestamp": stamp,
    }


def chatwoot(body: bytes, secret: str, at_s: int, delivery: str = "d-1") -> dict[str, str]:
    signature = "sha256=" + hex_hmac(secret, str(at_s).encode() + b"." + body)
    return {
        "X-Chatwoot-Signature": signature,
        "X-Chatwoot-Timestamp": str(at_s),
        "X-Chatwoot-Delivery": delivery,
    }


def intercom(body: bytes, secret: str, _: int) -> dict[str, str]:
    return {"X-Hub-Signature": "sha1=" + hex_hmac(secret, body, "sha1")}


def twilio(body: bytes, secret: str, _: int, url: str = PUBLIC + PATH) -> dict[str, str]:
    pairs = sorted(tuple(each.split("=")) for each in body.decode().split("&"))
    digest = bytes.fromhex(hex_hmac(secret, (url + "".join(name + value for name, value in pairs)).encode(), "sha1"))
    return {"X-Twilio-Signature": base64.b64encode(digest).decode()}


def bearer(_: bytes, secret: str, __: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


BODIES = {
    "zendesk": json.dumps({"type": "zen:event-type:user.created"}).encode(),
    "chatwoot": json.dumps({"event": "webwidget_triggered"}).encode(),
    "intercom": json.dumps({"type": "notification_event", "topic": "ping", "id": "n"}).encode(),
    "twilio": b"EventType=worker.activity.update&Sid=E1&TimestampMs=1772442000000",
    "token": json.dumps({"type": "zen:event-type:user.created"}).encode(),
}
SOURCES = {"token": "zendesk"}
SIGNS: dict[str, Signs] = {
    "zendesk": zendesk,
    "chatwoot": chatwoot,
    "intercom": intercom,
    "twilio": twilio,
    "token": bearer,
}
SCHEMES = list(SIGNS)


def kind(scheme: str) -> str:
    return "application/x-www-form-urlencoded" if scheme == "twilio" else "application/json"


def of(scheme: str, *secrets: str) -> Senders:
    return senders(scheme, *secrets, source=SOURCES.get(scheme, scheme))


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_36_two_secrets_hold_while_they_are_changed_and_the_old_one_no_longer_afterwards(scheme: str) -> None:
    body = BODIES[scheme]
    async with intake(of(scheme, NEW, OLD)) as during:
        for secret in (NEW, OLD):
            status, answer, _ = await during.post(body, PATH, SIGNS[scheme](body, secret, now_s()), kind(scheme))
            assert status == 202, answer
    async with intake(of(scheme, NEW)) as after:
        assert (await after.post(body, PATH, SIGNS[scheme](body, OLD, now_s()), kind(scheme)))[0] == 401
        assert (await after.post(body, PATH, SIGNS[scheme](body, NEW, now_s()), kind(scheme)))[0] == 202


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_request_that_proves_nothing_is_refused_without_saying_why(scheme: str) -> None:
    body, signs = BODIES[scheme], SIGNS[scheme]
    signed = signs(body, NEW, now_s())
    name = next(iter(signed))
    other = body.replace(b"e", b"3", 1)
    attempts: dict[str, tuple[bytes, list[tuple[str, str]]]] = {
        "25 no signature": (body, []),
        "26 wrong secret": (body, list(signs(body, "wrong", now_s()).items())),
        "39 two signatures": (body, [*signed.items(), (name, signed[name])]),
        "40 another tenant's": (body, list(signs(body, OTHER, now_s()).items())),
        "an empty one": (body, [*((key, value) for key, value in signed.items() if key != name), (name, " ")]),
    }
    if scheme != "token":
        attempts["27 another body"] = (other, list(signed.items()))
    async with intake(of(scheme, NEW)) as server:
        for title, (sent, headers) in attempts.items():
            status, answer, found = await server.post(sent, PATH, headers, kind(scheme))
            assert (status, answer) == (401, {"error": "the request does not prove who sent it"}), title
            assert found["WWW-Authenticate"] == "Bearer"
        assert (server.written.touchpoints, server.written.letters) == ([], [])
        assert (await server.post(body, PATH, signed, kind(scheme)))[0] == 202


@pytest.mark.parametrize("scheme", ["zendesk", "chatwoot", "intercom"])
async def test_28_a_signature_of_the_same_json_written_otherwise_is_refused(scheme: str) -> None:
    body = BODIES[scheme]
    again = json.dumps(json.loads(body), separators=(",", ":")).encode()
    assert again != body
    async with intake(of(scheme, NEW)) as server:
        assert (await server.post(body, PATH, SIGNS[scheme](again, NEW, now_s())))[0] == 401


async def test_29_30_hex_in_capitals_and_another_prefix_are_refused() -> None:
    body = BODIES["chatwoot"]
    right = chatwoot(body, NEW, now_s())
    digest = right["X-Chatwoot-Signature"].removeprefix("sha256=")
    async with intake(of("chatwoot", NEW)) as server:
        for wrong in (f"sha256={digest.upper()}", f"sha1={digest}", digest, f"SHA256={digest}"):
            assert (await server.post(body, PATH, {**right, "X-Chatwoot-Signature": wrong}))[0] == 401
        assert (await server.post(body, PATH, right))[0] == 202


@pytest.mark.parametrize("scheme", ["zendesk", "chatwoot"])
@pytest.mark.parametrize("away_s", [-301, 301, -86_400])
async def test_32_33_a_timestamp_out_of_the_window_is_refused(scheme: str, away_s: int) -> None:
    body = BODIES[scheme]
    async with intake(of(scheme, NEW)) as server:
        assert (await server.post(body, PATH, SIGNS[scheme](body, NEW, now_s() + away_s)))[0] == 401


@pytest.mark.parametrize("stamp", ["yesterday", "", "1e9", "-1", "9" * 40, "٣", "2026-03-02T09:00:00"])
async def test_34_a_timestamp_that_is_none_is_refused(stamp: str) -> None:
    for scheme, header in (("zendesk", "X-Zendesk-Webhook-Signature-Timestamp"), ("chatwoot", "X-Chatwoot-Timestamp")):
        body = BODIES[scheme]
        async with intake(of(scheme, NEW)) as server:
            signed = {**SIGNS[scheme](body, NEW, now_s()), header: stamp}
            assert (await server.post(body, PATH, signed))[0] == 401


async def test_35_a_delivery_that_is_repeated_is_answered_and_not_read_again() -> None:
    body = b"[7]"  # no payload: it leaves a dead letter
    async with intake(of("chatwoot", NEW)) as server:
        first = await server.post(body, PATH, chatwoot(body, NEW, now_s()))
        again = await server.post(body, PATH, chatwoot(body, NEW, now_s() - 3))
        other = await server.post(body, PATH, chatwoot(body, NEW, now_s(), "d-2"))
        assert [each[0] for each in (first, again, other)] == [202, 202, 202]
        assert again[1]["left_out"] == {"delivered before": 1}
        assert first[1]["rejected_total"] == other[1]["rejected_total"] == 1


async def test_35_a_delivery_that_was_not_stored_is_read_when_it_comes_again() -> None:
    body = BODIES["chatwoot"]
    async with intake(of("chatwoot", NEW)) as server:
        server.written.away = True
        assert (await server.post(body, PATH, chatwoot(body, NEW, now_s())))[0] == 503
        server.written.away = False
        answer = (await server.post(body, PATH, chatwoot(body, NEW, now_s())))[1]
        assert answer["left_out"] != {"delivered before": 1}


@pytest.mark.parametrize("url", [PUBLIC + PATH, PUBLIC + ":443" + PATH])
async def test_38_twilio_signs_the_public_url_with_or_without_its_port(url: str) -> None:
    body = BODIES["twilio"]
    async with intake(of("twilio", NEW)) as server:
        assert (await server.post(body, PATH, twilio(body, NEW, 0, url), kind("twilio")))[0] == 202


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1" + PATH, PUBLIC + ":8443" + PATH, PUBLIC + "/v1/sources/other", PUBLIC + PATH + "?a=b"]
)
async def test_38_twilio_by_another_url_is_refused(url: str) -> None:
    body = BODIES["twilio"]
    async with intake(of("twilio", NEW)) as server:
        assert (await server.post(body, PATH, twilio(body, NEW, 0, url), kind("twilio")))[0] == 401


async def test_twilio_with_json_carries_the_digest_of_its_body_in_the_url() -> None:
    body = b'{"EventType":"worker.activity.update"}'
    path = f"{PATH}?{urlencode({'bodySHA256': hashlib.sha256(body).hexdigest()})}"
    signature = base64.b64encode(bytes.fromhex(hex_hmac(NEW, (PUBLIC + path).encode(), "sha1"))).decode()
    async with intake(of("twilio", NEW)) as server:
        assert (await server.post(body, path, {"X-Twilio-Signature": signature}))[0] == 202
        assert (await server.post(body + b" ", path, {"X-Twilio-Signature": signature}))[0] == 401


async def test_touchpoints_as_they_are_need_a_token_and_get_its_senders_name() -> None:
    known = Senders(
        {
            "crm": Sender("crm", "canonical", "token", (NEW.encode(), OLD.encode())),
            "desk": Sender("desk", "zendesk", "token", (OTHER.encode(),)),
        }
    )
    async with intake(known) as server:
        for headers in ({}, bearer(b"", "wrong", 0), bearer(b"", OTHER, 0), {"Authorization": NEW},
                        {"Authorization": f"Basic {NEW}"}):  # fmt: skip
            assert (await server.post(good(), headers=headers))[0] == 401
        for number, secret in enumerate((NEW, OLD)):
            assert (await server.post(good(id=str(number), source="me"), headers=bearer(b"", secret, 0)))[0] == 202
        assert [each.source for each in server.written.touchpoints] == ["crm", "crm"]


async def test_without_a_file_this_machine_may_send_and_nobody_else() -> None:
    async with intake(Senders({})) as closed:
        assert (await closed.post(good()))[0] == 401
        assert (await closed.post(b"{}", "/v1/sources/zendesk"))[0] == 401
    async with intake() as opened:
        assert (await opened.post(good()))[0] == 202
        assert opened.written.touchpoints[0].source == "http"


async def test_a_sender_that_sends_too_often_is_told_to_wait_and_others_are_not() -> None:
    known = Senders(
        {
            "slow": Sender("slow", "canonical", "token", (NEW.encode(),), requests_per_second=1.0),
            "fast": Sender("fast", "canonical", "token", (OTHER.encode(),)),
        }
    )
    async with intake(known) as server:
        answers = [await server.post(good(id=str(n)), headers=bearer(b"", NEW, 0)) for n in range(20)]
        refused = [headers for status, _, headers in answers if status == 429]
        assert refused
        assert all(int(headers["Retry-After"]) >= 1 for headers in refused)
        assert len(server.written.touchpoints) == 20 - len(refused)
        assert (await server.post(good(), headers=bearer(b"", OTHER, 0)))[0] == 202


async def test_what_proves_nothing_uses_up_nothing_of_what_a_sender_may_send() -> None:
    body = BODIES["zendesk"]
    known = Senders({"desk": Sender("desk", "zendesk", "zendesk", (NEW.encode(),), requests_per_second=1.0)}, PUBLIC)
    async with intake(known) as server:
        for _ in range(5):
            assert (await server.post(body, PATH, zendesk(body, OTHER, now_s())))[0] == 401
        assert (await server.post(body, PATH, zendesk(body, NEW, now_s())))[0] == 202


async def test_a_sender_that_cannot_sign_has_its_token_in_the_url(caplog: pytest.LogCaptureFixture) -> None:
    body = BODIES["chatwoot"]
    async with intake(senders("url-token", NEW, OLD, source="chatwoot")) as server:
        for query in (f"?token={NEW}", f"?token={OLD}", f"?x=1&token={NEW}"):
            assert (await server.post(body, PATH + query))[0] == 202
        for query in ("", "?token=", "?token=wrong", f"?token={OTHER}", f"?token={NEW}&token={NEW}",
                      f"?Token={NEW}", "?token=%FF", "?token=%ED%A0%80"):  # fmt: skip
            assert (await server.post(body, PATH + query))[0] == 401
        assert (await server.post(body, PATH, bearer(b"", NEW, 0)))[0] == 401
        assert (await server.post(body, PATH + f"?token={OTHER}"))[0] == 401
    assert "refused" in caplog.text
    assert not any(secret in caplog.text for secret in (NEW, OLD, OTHER))


@pytest.mark.parametrize("scheme", ["token", "zendesk", "chatwoot", "intercom", "twilio", "firehose"])
async def test_headers_that_are_no_text_are_refused_like_any_other(scheme: str) -> None:
    names = ("Authorization: Bearer ", "X-Twilio-Signature: ", "X-Hub-Signature: ", "X-Chatwoot-Signature: ",
             "X-Zendesk-Webhook-Signature: ", "X-Amz-Firehose-Access-Key: ")  # fmt: skip
    stamps = f"X-Chatwoot-Timestamp: {now_s()}\r\nX-Zendesk-Webhook-Signature-Timestamp: "
    stamps += datetime.fromtimestamp(now_s(), UTC).isoformat()
    for host in (b"localhost", b"localhost:99999"):
        head = b"POST /v1/sources/desk HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n" + stamps.encode()
        head += b"".join(b"\r\n" + name.encode() + b"\xff\xfe" for name in names)
        more = b"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b"
        async with intake(Senders(senders(scheme, NEW).by_name)) as server:
            assert (await server.raw(head + more)).startswith(b"HTTP/1.1 401 ")


async def test_firehose_is_answered_in_its_own_form_and_a_retry_is_not_read_again() -> None:
    contact = {"ContactId": "x", "Channel": "VOICE"}
    record = base64.b64encode(json.dumps(contact).encode()).decode()
    body = json.dumps({"requestId": "r-1", "timestamp": 1, "records": [{"data": record}]}).encode()
    headers = {"X-Amz-Firehose-Access-Key": NEW, "X-Amz-Firehose-Request-Id": "r-1"}
    async with intake(senders("firehose", NEW, source="amazon-connect")) as server:
        status, answer, _ = await server.post(body, PATH, headers)
        assert (status, answer["requestId"]) == (200, "r-1")
        assert isinstance(answer["timestamp"], int)
        assert len(server.written.letters) == 1
        await server.post(body, PATH, headers)
        assert len(server.written.letters) == 1
        assert (await server.post(body, PATH, {**headers, "X-Amz-Firehose-Access-Key": "x"}))[0] == 401
        assert (await server.post(b'{"records": [{"data": "?"}]}', PATH,
                                  {**headers, "X-Amz-Firehose-Request-Id": "r-2"}))[0] == 400  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("senders: {a: {secrets: ['env:EMPTY']}}", "sender 'a': the environment has no EMPTY, or it is empty"),
        ("senders: {a: {secrets: ['env:NONE']}}", "sender 'a': the environment has no NONE, or it is empty"),
        ("senders: {a: {secrets: ['hunter2']}}", "never written into this file"),
        ("senders: {a: {}}", "sender 'a': it has no secrets"),
        ("senders: {a: {source: nothing, secrets: ['env:S']}}", "there is no source 'nothing'; known are canonical"),
        ("senders: {a: {proof: magic, secrets: ['env:S']}}", "there is no proof 'magic'; known are token"),
        ("senders: {a: {secret: 'env:S'}}", "unknown field `secret`"),
        ("senders: {a: {secrets: ['file:/nowhere/at/all']}}", "/nowhere/at/all cannot be read: No such file"),
        ("senders: {a/b: {secrets: ['env:S']}}", "a name has 1 to 64 printable characters and no slash"),
        ("senders: {a: {proof: sns}}", "sender 'a': it has no topics"),
        ("senders: {a: {secrets: ['env:S'], requests_per_second: 0}}", "requests_per_second has to be above 0"),
        ("senders: {}\npublic_url: example.org", "it begins with https://"),
        ("senders: [", "is no YAML"),
    ],
)
def test_31_an_empty_secret_or_another_mistake_in_the_file_is_one_sentence(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / "senders.yaml"
    path.write_text(text)
    with pytest.raises(SendersError) as found:
        load(path, {"EMPTY": " ", "S": "secret"})
    assert sentence in str(found.value)
    assert str(path) in str(found.value)
    assert "\n" not in str(found.value)


def test_the_file_of_senders_as_its_docstring_shows_it(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("from a file\n")
    path = tmp_path / "senders.yaml"
    path.write_text(
        "public_url: https://touchline.example.org/\nsenders:\n  crm:\n    secrets: [env:CRM_TOKEN]\n  helpdesk:\n"
        f"    source: zendesk\n    proof: zendesk\n    secrets: ['file:{tmp_path / 'old'}', env:Z]\n"
    )
    found = load(path, {"CRM_TOKEN": "t", "Z": "z"})
    assert found.public_url == PUBLIC
    assert found.by_name["helpdesk"].secrets == (b"from a file", b"z")
    assert "from a file" not in repr(found)
    assert [each.name for each in found.with_tokens()] == ["crm"]


async def test_a_sender_of_ones_own_format_is_read_by_its_mapping_file(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(
        "format: jsonl\ncommon: {contact_id: '{order}', channel: web}\ntouchpoints:\n"
        "  - {type: contact.requested, id: new, time: {column: at, form: seconds}}\n"
    )
    (tmp_path / "senders.yaml").write_text("senders: {shop: {source: shop.yaml, secrets: ['env:S']}}")
    async with intake(load(tmp_path / "senders.yaml", {"S": NEW})) as server:
        body = b'{"order": 7, "at": 1772442000}\n{"order": 8, "at": "soon"}\n'
        status, answer, _ = await server.post(body, "/v1/sources/shop", bearer(b"", NEW, 0), "application/x-ndjson")
        assert (status, answer["accepted"], answer["rejected_total"]) == (202, 1, 1)
        assert answer["rejected"][0]["place"] == "line 2"
        (made,) = server.written.touchpoints
        assert (made.contact_id, made.source) == ("7", "shop")


async def test_a_sender_of_ones_own_format_may_send_csv_and_nobody_else_may(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(
        "format: csv\ndelimiter: semicolon\ncommon: {contact_id: '{order}', channel: web}\ntouchpoints:\n"
        "  - {type: contact.requested, id: new, time: {column: at, form: seconds}}\n"
    )
    (tmp_path / "senders.yaml").write_text(
        "senders: {shop: {source: shop.yaml, secrets: ['env:S']}, desk: {source: zendesk, secrets: ['env:S']}}"
    )
    body = b"order;at\r\n7;1772442000\r\n8;soon\r\n"
    async with intake(load(tmp_path / "senders.yaml", {"S": NEW})) as server:
        status, answer, _ = await server.post(body, "/v1/sources/shop", bearer(b"", NEW, 0), "text/csv")
        assert (status, answer["accepted"], answer["rejected_total"]) == (202, 1, 1)
        assert answer["rejected"][0]["place"] == "line 3"
        assert (await server.post(body, PATH, bearer(b"", NEW, 0), "text/csv"))[0] == 415
