"""The log the agents use: Kafka by way of Faust, with Faust hidden.

Faust gives membership, assignment and one agent a topic. The agent hands batches to a small queue a partition, and a task a partition calls the handler:
a slow partition holds up nobody, and what is fetched ahead is bounded. Positions are whatever was sought last, commits whatever was
reported durable. An exception out of a handler is a bug and ends the process before anything more is committed.
"""

import asyncio
import logging
import os
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from time import monotonic
from typing import Any, NoReturn, Protocol, TypeVar, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition
from faust import SASLCredentials, SSLCredentials
from faust.types import TP
from faust.types.auth import CredentialsT
from msgspec import Struct

from pipeline.io.broker import Room
from pipeline.io.producer import Producer
from pipeline.io.transport import App, AsIs, Consumer, Fetched, brokers_url, name, register
from pipeline.ports import Batch, LogError, OutRecord

logger = logging.getLogger(__name__)
T = TypeVar("T")

BatchHandler = Callable[[Batch], Awaitable[None]]
"""Called with each batch of a topic, one at a time for a partition, at the same time for different partitions. May wait."""


class Assignments(Protocol):
    """Who owns the state of partitions."""

    async def assigned(self, partitions: Sequence[str]) -> None:
        """These are ours: recover them and `seek` each; what was not sought when this returns starts at Kafka's committed offset, or at the log's
        first. Runs beside the rebalance and may take long; cancelled when they go again before it is done.
        """

    async def revoked(self, partitions: Sequence[str]) -> None:
        """These go (all that were assigned, or the log stops): flush within 10 s, report `durable`, forget them. No handler call begins after this was
        called; one that waits is cancelled when this has returned.
        """


class Security(Struct, frozen=True):
    """How to connect. Neither given: plaintext. Faust's default with SASL but no context is plaintext too, so that is refused here."""

    ssl_context: ssl.SSLContext | None = None
    mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = None
    plaintext_password_allowed: bool = False


class Tuning(Struct, frozen=True):
    """Settings with values that fit most installations."""

    session_timeout_seconds: float = 12.0
    heartbeat_interval_seconds: float = 3.0
    rebalance_timeout_seconds: float = 60.0
    commit_interval_seconds: float = 1.0
    fetch_bytes: int = 4 * 1024 * 1024
    batches_ahead: int = 2
    revoke_seconds: float = 10.0
    watch_interval_seconds: float = 5.0
    stalled_seconds: float = 60.0
    compression: str | None = "lz4"


class Progress(Struct, frozen=True):
    """One partition now. `position`: next offset to be handled. `end_offset`: next offset to come, seconds old at most."""

    partition: str
    position: int
    end_offset: int
    batches_total: int
    records_total: int
    paused: bool


class _Partition:
    """What this worker knows of a partition it holds."""

    __slots__ = (
        "arrived",
        "batches_total",
        "end_offset",
        "expected",
        "moved_at",
        "partition",
        "paused",
        "position",
        "queue",
        "records_total",
        "seeks",
    )

    def __init__(self, partition: TP) -> None:
        self.partition = partition
        self.queue: deque[Fetched] = deque()
        self.arrived = asyncio.Event()
        self.expected: int | None = None  # where the next batch must begin; None before the first seek
        self.seeks = 0
        self.paused = False
        self.position = 0
        self.end_offset = 0
        self.batches_total = 0
        self.records_total = 0
        self.moved_at = monotonic()


def end_process(bug: BaseException) -> NoReturn:
    """What a bug does by default: say so, and end without any clean-up that could commit."""
    logger.critical("ending the process, nothing more is committed: %s", bug, exc_info=bug)
    logging.shutdown()
    os._exit(70)


class FaustLog:
    """`pipeline.ports.Log` on Kafka. One per process and group; everything runs in the loop `start` is called in."""

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
        self._bootstrap = bootstrap
        self._group = group
        self._client_id = client_id
        self._topics = dict(topics)
        self._listener = listener
        self._security = security or Security()
        self._tuning = tuning or Tuning()
        self._on_bug = on_bug
        self._room = Room() if embedded else None
        self._partitions: dict[str, _Partition] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._assigning: asyncio.Task[None] | None = None
        self._background: list[asyncio.Task[None]] = []
        self._revoking = asyncio.Lock()
        self._open = False
        self._failed = False
        self._stopping = False
        self._producer: Producer | None = None
        self._reader: AIOKafkaConsumer | None = (
            None  # in no group, reads no records: its questions do not queue behind a fetch
        )
        self._app: App | None = None
        self.repaired_total = 0
        """Holes that Faust's queues left and that were closed by seeking back."""

    # -- life

    async def start(self) -> None:
        """Connect, make sure the topics exist, join the group. Partitions arrive later, by `assigned`. Raises LogError."""
        for noisy in ("faust", "mode", "aiokafka"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        self._producer = Producer(
            self._bootstrap,
            client_id=self._client_id,
            connection=connection(self._security),
            compression=self._tuning.compression,
            room=self._room,
            guarded=frozenset(self._topics) if self._room is not None else frozenset(),
        )
        await self._producer.start()
        try:
            self._reader = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap.split(","),
                client_id=f"{self._client_id}-bounds",
                **connection(self._security),
            )
            await self._reader.start()
            for topic in self._topics:
                await self._producer.partitions(topic)
            self._app = self._new_app()
            await self._app.start()
        except BaseException:
            await self._disconnect()
            raise
        self._background = [self._task(self._watch_app(self._app)), self._task(self._watch_progress())]

    async def stop(self) -> None:
        """Let the listener finish (`revoked`), commit, leave the group, disconnect. Never raises for a broker that is gone."""
        self._stopping = True
        for task in self._background:
            task.cancel()
        await self.before_revoke()
        if self._app is not None:
            app, self._app = self._app, None
            await app.stop()
        await self._disconnect()

    async def _disconnect(self) -> None:
        for client in (self._reader, self._producer):
            if client is not None:
                await client.stop()
        self._reader = self._producer = None

    def _new_app(self) -> App:
        tuning = self._tuning
        register()
        app = App(
            self._group,
            broker=brokers_url(self._bootstrap),
            broker_client_id=self._client_id,
            broker_credentials=credentials(self._security),
            broker_session_timeout=tuning.session_timeout_seconds,
            broker_heartbeat_interval=tuning.heartbeat_interval_seconds,
            broker_rebalance_timeout=tuning.rebalance_timeout_seconds,
            broker_commit_interval=tuning.commit_interval_seconds,
            consumer_max_fetch_size=tuning.fetch_bytes,
            consumer_auto_offset_reset="none",
            stream_buffer_maxsize=16,
            store="memory://",
            table_standby_replicas=0,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
        )
        app.rebalances = self
        for topic in self._topics:
            app.agent(app.topic(topic, schema=AsIs()), name=f"{self._group}.{topic}", concurrency=1)(self._receive)
        app.finalize()
        return app

    async def _receive(self, batches: Any) -> None:
        """The Faust agent: never waits for a handler, so one partition cannot hold up another."""
        async for fetched in batches:
            await self._arrived(fetched)

    # -- the port

    async def produce(self, topic: str, records: Sequence[OutRecord]) -> None:
        """Write all; return when every one is acknowledged by all in-sync replicas. Embedded: waits until the topic's
        handler in this process made room by `durable`. Raises LogError.
        """
        await self._started(self._producer).produce(topic, records)

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has. Raises LogError."""
        return await self._started(self._producer).partitions(topic)

    async def seek(self, partition: str, offset: int) -> None:
        """Let the next batch start at `offset`; nothing fetched before reaches the handler any more. Does nothing for a partition that is not ours (now)."""
        held = self._partitions.get(partition)
        if held is None or not self._open:
            return
        held.seeks += 1
        held.queue.clear()
        held.expected = held.position = offset
        held.moved_at = monotonic()
        thread, seeks = self._consumer.thread, held.seeks
        try:
            await thread.run(lambda consumer: thread.seek_to(consumer, held.partition, offset, seeks))
        except IllegalStateError:
            logger.info("%s went while it was sought", partition)
        self._want()

    async def bounds(self, partition: str) -> tuple[int, int]:
        """(first offset the log still has, offset of the next record to come). Raises LogError."""
        wanted = to_topic_partition(partition)
        try:
            first = await self._started(self._reader).beginning_offsets([wanted])
            end = await self._started(self._reader).end_offsets([wanted])
        except KafkaError as error:
            raise LogError(
                f"The bounds of {partition} cannot be had from Kafka at {self._bootstrap}: {error!r}"
            ) from error
        return int(first[wanted]), int(end[wanted])

    async def committed(self, partition: str) -> int | None:
        """The group's committed offset of a partition that is ours, None where there is none. Raises LogError."""
        wanted = to_topic_partition(partition)
        try:
            return await self._consumer.thread.run(lambda consumer: consumer.committed(wanted))
        except KafkaError as error:
            raise LogError(
                f"The committed offset of {partition} cannot be had from Kafka at {self._bootstrap}: {error!r}"
            ) from error

    def durable(self, partition: str, next_offset: int) -> None:
        """Everything before `next_offset` is in the warehouse: committed to Kafka within the commit interval; frees embedded room."""
        if self._room is not None:
            self._room.durable(partition, next_offset)
        held = self._partitions.get(partition)
        if held is not None:
            self._consumer.durable(held.partition, next_offset)

    def pause(self, partition: str) -> None:
        """Fetch nothing more of this partition and start no handler call until `resume`."""
        self._set_paused(partition, True)

    def resume(self, partition: str) -> None:
        """Fetch again."""
        self._set_paused(partition, False)

    def progress(self) -> list[Progress]:
        """Every partition held now, in order."""
        return [
            Progress(
                partition,
                held.position,
                max(held.end_offset, held.position),
                held.batches_total,
                held.records_total,
                held.paused,
            )
            for partition, held in sorted(self._partitions.items())
        ]

    # -- batches

    async def _arrived(self, fetched: Fetched) -> None:
        batch = fetched.batch
        held = self._partitions.get(batch.partition)
        if held is None or not self._open or fetched.seeks != held.seeks:
            return  # from before a seek or a rebalance
        if batch.from_offset != held.expected and not fetched.skipped:
            self.repaired_total += 1
            logger.warning(
                "Faust lost %s from %s to %s: seeking back", batch.partition, held.expected, batch.from_offset
            )
            await self.seek(batch.partition, cast("int", held.expected))
            return
        held.expected = batch.to_offset
        held.queue.append(fetched)
        held.arrived.set()
        self._want()

    async def _work(self, held: _Partition, handler: BatchHandler) -> None:
        """Call the handler for one batch of the partition after another."""
        while True:
            held.arrived.clear()
            if not held.queue or held.paused:
                await held.arrived.wait()
                continue
            fetched = held.queue.popleft()
            self._want()
            await handler(fetched.batch)
            held.batches_total += 1
            held.records_total += len(fetched.batch.records)
            held.moved_at = monotonic()
            if fetched.seeks == held.seeks:
                held.position = fetched.batch.to_offset

    def _set_paused(self, partition: str, paused: bool) -> None:
        held = self._partitions.get(partition)
        if held is not None and held.paused != paused:
            held.paused = paused
            held.moved_at = monotonic()
            held.arrived.set()
            self._want()

    def _want(self) -> None:
        """Tell the consumer what to read: partitions that were sought, are not paused and have room in their queue."""
        ahead = self._tuning.batches_ahead
        self._consumer.thread.want(
            frozenset(
                held.partition
                for held in self._partitions.values()
                if self._open and held.expected is not None and not held.paused and len(held.queue) < ahead
            )
        )

    # -- rebalances (called by the transport, and by stop)

    async def after_assign(self, partitions: Sequence[TP]) -> None:
        self._partitions = {name(partition): _Partition(partition) for partition in partitions}
        self._open = not (self._failed or self._stopping)
        if self._open and self._partitions:
            self._workers = [
                self._task(self._work(held, self._topics[held.partition.topic])) for held in self._partitions.values()
            ]
            self._assigning = self._task(self._assign(list(self._partitions)))

    async def _assign(self, partitions: list[str]) -> None:
        await self._listener.assigned(partitions)
        for partition in partitions:
            if self._partitions[partition].expected is None:
                committed = await self.committed(partition)
                await self.seek(partition, (await self.bounds(partition))[0] if committed is None else committed)

    async def before_revoke(self) -> None:
        async with self._revoking:
            if not self._partitions:
                return
            self._open = False
            self._want()
            for held in self._partitions.values():
                held.queue.clear()
            await cancelled([self._assigning] if self._assigning is not None else [])
            if not self._failed:
                await self._finish(list(self._partitions))
            await cancelled(self._workers)
            self._workers, self._assigning, self._partitions = [], None, {}

    async def _finish(self, partitions: list[str]) -> None:
        """The listener's flush and the commit of what it made durable, both bounded: a rebalance must not wait for a warehouse that is down."""
        revoking = self._task(self._listener.revoked(partitions))
        await asyncio.wait([revoking], timeout=self._tuning.revoke_seconds)
        if not revoking.done():
            logger.warning("%d partitions went before their flush was done: whoever gets them replays", len(partitions))
            await cancelled([revoking])
        try:
            async with asyncio.timeout(3.0):
                await self._consumer.commit()
        except TimeoutError:
            logger.warning("offsets were not committed: Kafka did not answer")

    # -- watching

    async def _watch_app(self, app: App) -> None:
        await app.wait_until_stopped()
        if not self._stopping:
            reason = app.crash_reason
            raise (
                reason
                if isinstance(reason, LogError)
                else LogError(f"The Kafka consumer of {self._group} ended: {reason!r}")
            ) from reason

    async def _watch_progress(self) -> None:
        """Ask for the ends of the partitions (a paused one is not told), and notice a consumer that has died in silence."""
        while True:
            await asyncio.sleep(self._tuning.watch_interval_seconds)
            wanted = [TopicPartition(*held.partition) for held in self._partitions.values()]
            try:
                ends = await self._started(self._reader).end_offsets(wanted) if wanted else {}
            except KafkaError as error:
                logger.warning("Kafka at %s does not answer: %r", self._bootstrap, error)
                continue
            now = monotonic()
            for partition, end_offset in ends.items():
                held = self._partitions.get(f"{partition.topic}/{partition.partition}")
                if held is None:
                    continue
                held.end_offset = int(end_offset)
                waiting = held.expected is None or held.paused or held.queue or held.expected >= held.end_offset
                if waiting:
                    held.moved_at = max(held.moved_at, now) if not held.queue else held.moved_at
                elif now - held.moved_at > self._tuning.stalled_seconds:
                    raise LogError(
                        f"Nothing was read from {partition.topic}/{partition.partition} for {self._tuning.stalled_seconds:.0f} s,"
                        f" though the log goes on to offset {held.end_offset} from {held.expected}."
                    )

    # -- helpers

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

    def _ended(self, task: asyncio.Task[None]) -> None:
        bug = None if task.cancelled() else task.exception()
        if bug is not None and not self._failed:
            self._failed = True
            self._open = False
            self._consumer.freeze()
            self._want()
            self._on_bug(bug)


async def cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel and wait until they are over; what they raised is handled where they were made."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def to_topic_partition(partition: str) -> TopicPartition:
    """`topic/3` as aiokafka has it."""
    topic, _, number = partition.rpartition("/")
    return TopicPartition(topic, int(number))


def connection(security: Security) -> Mapping[str, Any]:
    """Security as aiokafka's client takes it. Raises LogError for a password that would go over the wire in plain text."""
    if security.username is None:
        return {} if security.ssl_context is None else {"security_protocol": "SSL", "ssl_context": security.ssl_context}
    if security.ssl_context is None and not security.plaintext_password_allowed:
        raise LogError(
            "A Kafka user without TLS would send its password in plain text: give a CA file, or allow it in so many words."
        )
    return {
        "security_protocol": "SASL_PLAINTEXT" if security.ssl_context is None else "SASL_SSL",
        "sasl_mechanism": security.mechanism,
        "sasl_plain_username": security.username,
        "sasl_plain_password": security.password,
        "ssl_context": security.ssl_context,
    }


def credentials(security: Security) -> CredentialsT | None:
    """The same as Faust takes it."""
    if security.username is not None:
        return SASLCredentials(
            username=security.username,
            password=security.password,
            ssl_context=security.ssl_context,
            mechanism=security.mechanism,
        )
    return None if security.ssl_context is None else SSLCredentials(security.ssl_context)
