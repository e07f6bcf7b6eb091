"""`tail`: touchpoints as they pass."""

import asyncio
import sys
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer

from pipeline.app.catalogues import choose
from pipeline.app.shared import Remote
from pipeline.cli.base import Data, app, err, out, run_async, settings
from pipeline.io.following import follow
from pipeline.io.kafka import security_of
from pipeline.settings import Settings
from schemas.codec import decode
from schemas.rejects import Reject
from schemas.topics import TOUCHPOINTS
from schemas.touchpoint import Touchpoint

_SHOWN = frozenset({"id", "time", "type", "contact_id", "channel", "queue"})


@app.command()
def tail(
    data: Data = None,
    type_: Annotated[list[str] | None, typer.Option("--type", help="Only these types, such as contact.queued")] = None,
    channel: Annotated[list[str] | None, typer.Option(help="Only these channels")] = None,
    queue: Annotated[list[str] | None, typer.Option(help="Only these queues")] = None,
    contact: Annotated[list[str] | None, typer.Option(help="Only these contacts")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only these sources")] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="From the oldest the log has")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, as it is in the log")] = False,
) -> None:
    """Print touchpoints as they pass, until Ctrl-C. Several options of one kind mean any of them."""
    wanted = {"type": type_, "channel": channel, "queue": queue, "contact_id": contact, "source": source}
    chosen = {name: frozenset(values) for name, values in wanted.items() if values}
    run_async(_tail(settings(data=data), chosen, from_start=from_start, json=json))


async def _tail(found: Settings, wanted: dict[str, frozenset[str]], *, from_start: bool, json: bool) -> None:
    if found.embedded_log:
        bootstrap = await Remote(found.data).bootstrap()
    else:
        bootstrap = found.kafka
    zone = ZoneInfo(choose(found).catalogue.zone)
    err.print(f"touchline: following {TOUCHPOINTS}, until Ctrl-C", style="dim")
    async for value in follow(bootstrap, TOUCHPOINTS, security_of(found), from_start=from_start):
        touchpoint = decode(value)
        if isinstance(touchpoint, Reject):
            continue
        fields = msgspec.to_builtins(touchpoint)
        if not all(fields.get(name) in values for name, values in wanted.items()):
            continue
        if json:
            sys.stdout.write(value.decode() + "\n")
            sys.stdout.flush()
        else:
            out.print(_line(touchpoint, fields, zone), markup=False, soft_wrap=True)
    await asyncio.sleep(0)


def _line(touchpoint: Touchpoint, fields: dict[str, Any], zone: ZoneInfo) -> str:
    at = datetime.fromtimestamp(touchpoint.time / 1_000, zone)
    place = touchpoint.channel + (f"/{touchpoint.queue}" if touchpoint.queue else "")
    more = " ".join(f"{name}={value}" for name, value in fields.items() if name not in _SHOWN)
    clock = f"{at:%Y-%m-%d %H:%M:%S}.{touchpoint.time % 1_000:03}"
    return f"{clock}  {fields['type']:<26} {place:<20} {touchpoint.contact_id}  {more}".rstrip()
