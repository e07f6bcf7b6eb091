"""Who may send over HTTP: a YAML file of senders, each with how it proves itself. Secrets are never in the file.

public_url: https://touchline.example.org   # what senders call, where a proxy is in between
senders:
  crm:                          # becomes `source` of its touchpoints
    secrets: [env:CRM_TOKEN]    # `Authorization: Bearer ...`; two of them while they are being changed
  helpdesk:
    source: zendesk             # POST /v1/sources/helpdesk is read as Zendesk's webhooks
    proof: zendesk
    secrets: [file:/run/secrets/zendesk, env:ZENDESK_SECRET_OLD]
    requests_per_second: 50
  old-chat:
    source: chatwoot            # before February 2026 it cannot sign: POST /v1/sources/old-chat?token=...
    proof: url-token
    secrets: [env:CHAT_TOKEN]
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
import yaml
from msgspec import Struct

from pipeline.io.mappings import SourceError, source_named
from pipeline.io.receiving.signatures import SCHEMES, Scheme
from schemas.sources import SOURCES, Output, Source

CANONICAL: Final = "canonical"
_NEED_NO_SECRET: Final = frozenset({"sns"})


class SendersError(Exception):
    """The file of senders is wrong: one sentence with the file and the place."""


class Sender(Struct, frozen=True):
    """One sender. `source` is how its payloads are read; `secrets` are bytes, never shown."""

    name: str
    source: str
    proof: Scheme | None
    secrets: tuple[bytes, ...] = ()
    reader: Source | None = None
    """How its payloads are read, where the file of senders was."""
    topics: tuple[str, ...] = ()
    requests_per_second: float = 100.0

    @property
    def has_own_format(self) -> bool:
        """Whether its payloads are read by a mapping file."""
        return self.source not in SOURCES

    def read(self, lines: Iterable[bytes]) -> Iterator[Output]:
        """What its payloads mean."""
        return (self.reader or SOURCES[self.source]).read(lines)

    def __repr__(self) -> str:
        return f"Sender({self.name}, {self.source}, {self.proof})"


class Senders(Struct, frozen=True):
    """All of them by name. `open`: nobody has to prove anything (loopback without a file)."""

    by_name: Mapping[str, Sender]
    public_url: str = ""
    open: bool = False

    @property
    def host(self) -> str:
        """The host of `public_url`."""
        return urlsplit(self.public_url).hostname or ""

    def of_source(self, name: str) -> Sender | None:
        """Who posts to /v1/sources/NAME."""
        found = self.by_name.get(name)
        if found is None and self.open and name in SOURCES:
            return Sender(name, name, None)
        return found

    def with_tokens(self) -> list[Sender]:
        """Who may post to /v1/touchpoints: senders of touchpoints as they are, with a token."""
        return [each for each in self.by_name.values() if each.source == CANONICAL and each.proof == "token"]


class _Entry(Struct, forbid_unknown_fields=True):
    source: str = CANONICAL
    proof: str = "token"
    secrets: list[str] = []
    topics: list[str] = []
    requests_per_second: float = 100.0


class _File(Struct, forbid_unknown_fields=True):
    senders: dict[str, _Entry]
    public_url: str = ""


def load(path: Path, environment: Mapping[str, str] | None = None) -> Senders:
    """Read the file and the secrets it names. Raises SendersError."""
    environment = os.environ if environment is None else environment
    try:
        document = yaml.safe_load(path.read_bytes())
        found = msgspec.convert(document, _File)
    except OSError as error:
        raise SendersError(f"{path} cannot be read: {error.strerror or error}") from error
    except yaml.YAMLError as error:
        raise SendersError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    except msgspec.ValidationError as error:
        raise SendersError(f"{path}: {error}") from error
    if found.public_url and not found.public_url.startswith(("https://", "http://")):
        raise SendersError(f"{path}: public_url is {found.public_url!r}, it begins with https://")
    return Senders({name: _sender(path, name, entry, environment) for name, entry in found.senders.items()},
                   found.public_url.rstrip("/"))  # fmt: skip


def _sender(path: Path, name: str, entry: _Entry, environment: Mapping[str, str]) -> Sender:
    place = f"{path}: sender {name!r}"
    if not name or len(name) > 64 or not name.isprintable() or "/" in name:
        raise SendersError(f"{place}: a name has 1 to 64 printable characters and no slash")
    try:
        reader = source_named(entry.source, path.parent)
    except SourceError as error:
        raise SendersError(f"{place}: {error}") from error
    proof = next((scheme for scheme in SCHEMES if scheme == entry.proof), None)
    if proof is None:
        raise SendersError(f"{place}: there is no proof {entry.proof!r}; known are {', '.join(SCHEMES)}")
    if not entry.secrets and proof not in _NEED_NO_SECRET:
        raise SendersError(f"{place}: it has no secrets; name one, as env:NAME or file:PATH")
    if proof == "sns" and not entry.topics:
        raise SendersError(f"{place}: it has no topics; name the ARNs whose messages are ours")
    if entry.requests_per_second <= 0:
        raise SendersError(f"{place}: requests_per_second has to be above 0")
    secrets = tuple(_secret(place, each, environment) for each in entry.secrets)
    return Sender(name, entry.source, proof, secrets, reader, tuple(entry.topics), entry.requests_per_second)


def _secret(place: str, where: str, environment: Mapping[str, str]) -> bytes:
    kind, _, name = where.partition(":")
    if kind == "env":
        value = environment.get(name, "").strip()
        if not value:
            raise SendersError(f"{place}: the environment has no {name}, or it is empty")
        return value.encode()
    if kind == "file":
        try:
            secret = Path(name).read_bytes().strip()
        except OSError as error:
            raise SendersError(f"{place}: {name} cannot be read: {error.strerror or error}") from error
        if not secret:
            raise SendersError(f"{place}: {name} is empty")
        return secret
    raise SendersError(f"{place}: a secret is named as env:NAME or file:PATH, never written into this file")
