"""The log the agents use: Kafka by way of Faust, with Faust hidden.

Faust gives membership, assignment and one agent a topic. The agent puts batches into a small queue a partition, and a
task a partition calls the handler: a slow partition holds up nobody, and what is fetched ahead is bounded. Positions
are whatever was sought last, commits whatever was reported durable. An exception out of a handler is a bug and ends
the process before anything more is committed.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from time import monotonic
from typing import Any, NoReturn, Protocol, TypeVar, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IllegalStateError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from faust.types import TP

from pipeline.io.broker import Room
from pipeline.io.held import Held, Progress
from pipeline.io.kafka import Security, Tuning, brokers, connection, credentials, name, topic_partition
from pipeline.io.producer import Producer
from pipeline.io.transport import App, AsIs, Consumer, ConsumerEnded, Fetched, brokers_url, register
from pipeline.ports import Batch, LogError, LogRefused, OutRecord, Overtaken

logger = logging.getLogger(__name__)
T = TypeVar("T")

BatchHandler = Callable[[Batch], Awaitable[None]]
"""Called with each batch, one at a time for a partition, side by side for different partitions. It may wait."""

BUG_EXIT_CODE = 70
MEMBERSHIP_CHECK_SECONDS = 1.0
ENDING_SECONDS = 10.0
REFUSALS_TOTAL = 30
AUTHORISATION_ERRORS = GroupAuthorizationFailedError, TopicAuthorizationFailedError


class Assignments(Protocol):
    """Who owns the state of partitions."""

    async def assigned(self, partitions: Sequence[str]) -> None:
        """Recover these and `seek` each; until then nothing of them is read.

        What was not sought on return starts at the group's committed offset, else at the log's first. Runs beside the
        rebalance and may take long; cancelled if they go again before it is done.
        """

    async def revoked(self, partitions: Sequence[str]) -> None:
        """Flush these within 10 s, report what is `durable`, forget them: they go, or the log stops.

        No handler call begins from here on; one that waits is cancelled when this has returned.
        """

    async def overtaken(self, partitions: Sequence[str]) -> str:
        """The group has put us out: how these are seen to have gone on without us; empty if they have not."""


def end_process(bug: BaseException) -> NoReturn:
    """What a bug does by default: say so, and end without any clean-up that could commit."""
    logger.critical("ending the process, nothing more is committed: %s", bug, exc_info=bug)
    logging.shutdown()
    os._exit(BUG_EXIT_CODE)


class FaustLog:
    """`pipeline.ports.Log` on Kafka, one per group and process. Everything runs in the loop that `start` is called in.

    With `embedded`, `produce` to a topic of `topics` waits while 3 MiB of a partition are not yet reported durable:
    its owner has to flush by itself, whatever else waits.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        group: str,
        client_id: str,
        topics: Mapping[str, BatchHandler],
        listener: Assignments,
        embedded: bool = False,
        security: Security | None = None,
        tuning: Tuning | None = None,
        on_bug: Callable[[BaseException], object] = end_process,
    ) -> None:
        self.bootstrap = bootstrap
        self._group = group
        self._client_id = client_id
        self._topics = dict(topics)
        self._listener = listener
        self._security = security or Security()
        self._tuning = tuning or Tuning()
        self._on_bug = on_bug
        self._room = Room() if embedded else None
        self._producer: Producer | None = None
        self._reader: AIOKafkaConsumer | None = None  # asks for bounds only: no fetch is in the way of its answers
        self._app: App | None = None
        self._held: dict[str, Held] = {}
        self._open = False  # partitions are ours and may be read and handled
        self._workers: list[asyncio.Task[None]] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._revoking = asyncio.Lock()
        self._member = ""  # who we are in the group
        self._failed = False
        self._stopping = False
        self.repaired_total = 0
        """Holes that Faust's queues left and that were closed by seeking back."""

    # ---- life

    async def start(self) -> None:
        """Connect, see that the topics exist, join the group; returns when the first assignment is under way.

        Raises LogError.
        """
        for noisy in ("faust", "mode", "aiokafka"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        logging.getLogger("pipeline.io.transport").setLevel(logging.WARNING)  # Faust's services log there as well
        self._stopping = False
        try:
            await self._connect()
            await self._join()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Let the listener finish (`revoked`), commit, leave the group, disconnect."""
        self._stopping = True
        await cancelled(self._watchers)
        await self.before_revoke()
        app, self._app = self._app, None
        if app is not None:
            await app.stop()
        for client in (self._reader, self._producer):
            if client is not None:
                await client.stop()
        self._reader = self._producer = None

    async def _connect(self) -> None:
        self._producer = Producer(
            self.bootstrap,
            client_id=self._client_id,
            security=self._security,
            tuning=self._tuning,
            room=self._room,
            guarded=frozenset(self._topics),
        )
        await self._producer.start()
        self._reader = AIOKafkaConsumer(
            bootstrap_servers=brokers(self.bootstrap),
            client_id=f"{self._client_id}-bounds",
            isolation_level="read_committed",
            **connection(self._security),
        )
        try:
            await self._reader.start()
        except KafkaError as error:
            raise LogError(f"Kafka at {self.bootstrap} cannot be reached: {error}") from error
        for topic in self._topics:
            await self._producer.partitions(topic)

    async def _join(self) -> None:
        app = self._app = self._new_app()
        starting, ending = asyncio.ensure_future(app.start()), asyncio.ensure_future(self._end_of(app))
        await asyncio.wait([starting, ending], return_when=asyncio.FIRST_COMPLETED)
        if ending.done():
            starting.cancel()
            refused = isinstance(ending.result(), AUTHORISATION_ERRORS)
            raise (LogRefused if refused else LogError)(
                f"The group {self._group} cannot be joined at {self.bootstrap}: {ending.result()!r}"
            )
        ending.cancel()
        starting.result()
        self._watchers = [self._task(self._watch_app(app)), self._task(self._watch_progress())]

    def _new_app(self) -> App:
        tuning, alone = self._tuning, self._room is not None
        # Nobody else comes or goes in a group on the embedded broker: there is nothing to learn by it.
        heartbeat_seconds = tuning.session_timeout_seconds / 4 if alone else tuning.heartbeat_interval_seconds
        register()
        app = App(
            self._group,
            broker=brokers_url(self.bootstrap),
            broker_client_id=self._client_id,
            broker_credentials=credentials(self._security),
            broker_session_timeout=tuning.session_timeout_seconds,
            broker_heartbeat_interval=heartbeat_seconds,
            broker_rebalance_timeout=tuning.rebalance_timeout_seconds,
            broker_commit_interval=tuning.commit_interval_seconds,
            consumer_max_fetch_size=tuning.fetch_bytes,
            consumer_auto_offset_reset="none",
            stream_buffer_maxsize=16,
            stream_wait_empty=False,  # we wait for our handlers; Faust would collect garbage as well, and sleep
            store="memory://",
            table_standby_replicas=0,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
        )
        app.batch_records = tuning.batch_records
        # The embedded broker sits out the whole wait, where Kafka answers as soon as there is something.
        app.fetch_wait_ms, app.alone = 0 if alone else tuning.fetch_wait_ms, alone
        app.rebalances = self
        for topic in self._topics:
            app.agent(app.topic(topic, schema=AsIs()), name=f"{self._group}.{topic}", concurrency=1)(self._receive)
        app.finalize()
        return app

    # ---- the port

    async def produce(self, topic: str, records: Sequence[OutRecord]) -> Mapping[int, int]:
        """Write all; return when every one is acknowledged by all in-sync replicas: of each partition written to the
        offset after the last of them. Raises LogError.

        Embedded: waits until the topic's handler in this process has made room by `durable`.
        """
        ends = await self._started(self._producer).produce(topic, records)
        if self._room is not None and self._app is not None:
            self._consumer.thread.written()
        return ends

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has. Raises LogError."""
        return await self._started(self._producer).partitions(topic)

    async def bounds(self, partition: str) -> tuple[int, int]:
        """(first offset the log still has, offset of the next record to come). Raises LogError."""
        wanted, reader = topic_partition(partition), self._started(self._reader)
        try:
            first, end = await reader.beginning_offsets([wanted]), await reader.end_offsets([wanted])
        except KafkaError as error:
            raise LogError(f"Kafka at {self.bootstrap} does not tell the bounds of {partition}: {error!r}") from error
        return int(first[wanted]), int(end[wanted])

    async def committed(self, partition: str) -> int | None:
        """The group's committed offset of a partition that is ours; None where there is none. Raises LogError."""
        wanted = topic_partition(partition)
        try:
            return await self._consumer.thread.run(lambda consumer: consumer.committed(wanted))
        except KafkaError as error:
            raise LogError(f"Kafka at {self.bootstrap} does not tell what {partition} committed: {error!r}") from error

    async def seek(self, partition: str, offset: int) -> None:
        """Let the next batch start at `offset`: whatever was fetched before does not reach the handler any more.

        Does nothing for a partition that is not ours (any more): whoever gets it seeks.
        """
        held = self._held.get(partition)
        if held is None or not self._open:
            return
        seeks, thread = held.seek(offset), self._consumer.thread
        try:
            await thread.run(lambda consumer: thread.seek_to(consumer, held.partition, offset, seeks))
        except IllegalStateError:
            logger.info("%s went while it was sought", partition)
        self._want()

    def durable(self, partition: str, next_offset: int) -> None:
        """Everything before `next_offset` is stored: committed within the commit interval, frees embedded room."""
        if self._room is not None:
            self._room.durable(partition, next_offset)
        held = self._held.get(partition)
        if held is not None:
            self._consumer.durable(held.partition, next_offset)

    def pause(self, partition: str) -> None:
        """Fetch nothing more of this partition, and begin no handler call, until `resume`."""
        self._set_paused(partition, paused=True)

    def resume(self, partition: str) -> None:
        """Fetch again."""
        self._set_paused(partition, paused=False)

    def _set_paused(self, partition: str, *, paused: bool) -> None:
        held = self._held.get(partition)
        if held is not None:
            held.paused = paused
            held.changed.set()
            self._want()

    @property
    def generation(self) -> int:
        """The number of the group's present division of partitions, as far as this member knows; -1 outside of it."""
        return int(self._app.consumer_generation_id) if self._app is not None and self._open else -1

    def progress(self) -> list[Progress]:
        """Every partition held now, in order."""
        return [held.progress() for _, held in sorted(self._held.items())]

    # ---- batches

    async def _receive(self, batches: Any) -> None:
        """Take batches from Faust: its agent. Never waits for a handler, so no partition waits for another."""
        async for several in batches:
            for fetched in several:
                await self._arrived(fetched)

    async def _arrived(self, fetched: Fetched) -> None:
        batch = fetched.batch
        held = self._held.get(batch.partition)
        if held is None or not self._open or held.expected is None or fetched.seeks != held.seeks:
            return  # from before a seek or a rebalance
        if batch.from_offset != held.expected and not fetched.skipped:
            self.repaired_total += 1
            logger.warning("%s came from %s, not %s: back", batch.partition, batch.from_offset, held.expected)
            await self.seek(batch.partition, held.expected)
            return
        held.expected = batch.to_offset
        held.queue.append(fetched)
        held.changed.set()
        self._want()

    async def _work(self, held: Held, handler: BatchHandler) -> None:
        """Call the handler for one batch of the partition after another."""
        while True:
            fetched = await held.next()
            self._want()
            await handler(fetched.batch)
            held.handled(fetched)

    def _want(self) -> None:
        """Tell the consumer what to read."""
        if self._app is not None:
            most = self._tuning.batch_records
            held = self._held.values() if self._open else ()
            self._consumer.thread.want(frozenset(one.partition for one in held if one.wants(most)))

    # ---- rebalances, called by the transport

    async def after_assign(self, partitions: Sequence[TP]) -> None:
        """Begin with these."""
        if self._failed or self._stopping or not partitions:
            return
        self._held = {name(partition): Held(partition) for partition in partitions}
        self._open = True
        self._workers = [
            self._task(self._work(held, self._topics[held.partition.topic])) for held in self._held.values()
        ]
        self._workers.append(self._task(self._assign(list(self._held))))

    async def _assign(self, partitions: list[str]) -> None:
        await self._listener.assigned(partitions)
        for partition in partitions:
            if self._held[partition].expected is None:
                committed = await self.committed(partition)
                await self.seek(partition, (await self.bounds(partition))[0] if committed is None else committed)

    async def before_revoke(self) -> None:
        """End with all we hold. `stop` does the same."""
        async with self._revoking:
            if not self._held:
                return
            self._open = False
            self._want()
            for held in self._held.values():
                held.queue.clear()
            await cancelled(self._workers[-1:])  # the recovery, if it still goes on
            await self._put_out()
            if not self._failed:
                await self._finish(list(self._held))
            await cancelled(self._workers)
            self._workers, self._held = [], {}

    async def _put_out(self) -> None:
        """Where the group has put us out, and not we leave it: were others ahead of us meanwhile?"""
        known, self._member = self._member, "" if self._stopping else await self._consumer.thread.member()
        if known and not self._member and not self._stopping and self._room is None:
            because = await self._listener.overtaken(list(self._held))
            if because:
                self._fail(Overtaken(f"the group {self._group} has put this worker out, and {because}"))

    async def _finish(self, partitions: list[str]) -> None:
        """The listener's flush, bounded (a rebalance must not wait for a warehouse that is down), and its commit."""
        revoking = self._task(self._listener.revoked(partitions))
        await asyncio.wait([revoking], timeout=self._tuning.revoke_seconds)
        if not revoking.done():
            logger.warning("%d partitions go before their flush is done: whoever gets them replays", len(partitions))
            await cancelled([revoking])
        await self._consumer.commit()

    # ---- watching

    async def _watch_app(self, app: App) -> None:
        """Faust ends without telling anybody; we do not."""
        reason = await self._end_of(app)
        raise reason if isinstance(reason, LogError) else LogError(f"The consumer of {self._group} ended: {reason!r}")

    async def _end_of(self, app: App) -> BaseException | None:
        """Wait for the app, or its membership in the group, to end; why it did."""
        ending = asyncio.ensure_future(app.wait_until_stopped())
        refused_total = 0
        try:
            while not ending.done():
                await asyncio.wait([ending], timeout=MEMBERSHIP_CHECK_SECONDS)
                try:
                    failure = await self._consumer.thread.failure()
                    self._member = await self._consumer.thread.member() or self._member
                except ConsumerEnded as ended:  # the app is about to say why
                    await asyncio.wait([ending], timeout=ENDING_SECONDS)
                    return app.crash_reason or ended
                refused_total = 0 if self._open else refused_total + (failure is not None)
                if failure is not None:
                    logger.warning("the group %s is not joined: %r", self._group, failure)
                    if isinstance(failure, AUTHORISATION_ERRORS) or refused_total > REFUSALS_TOTAL:
                        return failure
        finally:
            ending.cancel()
        return app.crash_reason

    async def _watch_progress(self) -> None:
        """Ask for the ends (a paused partition is not told), and notice a consumer that died in silence."""
        while True:
            await asyncio.sleep(self._tuning.watch_interval_seconds)
            wanted = [topic_partition(partition) for partition in self._held]
            try:
                ends = await self._started(self._reader).end_offsets(wanted) if wanted else {}
            except KafkaError as error:
                logger.warning("Kafka at %s does not answer: %r", self.bootstrap, error)
                continue
            for partition, end_offset in ends.items():
                held = self._held.get(name(partition))
                seconds = held.stalled_seconds(int(end_offset), monotonic()) if held is not None else 0.0
                if seconds > self._tuning.stalled_seconds:
                    raise LogError(f"Nothing was read from {name(partition)} for {seconds:.0f} s, before {end_offset}.")

    # ---- helpers

    @property
    def _consumer(self) -> Consumer:
        return cast("Consumer", self._started(self._app).consumer)

    def _started(self, client: T | None) -> T:
        if client is None:
            raise LogError("The log is not started.")
        return client

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        bug = None if task.cancelled() else task.exception()
        if bug is not None:
            self._fail(bug)

    def _fail(self, bug: BaseException) -> None:
        """Read, handle and commit nothing any more, and say why."""
        if not self._failed:
            self._failed, self._open = True, False
            self._consumer.freeze()
            self._want()
            self._on_bug(bug)


async def cancelled(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Cancel, and wait until they are over; what they raised is dealt with by `_ended`."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
