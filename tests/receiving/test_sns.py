"""Bad input 37 and its kin: Amazon SNS by a certificate from Amazon's hosts, for topics that are ours."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pipeline.io.receiving.senders import Sender, Senders
from tests.receiving.server import intake

TOPIC = "arn:aws:sns:eu-central-1:123456789012:contacts"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem"
SUBSCRIBE = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription"
PATH = "/v1/sources/connect"
KNOWN = Senders({"connect": Sender("connect", "amazon-connect", "sns", topics=(TOPIC,))})
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


class Amazon:
    """Signs messages, and answers what is fetched of it."""

    def __init__(self) -> None:
        self.key: RSAPrivateKey = generate_private_key(65_537, 2_048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self.key, hashes.SHA256())
            .public_bytes(Encoding.PEM)
        )
        self.fetched: list[str] = []
        self.away = False

    async def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        if self.away:
            raise aiohttp.ClientError("away")
        return self.certificate

    def message(self, kind: str = "Notification", sign: bool = True, **changes: Any) -> bytes:
        fields: dict[str, Any] = {
            "Type": kind,
            "MessageId": "m-1",
            "TopicArn": TOPIC,
            "Message": json.dumps({"ContactId": "x"}),
            "Timestamp": "2026-03-02T09:00:00.000Z",
            "SignatureVersion": "2",
            "SigningCertURL": CERTIFICATE,
        }
        if kind != "Notification":
            fields |= {"Token": "t", "SubscribeURL": SUBSCRIBE}
        fields |= changes
        if sign:
            text = "".join(f"{name}\n{fields[name]}\n" for name in SIGNED.get(kind, ()) if name in fields)
            signature = self.key.sign(text.encode(), PKCS1v15(), hashes.SHA256())
            fields["Signature"] = base64.b64encode(signature).decode()
        return json.dumps(fields).encode()


@pytest.fixture(scope="module")
def keys() -> Amazon:
    return Amazon()


@pytest.fixture
def amazon(keys: Amazon) -> Iterator[Amazon]:
    keys.fetched, keys.away = [], False
    yield keys
    keys.away = False


async def test_a_signed_message_is_read_and_its_certificate_is_fetched_once(amazon: Amazon) -> None:
    async with intake(KNOWN, fetch=amazon.fetch) as server:
        for number in range(3):
            status, answer, _ = await server.post(
                amazon.message(MessageId=str(number)), PATH, content_type="text/plain"
            )
            assert (status, answer["rejected_total"]) == (202, 1)  # a contact record without anything in it
        assert amazon.fetched == [CERTIFICATE]
        again = await server.post(amazon.message(MessageId="2"), PATH, content_type="text/plain")
        assert again[1]["left_out"] == {"delivered before": 1}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.com/SimpleNotificationService.pem",
        "http://sns.eu-central-1.amazonaws.com/a.pem",
        "file:///etc/passwd",
        "https://sns.eu-central-1.amazonaws.com.evil.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/a.pem",
        "https://evil.com#sns.eu-central-1.amazonaws.com",
        "https://169.254.169.254/latest/meta-data",
        "https://[",
        "https://sns.eu-central-1.amazonaws.com/?Action=ListTopics&x=SimpleNotificationService-1.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem?x=1",
        "https://sns.eu-central-1.amazonaws.com/x/SimpleNotificationService-1.pem",
        "",
        7,
        None,
    ],
)
async def test_37_a_certificate_from_anywhere_else_is_not_even_fetched(amazon: Amazon, url: object) -> None:
    async with intake(KNOWN, fetch=amazon.fetch) as server:
        for kind in ("Notification", "SubscriptionConfirmation"):
            status, _, _ = await server.post(amazon.message(kind, SigningCertURL=url), PATH, content_type="text/plain")
            assert status == 401
        assert amazon.fetched == []
        assert server.written.letters == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Signature": "AAAA"},
        {"Signature": "?"},
        {"SignatureVersion": "1"},
        {"TopicArn": "arn:aws:sns:eu-central-1:999999999999:contacts"},
        {"Type": "UnsubscribeConfirmation"},
        {"Message": "another"},
    ],
)
async def test_a_message_that_amazon_did_not_sign_for_us_is_refused(amazon: Amazon, changes: dict[str, Any]) -> None:
    message = {**json.loads(amazon.message()), **changes}
    async with intake(KNOWN, fetch=amazon.fetch) as server:
        assert (await server.post(json.dumps(message), PATH, content_type="text/plain"))[0] == 401
        assert server.written.letters == []


async def test_a_message_nested_without_end_is_refused(amazon: Amazon) -> None:
    message = amazon.message()[:-1] + b',"more":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    async with intake(KNOWN, fetch=amazon.fetch) as server:
        assert (await server.post(message, PATH, content_type="text/plain"))[0] == 401


async def test_a_subscription_is_confirmed_for_our_topic_at_amazons_own_address_only(amazon: Amazon) -> None:
    async with intake(KNOWN, fetch=amazon.fetch) as server:
        message = amazon.message("SubscriptionConfirmation")
        assert (await server.post(message, PATH, content_type="text/plain"))[0] == 202
        assert amazon.fetched == [CERTIFICATE, SUBSCRIBE]
        stranger = amazon.message("SubscriptionConfirmation", SubscribeURL="https://evil.com/")
        assert (await server.post(stranger, PATH, content_type="text/plain"))[0] == 401
        assert amazon.fetched == [CERTIFICATE, SUBSCRIBE]


async def test_while_amazon_is_away_nothing_is_taken(amazon: Amazon) -> None:
    amazon.away = True
    async with intake(KNOWN, fetch=amazon.fetch) as server:
        assert (await server.post(amazon.message(), PATH, content_type="text/plain"))[0] == 401
        amazon.away = False
        assert (await server.post(amazon.message(), PATH, content_type="text/plain"))[0] == 202
