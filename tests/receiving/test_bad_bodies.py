"""Bad inputs 1 to 24: whatever the body or the connection is like, nothing of it is accepted, the next good touchpoint
is, and the process goes on.
"""

import asyncio
import gzip
import zlib

import msgspec
import pytest

from pipeline.io.receiving.bodies import MAX_BODY_BYTES
from schemas.sources import SOURCES
from tests.receiving.server import Intake, good, intake

HEAD = b"POST /v1/touchpoints HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
CUT = good()[:-5]
BOMB = gzip.compress(b" " * (64 * 1024 * 1024))


async def still_accepts(server: Intake) -> None:
    server.written.touchpoints.clear()
    status, answer, _ = await server.post(good())
    assert (status, answer["accepted"]) == (202, 1)
    assert [each.contact_id for each in server.written.touchpoints] == ["c-1"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="01 empty body"),
        pytest.param(b" \n ", 400, id="01 blank body"),
        pytest.param(b"null", 422, id="02 null"),
        pytest.param(b"[]", 400, id="03 empty array"),
        pytest.param(b"7", 422, id="04 a number"),
        pytest.param(CUT, 400, id="05 truncated"),
        pytest.param(b"[" + good() + b",", 400, id="05 truncated array"),
        pytest.param(good() + b"x", 400, id="06 trailing garbage"),
        pytest.param(good() + good(id="2"), 400, id="07 two documents"),
        pytest.param(good()[:-1] + b',"time":1}', 422, id="08 a name twice"),
        pytest.param(good()[:-1] + b',"more":{"a":1,"a":2}}', 422, id="08 a name twice further in"),
        pytest.param(good()[:-1] + b',"more":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400, id="09 deep"),
        pytest.param(b"[" * 10_000, 400, id="09 deep and open"),
        pytest.param(good(time=...)[:-1] + b',"time":1e400}', 422, id="10 1e400"),
        pytest.param(good(time=...)[:-1] + b',"time":NaN}', 400, id="10 NaN"),
        pytest.param(good(time=...)[:-1] + b',"time":Infinity}', 400, id="10 Infinity"),
        pytest.param(good(time=2**63), 422, id="11 2^63"),
        pytest.param(good(time=...)[:-1] + b',"time":18446744073709551616}', 422, id="11 2^64"),
        pytest.param(good(id=...)[:-1] + b',"id":"\\ud800"}', 400, id="12 lone surrogate"),
        pytest.param(good(id=...)[:-1] + b',"id":"\xff\xfe"}', 422, id="13 invalid UTF-8"),
        pytest.param(b"\xef\xbb\xbf" + good(), 400, id="14 byte order mark"),
        pytest.param(good().decode().encode("utf-16"), 400, id="14 UTF-16"),
        pytest.param(good(id="a\0b"), 422, id="15 NUL"),
        pytest.param(good(topic="x" * 2_000_000), 422, id="16 a string of 2 MB"),
        pytest.param(b" " * (MAX_BODY_BYTES + 1), 413, id="16 a body over the limit"),
    ],
)
async def test_a_bad_body_is_refused(body: bytes, status: int) -> None:
    async with intake() as server:
        found, answer, _ = await server.post(body)
        assert found == status, answer
        assert server.written.touchpoints == []
        assert answer.get("error") or answer["rejected"][0]["detail"]
        await still_accepts(server)


@pytest.mark.parametrize(
    "bad",
    [b"null", b"7", good(time=-1), good(type="contact.sang"), b'"text"', b"[]", good(id="")],
    ids=["null", "number", "time", "type", "string", "array", "id"],
)
async def test_among_good_ones_a_bad_one_is_named_by_its_place_and_takes_nothing_with_it(bad: bytes) -> None:
    async with intake() as server:
        status, answer, _ = await server.post(b"[" + b",".join([good(), bad, good(id="2")]) + b"]")
        assert (status, answer["accepted"], answer["rejected_total"]) == (202, 2, 1)
        assert answer["rejected"][0]["place"] == "$[1]"
        assert [each.id for each in server.written.touchpoints] == ["1", "2"]
        assert len(server.written.letters) == 1


async def test_of_lines_the_bad_one_is_named_by_its_number() -> None:
    async with intake() as server:
        body = b"\n".join([good(), b"{", b"", good(id="2"), b"\xff"])
        status, answer, _ = await server.post(body, content_type="application/x-ndjson; charset=utf-8")
        assert (status, answer["accepted"]) == (202, 2)
        assert [each["place"] for each in answer["rejected"]] == ["line 2", "line 5"]


@pytest.mark.parametrize(
    ("packed", "status"),
    [
        pytest.param(BOMB, 413, id="17 gzip bomb"),
        pytest.param(gzip.compress(good())[:-6], 400, id="17 cut gzip"),
        pytest.param(gzip.compress(good()) + gzip.compress(good(id="2")), 400, id="17 two members"),
        pytest.param(zlib.compress(good()), 400, id="17 zlib, not gzip"),
        pytest.param(good(), 400, id="17 not packed at all"),
    ],
)
async def test_what_is_packed_badly_is_refused(packed: bytes, status: int) -> None:
    async with intake() as server:
        found, _, _ = await server.post(packed, headers={"Content-Encoding": "gzip"})
        assert found == status
        assert server.written.touchpoints == []
        assert (await server.post(gzip.compress(good()), headers={"Content-Encoding": "gzip"}))[0] == 202
        assert len(server.written.touchpoints) == 1


async def test_18_a_content_length_that_is_wrong_loses_only_its_own_request() -> None:
    async with intake(body_seconds=0.5) as server:
        body = good()
        longer = HEAD + f"Content-Length: {len(body) + 50}\r\n\r\n".encode() + body
        assert b" 408 " in await server.raw(longer)
        shorter = HEAD + f"Content-Length: {len(body) - 5}\r\n\r\n".encode() + body
        assert b" 400 " in await server.raw(shorter)
        negative = HEAD + b"Content-Length: -5\r\n\r\n" + body
        assert b" 400 " in await server.raw(negative)
        assert server.written.touchpoints == []
        await still_accepts(server)


async def test_18_two_lengths_are_no_way_to_smuggle_a_second_request() -> None:
    async with intake(body_seconds=0.5) as server:
        body = good()
        for lengths in (
            f"Content-Length: {len(body)}\r\nContent-Length: 5\r\n",
            f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\n",
        ):
            assert b" 400 " in await server.raw(HEAD + lengths.encode() + b"\r\n" + body)
        assert server.written.touchpoints == []
        await still_accepts(server)


async def test_19_chunks_that_never_end_are_cut_off() -> None:
    async with intake(body_seconds=0.5) as server:
        chunk = b"%x\r\n" % len(CUT) + CUT + b"\r\n"
        assert b" 408 " in await server.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk)
        assert server.written.touchpoints == []
        await still_accepts(server)


async def test_19_chunks_without_end_are_cut_off_at_the_limit() -> None:
    async with intake() as server:
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        answer = await server.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 80)
        assert answer == b"" or b" 413 " in answer
        await still_accepts(server)


async def test_20_headers_that_come_drop_by_drop_end_the_connection() -> None:
    async with intake(keepalive_seconds=0.5) as server:
        assert b" 202 " not in await server.raw(b"POST /v1/touchpoints HT", b"TP/1.1\r\nHost:")
        await still_accepts(server)


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param("text/plain", id="21 text"),
        pytest.param("", id="21 none"),
        pytest.param("application/json; charset=latin-1", id="21 charset"),
        pytest.param("application/x-www-form-urlencoded", id="21 form"),
        pytest.param("multipart/form-data; boundary=x", id="22 multipart"),
    ],
)
async def test_another_content_type_is_refused_so_no_page_in_a_browser_can_send_here(content_type: str) -> None:
    async with intake() as server:
        for path in ("/v1/touchpoints", "/v1/sources/canonical"):
            assert (await server.post(good(), path, content_type=content_type))[0] == 415
        assert server.written.touchpoints == []
        await still_accepts(server)


async def test_23_ten_thousand_headers_are_refused() -> None:
    async with intake() as server:
        headers = b"".join(b"X-%d: y\r\n" % number for number in range(10_000))
        answer = await server.raw(HEAD + headers + b"Content-Length: 2\r\n\r\n{}")
        assert answer == b"" or b" 400 " in answer
        await still_accepts(server)


async def test_24_unknown_methods_and_paths_are_answered() -> None:
    async with intake() as server:
        for request, status in (
            (b"DELETE /v1/touchpoints HTTP/1.1", b" 405 "),
            (b"BREW /v1/touchpoints HTTP/1.1", b" 40"),
            (b"POST /v1/../../etc/passwd HTTP/1.1", b" 40"),
            (b"POST /v1/sources/..%2f..%2fetc HTTP/1.1", b" 40"),
            (b"POST /v1/sources/nobody HTTP/1.1", b" 40"),
            (b"GET /v1/touchpoints HTTP/1.1", b" 405 "),
            (b"\x16\x03\x01\x02\x00", b""),
        ):
            answer = await server.raw(
                request + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
                b"Content-Length: 2\r\n\r\n{}"
            )
            assert answer == b"" or status in answer.split(b"\r\n")[0], request
        await still_accepts(server)


async def test_more_at_once_than_a_request_may_hold_is_refused_whole() -> None:
    async with intake() as server:
        one = msgspec.json.encode({"id": "1"})
        status, _, _ = await server.post(b"[" + b",".join([one] * 10_001) + b"]")
        assert status == 413
        await still_accepts(server)


@pytest.mark.parametrize(
    "body", [b"1\n" * 20_000, b"\n" * 200_000, b"[" + b"{}," * 20_000 + b"{}]"], ids=["lines", "blank lines", "array"]
)
async def test_more_payloads_at_once_than_a_request_may_hold_are_refused_whole(body: bytes) -> None:
    async with intake() as server:
        status, answer, _ = await server.post(body, "/v1/sources/zendesk")
        assert status == 413, answer
        assert not server.written.letters


@pytest.mark.parametrize("name", [*SOURCES])
async def test_09_payloads_that_are_nested_without_end_are_answered(name: str) -> None:
    async with intake() as server:
        for body in (b"[" * 50_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000):
            status, answer, _ = await server.post(body, f"/v1/sources/{name}")
            assert (status, answer["accepted"]) == (202, 0)


async def test_too_many_under_way_are_told_to_come_back_and_nothing_is_lost() -> None:
    async with intake() as server:
        server.written.gate = asyncio.Event()
        posts = [asyncio.create_task(server.post(good(id=str(n)))) for n in range(80)]
        await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
        server.written.gate.set()
        answers = await asyncio.gather(*posts)
        refused = [headers for status, _, headers in answers if status == 503]
        assert refused
        assert all(headers["Retry-After"] for headers in refused)
        assert len(server.written.touchpoints) == 80 - len(refused)


async def test_what_cannot_be_stored_is_not_accepted() -> None:
    async with intake() as server:
        server.written.away = True
        status, answer, headers = await server.post(good())
        assert (status, headers["Retry-After"]) == (503, "5")
        assert "accepted" not in answer
        server.written.away = False
        await still_accepts(server)
