"""`erase`: a customer is forgotten, and there is a receipt."""

from contextlib import AsyncExitStack
from typing import Annotated

import msgspec
import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from pipeline.app.erasing import Outside, Receipt
from pipeline.app.erasing import Progress as Told
from pipeline.app.erasing import erase as erase_from
from pipeline.app.stack import open_warehouse
from pipeline.cli.base import CatalogueFile, Data, app, cannot, err, out, run_async, settings
from pipeline.cli.replay import target_of
from pipeline.io.kafka import Tuning, security_of
from pipeline.io.producer import Producer
from pipeline.settings import Settings


@app.command()
def erase(
    customer_id: Annotated[str, typer.Argument(help="The id as sources send it, or its pseudonym", metavar="ID")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    data: Data = None,
    catalogue: CatalogueFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print the receipt as JSON")] = False,
) -> None:
    """Forget a customer: no contact names them any more, also when everything is sent again. What was counted of their
    contacts stays, as contacts of a customer nobody knows. Cannot be undone.
    """
    if not customer_id.strip():
        cannot("the ID is empty")
    found = settings(data=data, catalogue=catalogue)
    if not yes and not typer.confirm("Erase this customer from every contact, for good?"):
        cannot("nothing was erased")
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=err, transient=True) as progress:
        task = progress.add_task("erasing", total=None)
        receipt = run_async(_erase(found, customer_id, lambda what: progress.update(task, description=what)))
    if json:
        out.print_json(msgspec.json.encode(receipt).decode())
    else:
        _show(receipt)
    raise typer.Exit(1 if receipt.left else 0)


async def _erase(found: Settings, customer_id: str, told: Told) -> Receipt:
    if found.embedded_log:
        async with target_of(found) as target:
            return await target.erase(customer_id)
    async with AsyncExitStack() as stack:
        warehouse = await open_warehouse(found, stack)
        producer = Producer(
            found.kafka,
            client_id="touchline-erase",
            security=security_of(found),
            tuning=Tuning(),
            room=None,
            guarded=frozenset(),
        )
        await producer.start()
        stack.push_async_callback(producer.stop)
        return await erase_from(Outside(found, warehouse, producer), customer_id, told)


def _show(receipt: Receipt) -> None:
    out.print(f"Erased from {receipt.contacts:,} contacts. Receipt {receipt.receipt}.")
    if receipt.left:
        out.print(f"{receipt.left:,} contacts still name the customer: run it again.", style="red")
    out.print(
        "What sources send of this customer from before now stays nameless. The topics hold the pseudonym until their"
        " retention ends (touchline.raw: 7 days); backups hold what they hold."
    )
