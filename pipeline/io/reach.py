"""Whether Kafka is there, and if not, why: known within seconds. Its clients take half a minute to find no broker."""

import asyncio
import os
import socket
import ssl
from typing import Final

from aiokafka.conn import AIOKafkaConnection, collect_hosts
from aiokafka.errors import (
    AuthenticationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from pipeline.io.kafka import Security, brokers, connection
from pipeline.ports import LogError, LogRefused

ANSWER_SECONDS: Final = 4.0
_CLOSE_SECONDS: Final = 1.0
"""How long the other side may take to agree to the end of a connection."""
_REFUSALS: Final = (
    AuthenticationFailedError,
    IllegalSaslStateError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
    ssl.SSLError,
    ValueError,
)
"""ValueError: the other side does not know the password either."""


async def reach(bootstrap: str, security: Security, seconds: float = ANSWER_SECONDS) -> None:
    """Return when one of the brokers takes us in. Raises LogRefused where trying again will not help, else LogError."""
    found = await asyncio.gather(*(_ask(server, security, seconds) for server in brokers(bootstrap)))
    if None in found:
        return
    worst = next((error for error in found if isinstance(error, _REFUSALS)), found[0] if found else None)
    kind = LogRefused if isinstance(worst, _REFUSALS) else LogError
    raise kind(f"Kafka at {bootstrap} cannot be reached: {_reason(worst, security, seconds)}") from worst


async def _ask(server: str, security: Security, seconds: float) -> Exception | None:
    """What keeps us from one broker; None if nothing does."""
    ((host, port, _),) = collect_hosts([server], randomize=False)
    conn = AIOKafkaConnection(host, port, request_timeout_ms=int(seconds * 1_000), **connection(security))
    found: Exception | None = None
    try:
        async with asyncio.timeout(seconds):
            await conn.connect()
    except (KafkaError, TimeoutError) as error:
        found = error
    except OSError as error:
        return error  # there is no connection that could be closed
    except ValueError as error:
        found = error
    # Under TLS a connection is open until the other side agrees to its end, and the event loop may end before.
    await asyncio.wait([conn.close()], timeout=_CLOSE_SECONDS)
    return found


def _reason(error: BaseException | None, security: Security, seconds: float) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"there is no TLS to be had: {error.reason or error}"
    if isinstance(error, _REFUSALS):
        return f"user or password is refused: {error}"
    if isinstance(error, socket.gaierror):
        return "no such host is known"
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:.0f} s"
    if security.ssl_context is None:
        hint = "" if isinstance(error, OSError) else " (if it wants TLS: TOUCHLINE_KAFKA_TLS)"
    else:
        hint = " (if it does not speak TLS: TOUCHLINE_KAFKA_TLS)" if isinstance(error, ConnectionResetError) else ""
    said = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return f"{said}{hint}"
