"""What all commands share: options, one sentence instead of a stack for what the user can mend, logging."""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TypeVar

import typer
from rich.console import Console

from agents.folding import LogLost
from pipeline.app.stack import CannotStart, MustRestart
from pipeline.app.starting import sparing_the_collector
from pipeline.app.watchdog import RESTART_EXIT_CODE
from pipeline.core.engine import OtherDefinitions
from pipeline.io.embedded import FolderHeld
from pipeline.io.files import FileProblem
from pipeline.io.http import CannotListen
from pipeline.io.schema import SchemaRefused
from pipeline.io.sparing import Sparing
from pipeline.ports import LogError, WarehouseDown, WarehouseRefused
from pipeline.settings import Settings, SettingsError, load
from schemas.catalogue import CatalogueError

T = TypeVar("T")
_PIPE_WIDTH: Final = 160
"""Columns where nobody says how wide it is: a file, a pipe."""

app = typer.Typer(
    help="touchline: who is waiting for us right now, and did we help?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out: Final = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err: Final = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _PIPE_WIDTH)

Data = Annotated[Path | None, typer.Option("--data", help="Folder of the embedded ClickHouse [default: data]")]
CatalogueFile = Annotated[Path | None, typer.Option("--catalogue", help="YAML file of the organisation's promises")]
Port = Annotated[int | None, typer.Option("--port", help="Port of the page and /metrics [default: 8090]")]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on [default: 127.0.0.1]")]

MENDABLE: Final = (
    CannotListen,
    CannotStart,
    CatalogueError,
    FileProblem,
    FolderHeld,
    LogError,
    LogLost,
    OtherDefinitions,
    SchemaRefused,
    SettingsError,
    WarehouseDown,
    WarehouseRefused,
)
"""What the user can mend, said in one sentence. Everything else is a bug and shows its stack."""


def settings(**options: Any) -> Settings:
    """Settings from the environment, with options before it; ends the command on a wrong one."""
    try:
        return load(os.environ, **options)
    except SettingsError as error:
        cannot(error)


def cannot(error: BaseException | str) -> NoReturn:
    """End the command with one sentence and exit code 2."""
    err.print(f"touchline: {error}", style="red", markup=False, soft_wrap=True)
    raise typer.Exit(2)


def end_to_restart(error: BaseException) -> NoReturn:
    """End the process with one sentence and the exit code after which it is to be started again."""
    err.print(f"touchline: {error}; ending, to be started again", style="red", markup=False, soft_wrap=True)
    raise typer.Exit(RESTART_EXIT_CODE)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end; what the user can mend becomes one sentence."""
    logging.basicConfig(
        level=os.environ.get("LOGLEVEL", "WARNING"), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(Sparing())
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what goes wrong is raised, in one sentence
    try:
        return asyncio.run(sparing_the_collector(work))
    except MustRestart as error:
        end_to_restart(error)
    except MENDABLE as error:
        cannot(error)
    except KeyboardInterrupt:
        sys.exit(130)
