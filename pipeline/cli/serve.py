"""`run`, `demo` and `worker`: the pipeline as a process that goes on until it is told to end."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import typer

from pipeline.answers.speech import Language
from pipeline.app import App
from pipeline.app.catalogues import Chosen, choose, keep, refuse_others
from pipeline.app.catalogues import simulated as simulated_text
from pipeline.app.erasing import keep_knowing
from pipeline.app.feeding import Simulation
from pipeline.app.history import History
from pipeline.app.receiving import Receiver, senders_of
from pipeline.app.reloading import CatalogueWatch
from pipeline.app.rolling import keep_rolling
from pipeline.app.shared import Local, handlers
from pipeline.app.stack import CannotStart, MustRestart, open_broker, open_warehouse, prepare
from pipeline.app.state import State
from pipeline.app.storytelling import Storytelling
from pipeline.app.watchdog import Watchdog
from pipeline.app.watching import watch
from pipeline.cli.base import CatalogueFile, Data, Host, Port, app, cannot, out, run_async, settings
from pipeline.cli.explain import Lang, spoken
from pipeline.io.board import Telling
from pipeline.io.entry import Entry
from pipeline.io.explaining import ContactPage
from pipeline.io.http import Routes, is_loopback, serve
from pipeline.io.public import PublicPage
from pipeline.io.receiving.routes import Receiving
from pipeline.io.sharing import Sharing
from pipeline.io.simulator.story import ACTS, STORIES
from pipeline.live.public import public_waits
from pipeline.settings import Settings

_END_SECONDS: Final = 60.0
"""How long ending in order may take."""


@app.command()
def run(data: Data = None, catalogue: CatalogueFile = None, host: Host = None, port: Port = None) -> None:
    """Run the pipeline: embedded Kafka wire and ClickHouse, or the clusters that TOUCHLINE_KAFKA and
    TOUCHLINE_CLICKHOUSE name. Goes on until Ctrl-C.
    """
    found = settings(data=data, catalogue=catalogue, host=host, port=port)
    run_async(_serve(found))


@app.command()
def worker(catalogue: CatalogueFile = None, host: Host = None, port: Port = None) -> None:
    """Run one worker of a cluster: like `run`, but only on a real Kafka and a real ClickHouse."""
    found = settings(catalogue=catalogue, host=host, port=port)
    run_async(_serve(found, cluster=True))


@app.command()
def demo(
    data: Data = None,
    catalogue: CatalogueFile = None,
    host: Host = None,
    port: Port = None,
    rate: float = typer.Option(1.0, help="How busy the simulated organisation is (1: some 3 touchpoints a second)"),
    seed: int = typer.Option(7, help="Another seed, another day"),
    story: str | None = typer.Option(None, help=f"Tell a story of three minutes instead: {', '.join(STORIES)}"),
    lang: Lang = "en",
    speed: float = typer.Option(1.0, help="Tell the story so many times faster; then only its end is as it was"),
    once: bool = typer.Option(False, "--once", help="End with the story"),
) -> None:
    """Run the pipeline with a simulated service organisation, in real time. Goes on until Ctrl-C."""
    found = settings(data=data, catalogue=catalogue, host=host, port=port)
    language = spoken(lang)
    if story is not None and story not in STORIES:
        cannot(f"there is no story {story!r}; there is: {', '.join(STORIES)}")
    if story is None and (once or speed != 1):
        cannot("--once and --speed are for a story: add --story monday-morning")
    if speed < 1:
        cannot(f"--speed {speed:g} is slower than life: 1 or more")

    def play(pipeline: App, history: History) -> Simulation | Storytelling:
        if story is None:
            return Simulation(pipeline, seed, rate)
        return Storytelling(pipeline, story, seed, _teller(history, language), speed=speed, once=once)

    run_async(_serve(found, play=play))


def _teller(history: History, language: Language) -> Callable[[Telling], None]:
    """Says every act on the page and here."""

    def tell(telling: Telling) -> None:
        history.told = telling
        at = ACTS[telling.number - 1].at_ms // 1_000
        out.print(f"  {at // 60}:{at % 60:02}  {telling.text[language]}", highlight=False)

    return tell


Played = Simulation | Storytelling
Play = Callable[[App, History], Played]


async def _serve(found: Settings, *, cluster: bool = False, play: Play | None = None) -> None:
    if cluster and (found.embedded_log or found.embedded_warehouse):
        raise CannotStart(
            "a worker needs real servers: set TOUCHLINE_KAFKA=host:9092 and TOUCHLINE_CLICKHOUSE=host, or use"
            " `touchline run` for the embedded ones"
        )
    if not found.token and not is_loopback(found.host):
        raise CannotStart(
            f"on {found.host} other machines could read page and metrics: set TOUCHLINE_TOKEN to what they have to"
            " send, or leave --host out"
        )
    simulated = play is not None
    chosen = choose(found, simulated_text() if simulated else None)
    async with pipeline_of(found, chosen) as pipeline:
        watchdog = Watchdog()
        history = History(pipeline)
        simulation = play(pipeline, history) if play is not None else None

        def not_yet() -> str:
            return simulation.not_yet if simulation is not None else ""

        history.not_yet = not_yet
        state = State(
            pipeline,
            simulated=simulated,
            blocked_seconds=watchdog.longest_blocked_seconds,
            not_yet=not_yet,
        )
        senders = senders_of(found)
        receiving = Receiving(Receiver(pipeline), senders)
        contacts = ContactPage(Local(pipeline).explain)
        public = PublicPage(lambda: public_waits(state.summary(pipeline.clock.now_ms()), pipeline.rulebook))
        routes: list[Routes] = [receiving, contacts, public]
        if found.token:
            routes.append(Entry(found.token))
        runner = await serve(state, found.host, found.port, *routes, known_as=senders.host, aside=history)
        try:
            await _until_told(found, pipeline, state, watchdog, history, simulation)
        finally:
            await runner.cleanup()
    if isinstance(pipeline.problem, MustRestart):
        raise pipeline.problem
    if pipeline.problem is not None:
        raise CannotStart(str(pipeline.problem)) from pipeline.problem


@asynccontextmanager
async def pipeline_of(found: Settings, chosen: Chosen) -> AsyncIterator[App]:
    """Warehouse, broker and app, in the order they need each other; closed the other way round."""
    async with AsyncExitStack() as stack:
        warehouse = await open_warehouse(found, stack)

        async def check() -> None:
            await refuse_others(warehouse, chosen.catalogue)
            await prepare(warehouse, found, chosen.catalogue)
            keep(found, chosen)

        here = found.embedded_log and found.embedded_warehouse
        if here:
            await check()
        # Real servers may be away now: the start checks, and can wait for them.
        pipeline = App(found, chosen.catalogue, warehouse, open_broker(found, stack), None if here else check)
        if found.embedded_warehouse:
            sharing = Sharing(found.data, handlers(Local(pipeline)))
            await sharing.start()
            stack.push_async_callback(sharing.stop)
        yield pipeline


async def _until_told(
    found: Settings, pipeline: App, state: State, watchdog: Watchdog, history: History, simulation: Played | None
) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    watchdog.start()
    if not await _started(pipeline, told):
        out.print("Ended: it had not started yet.")
        return
    try:
        _say_where(found, simulated=simulation is not None)
        work: list[Coroutine[Any, Any, object]] = [
            told.wait(),
            pipeline.failed.wait(),
            state.with_others(),
            watch(pipeline),
            state.cohorts.run(),
            keep_knowing(pipeline),
            state.missed.run(),
            state.audit.run(),
            keep_rolling(pipeline),
            history.run(),
        ]
        if simulation is not None:
            work.append(simulation.run())
        if found.catalogue is not None:
            work.append(CatalogueWatch(pipeline, found.catalogue).run())
        await _first_of(work)
        if told.is_set():
            out.print("Ending: writing what is folded ...")
    finally:
        watchdog.ending(_END_SECONDS)
        await pipeline.stop()
    if pipeline.problem is None and pipeline.all_written:
        out.print("Ended: all that was folded is written.")
    elif pipeline.problem is None:
        out.print("Ended. What was folded and not written yet is counted again by whoever gets it next.")


async def _started(pipeline: App, told: asyncio.Event) -> bool:
    """Whether it started before it was told to end."""
    started = False

    async def start() -> None:
        nonlocal started
        await pipeline.start(patient=True)
        started = True

    await _first_of([told.wait(), start()])
    return started


async def _first_of(work: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Until the first of these ends; the others are cancelled. Raises what it raised."""
    tasks = [asyncio.create_task(each) for each in work]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for task in done:
        task.result()


def _say_where(found: Settings, *, simulated: bool) -> None:
    base = f"http://{found.host}:{found.port}"
    now = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
    out.print(f"[bold]touchline[/bold] runs since {now}" + (" on simulated data (DEMO)" if simulated else ""))
    out.print(f"  live page   {base}/", highlight=False)
    out.print(f"  Prometheus  {base}/metrics")
    where = f" --data {found.data}" if found.embedded_warehouse else ""
    sql = "SELECT queue, sum(offered), sum(answered) FROM touchline.measures GROUP BY queue"
    out.print(f'  SQL         touchline query "{sql}"{where}', soft_wrap=True)
    out.print("  Ctrl-C ends it; nothing is lost.")
