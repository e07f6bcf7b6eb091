"""Faust's side of the log: a transport that hands over whole fetched batches and commits what our ledger says.

One Faust event is what was fetched of one topic at a time: a batch of each partition. Faust's path per message, its
bookkeeping of gaps and its acknowledgements (which lose what an agent raised on, and forget what a rebalance
interrupts) are not used: positions are sought, never derived. Builds on inner interfaces of faust-streaming 0.15.3 and
aiokafka 0.14, both pinned, for which `tests/io/test_transport.py` is the contract.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, Protocol, TypeVar, cast

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from aiokafka.errors import (
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.app.base import BootStrategy
from faust.exceptions import ConsumerNotStarted
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from faust.types.tuples import ConsumerMessage
from mode.utils.futures import notify
from mode.utils.logging import get_logger
from msgspec import Struct

from pipeline.io.kafka import brokers, name
from pipeline.io.unpacking import unpacked
from pipeline.ports import Batch, LogError, Record

logger = get_logger(__name__)
T = TypeVar("T")

COMMIT_SECONDS = 3
MOST_FETCH_WAIT_MS = 250
"""What a broker is let wait for records once there were none for a while: every empty answer costs both sides."""
LOOK_SECONDS, FETCHER_LOOK_SECONDS = 1.0, 2.0
"""How often who is told what is written looks all the same; and aiokafka's fetcher, whether it may ask."""
GATHER_SECONDS = 0.02
"""What comes in little pieces is fetched together: so long after an answer nothing more is asked for. What comes
meanwhile is in the next one; were that asked for at once, it would be old before it is taken.
"""
BEYOND_END_TRIES = 20
"""Half seconds until a position beyond the log's end is believed: while leaders change the end may step back."""


class ConsumerEnded(LogError):
    """The consumer's thread is over; the app is about to say why."""


class Fetched(Struct, frozen=True):
    """A batch, the number of the seek it was read under, and whether the log had lost what came just before it."""

    batch: Batch
    seeks: int
    skipped: bool


class Rebalances(Protocol):
    """Who is told about partitions coming and going, in the order it must happen."""

    async def before_revoke(self) -> None:
        """All partitions are about to go: finish with them."""

    async def after_assign(self, partitions: Sequence[TP]) -> None:
        """These are ours now. Nothing is read before each is sought."""


class Boot(BootStrategy):
    """No producer of Faust's: ours waits for deliveries and raises. No sampling of rates that nobody reads."""

    enable_kafka_producer = False
    enable_sensors = False


class App(faust.App):
    """A Faust app that knows whom to tell, and touches no disk."""

    BootStrategy = Boot
    batch_records = 20_000
    fetch_wait_ms = 200
    alone = False
    """Nobody but this process writes to the log, and it says so (`ConsumerThread.written`)."""

    rebalances: Rebalances | None = None

    def _create_directories(self) -> None:
        return  # Faust's folders are for tables, of which there are none


class AsIs(faust.Schema[Any, Any]):
    """No decoding: the event's value is the batch."""

    def loads_key(self, app: Any, message: Message, *, loads: Any = None, serializer: Any = None) -> Any:
        return message.key

    def loads_value(self, app: Any, message: Message, *, loads: Any = None, serializer: Any = None) -> Any:
        return message.value


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread with aiokafka's consumer in it. Everything that touches the consumer runs on its loop."""

    def __post_init__(self) -> None:
        super().__post_init__()
        # An immutable set, replaced by the main thread and read by this one.
        self.wanted: frozenset[TP] = frozenset()
        self._positions: dict[TP, tuple[int, int]] = {}  # next offset, number of the seek
        self._skipped: set[TP] = set()
        self._beyond_end: dict[TP, int] = {}
        self._news = asyncio.Event()
        self.batch_records = cast("App", self.app).batch_records

    async def on_start(self) -> None:
        await super().on_start()
        if cast("App", self.app).alone:
            fetcher = self._ensure_consumer()._fetcher
            fetcher._fetcher_timeout = FETCHER_LOOK_SECONDS
            fetcher._proc_fetch_request = partial(self._fetch_news, fetcher, fetcher._proc_fetch_request)

    async def _fetch_news(self, fetcher: Fetcher, fetch: Callable[..., Awaitable[bool]], *request: Any) -> bool:
        """Fetch once; what brought nothing is not over, so that nothing more is asked for, before there may be news."""
        # Woken just before the end of a fetch, aiokafka still takes it for under way, and waits for its next look.
        cast("asyncio.Task[bool]", asyncio.current_task()).add_done_callback(lambda _: fetch_on(fetcher))
        self._news.clear()
        found = await fetch(*request)
        if not found:
            # Cancelled it ends in order, as aiokafka's own does.
            with suppress(TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
        return found

    def written(self) -> None:
        """There is something to fetch (main thread)."""
        with suppress(RuntimeError):  # its loop is over
            self.thread_loop.call_soon_threadsafe(self._news.set)

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust's 1.5 s are also what a seek has to wait for, on an idle partition.
        consumer._isolation_level = "read_committed"  # what a foreign producer aborted is not a touchpoint
        consumer._fetch_max_wait_ms = cast("App", self.app).fetch_wait_ms
        return consumer

    async def run(self, work: Callable[[AIOKafkaConsumer], Coroutine[Any, Any, T]]) -> T:
        """Run on the consumer's loop, from the main loop. Cancelling the caller cancels the work. Raises ConsumerEnded
        where that loop is over.
        """
        asked = work(self._ensure_consumer())
        try:
            asking = asyncio.run_coroutine_threadsafe(asked, self.thread_loop)
        except RuntimeError as error:
            asked.close()
            raise ConsumerEnded("The consumer's thread is over.") from error
        return await asyncio.wrap_future(asking)

    async def failure(self) -> Exception | None:
        """What keeps aiokafka out of its group, if anything does; asking lets it try again.

        It waits for somebody to ask, which nobody does in Faust: a member refused once would sit there for ever.
        """
        try:
            await self.run(check)
        except (KafkaError, ConsumerNotStarted) as error:
            return None if isinstance(error, ConsumerNotStarted) else error
        return None

    async def member(self) -> str:
        """Who we are in the group; empty while we are nobody. It changes only where the group has put us out."""
        try:
            return await self.run(member_of)
        except ConsumerNotStarted:
            return ""

    def want(self, partitions: frozenset[TP]) -> None:
        """Read these partitions from now on (main thread). New ones end the wait that is under way."""
        fresh = partitions - self.wanted
        self.wanted = partitions
        if fresh and self._consumer is not None:
            self.thread_loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._news.set()
        fetcher = self._ensure_consumer()._fetcher
        for waiter in list(fetcher._fetch_waiters):
            fetcher._notify(waiter)

    async def forget_positions(self, consumer: AIOKafkaConsumer) -> None:
        """After a revocation: whatever is still fetched is nobody's."""
        self._positions.clear()

    async def seek_to(self, consumer: AIOKafkaConsumer, partition: TP, offset: int, seeks: int) -> None:
        """Let the next batch start here, and carry this number."""
        consumer.seek(TopicPartition(*partition), offset)
        self._positions[partition] = offset, seeks
        self._skipped.discard(partition)
        self._beyond_end.pop(partition, None)
        self._wake()

    async def getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, list[Any]]:
        return await self.run(lambda consumer: self._fetch_records(consumer, active_partitions or set(), timeout))

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Mapping[TP, list[Sequence[Fetched]]]:
        """Of each topic one entry, under one of its partitions: each costs Faust several turns of the main loop."""
        fetcher, subscriptions = consumer._fetcher, consumer._subscription
        deadline = monotonic() + (timeout or 0.0)
        # The context tells aiokafka that somebody is polling: without it a paused worker would be put out of the group.
        with subscriptions.fetch_context():
            while self.consumer.flow_active:
                if consumer._closed or fetcher._closed:
                    raise ConsumerStoppedError
                # In a rebalance fetched_records would wait for its end.
                if not subscriptions.reassignment_in_progress:
                    by_topic: dict[str, dict[TP, Fetched]] = {}
                    for tp in self.wanted & active_partitions:
                        fetched = await self._fetched(consumer, tp)
                        if fetched is not None:
                            by_topic.setdefault(tp.topic, {})[tp] = fetched
                    if by_topic:
                        fetcher._fetch_max_wait_ms = cast("App", self.app).fetch_wait_ms
                        return {next(iter(found)): [tuple(found.values())] for found in by_topic.values()}
                remaining_seconds = deadline - monotonic()
                if remaining_seconds <= 0:
                    break
                waiter = fetcher._create_fetch_waiter()
                await asyncio.wait([waiter], timeout=min(remaining_seconds, 0.2))
                if waiter.done():
                    waiter.exception()  # dealt with by whoever asks for `failure`
                else:
                    waiter.cancel()
        fetcher._fetch_max_wait_ms = min(2 * fetcher._fetch_max_wait_ms, MOST_FETCH_WAIT_MS)
        return {}

    async def _fetched(self, consumer: AIOKafkaConsumer, partition: TP) -> Fetched | None:
        """What aiokafka has in store of a partition, without waiting."""
        fetcher = consumer._fetcher
        result = fetcher._records.get(partition)
        records: list[Record] = []
        waits_seconds = 0.0
        if type(result) is FetchResult:
            waits_seconds = max(result._created + GATHER_SECONDS - monotonic(), 0.0)
            try:
                records = unpacked(result, self.batch_records)
            finally:
                if not result.has_more():
                    del fetcher._records[partition]
        elif result is not None:
            try:
                await fetcher.fetched_records({partition})  # raises what it is
            except NoOffsetForPartitionError:
                return None  # from before our seek: there is no reset policy, positions are ours
            except OffsetOutOfRangeError as error:
                await self._out_of_range(consumer, partition, int(dict(error.args[0])[partition]))
                return None
        # No await from the reading to here, so aiokafka's position is that after these records.
        found = self._batch(consumer, partition, records)
        if result is not None and partition not in fetcher._records:
            at_end = found is not None and not found.batch.left
            self.thread_loop.call_later(waits_seconds if at_end else 0.0, fetch_on, fetcher)
        return found

    def _batch(self, consumer: AIOKafkaConsumer, partition: TP, records: list[Record]) -> Fetched | None:
        assignment = consumer._subscription.subscription.assignment
        state = None if assignment is None else assignment.state_value(partition)
        if state is None or not state.has_valid_position or partition not in self._positions:
            return None
        from_offset, seeks = self._positions[partition]
        to_offset = int(state.position)
        if to_offset == from_offset:
            return None
        # Without records: the log has only control records or aborted transactions here. That is progress, too.
        self._positions[partition] = to_offset, seeks
        skipped = partition in self._skipped
        self._skipped.discard(partition)
        self._beyond_end.pop(partition, None)
        left = max((state.highwater or 0) - to_offset, 0)
        return Fetched(Batch(name(partition), from_offset, to_offset, records, left), seeks, skipped)

    async def _out_of_range(self, consumer: AIOKafkaConsumer, partition: TP, offset: int) -> None:
        """The log no longer has, or does not yet have, this offset."""
        topic_partition = TopicPartition(*partition)
        first = (await consumer.beginning_offsets([topic_partition]))[topic_partition]
        end = (await consumer.end_offsets([topic_partition]))[topic_partition]
        position, seeks = self._positions.get(partition, (None, 0))
        if (
            position is None
            or consumer._subscription.subscription.assignment.state_value(topic_partition).position != offset
        ):
            return  # sought elsewhere meanwhile
        if offset < first:
            logger.warning(
                "%s begins at %d now: offsets %d to %d are lost to us", name(partition), first, offset, first - 1
            )
            consumer.seek(topic_partition, first)
            self._positions[partition] = first, seeks
            self._skipped.add(partition)
        elif offset > end:
            tries = self._beyond_end[partition] = self._beyond_end.get(partition, 0) + 1
            if tries >= BEYOND_END_TRIES:
                raise LogError(
                    f"{name(partition)} ends at offset {end}, but all before {offset} was already read:"
                    " the log lost its tail or was re-created."
                )
            await asyncio.sleep(0.5)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """For lag tools only, so a failure is worth a line, never a crash."""
        consumer = self._ensure_consumer()
        try:
            await consumer.commit(
                {TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items()}
            )
        except (KafkaError, IllegalStateError) as error:
            logger.warning("offsets were not committed, the next commit carries them: %r", error)
            return False
        return True


class Forgetful(dict[TP, Any]):
    """A map of Faust's that stays empty: whatever is looked up is new, whatever is stored is gone."""

    def __init__(self, make: Callable[[], Any]) -> None:
        super().__init__()
        self._make = make

    def __getitem__(self, partition: TP) -> Any:
        return self._make()

    def __setitem__(self, partition: TP, value: Any) -> None:
        return


class Consumer(driver.Consumer):
    """Faust's consumer with our own ledger."""

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Faust would drop what comes after a seek backwards,
        self._read_offset = Forgetful(lambda: None)
        # and its compiled stream notes every acknowledgement here, past `ack`, for a commit that never asks.
        self._acked = Forgetful(list)
        self._acked_index = Forgetful(set)
        self._ledger: dict[TP, int] = {}
        self._committing = asyncio.Lock()
        self._frozen = False

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def thread(self) -> ConsumerThread:
        """The thread to run reads on."""
        return self._thread

    # -- the ledger

    def durable(self, partition: TP, next_offset: int) -> None:
        """What may be committed of a partition from now on."""
        self._ledger[partition] = next_offset

    def freeze(self) -> None:
        """Commit nothing any more, whatever is asked: there is a bug."""
        self._frozen = True

    def _new_offset(self, tp: TP) -> int | None:
        return None if self._frozen else self._ledger.get(tp)

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit what is durable and not committed yet, of the partitions we hold."""
        async with self._committing:
            offsets = {tp: self._new_offset(tp) for tp in self._ledger if tp in self.assignment()}
            news = {
                tp: offset
                for tp, offset in offsets.items()
                if offset is not None and offset != self._committed_offset[tp]
            }
            if not news:
                return False
            try:
                async with asyncio.timeout(COMMIT_SECONDS):
                    committed = await self._thread.run(lambda _: self._thread._commit(news))
            except TimeoutError:
                logger.warning("offsets were not committed: Kafka did not answer for %d s", COMMIT_SECONDS)
                return False
            if committed:
                self._committed_offset.update(news)
            return committed

    # -- batches in

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, list[Any]]:
        if not self.app.flow_control.is_active():
            # When Faust resumes it empties its queues: nothing may be in them.
            await asyncio.sleep(0.02)
            return {}
        return await self._thread.getmany(active_partitions, timeout)

    def _to_message(self, tp: TP, record: Sequence[Fetched]) -> ConsumerMessage:
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            record[0].batch.to_offset - 1,
            monotonic(),
            0,
            None,
            None,
            record,  # type: ignore[arg-type]  # Faust expects bytes; `AsIs` hands it through
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    # -- what Faust would do by itself and must not

    def ack(self, message: Message) -> bool:
        """Note that the agent has it, no more: what is durable is said by `durable`."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        notify(self._waiting_for_ack)
        return True

    async def perform_seek(self) -> None:
        """Faust would go to the committed offsets; our positions come from whoever is assigned the partitions."""

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """There are no gaps: a batch says where it begins and ends."""

    async def verify_all_partitions_active(self) -> None:
        """Faust's livelock detector only logs, and mistakes a paused partition for a stuck one."""

    # -- rebalances

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        rebalances = cast("App", self.app).rebalances
        if rebalances is not None:
            await rebalances.before_revoke()
        await self._thread.run(self._thread.forget_positions)
        await super().on_partitions_revoked(revoked)
        self._ledger.clear()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        await super().on_partitions_assigned(assigned, generation_id)
        rebalances = cast("App", self.app).rebalances
        if rebalances is not None:
            await rebalances.after_assign(sorted(assigned))


class Transport(driver.Transport):
    """`batch://host:9092`."""

    Consumer = Consumer


def register() -> None:
    """Let Faust find `batch://` where the package's entry point is not installed."""
    drivers.TRANSPORTS.aliases.setdefault("batch", "pipeline.io.transport:Transport")


def fetch_on(fetcher: Fetcher) -> None:
    """Let the fetcher ask for what it has nothing of."""
    fetcher._notify(fetcher._wait_consume_future)


async def check(consumer: AIOKafkaConsumer) -> None:
    """Raise what aiokafka keeps for its user."""
    consumer._coordinator.check_errors()


async def member_of(consumer: AIOKafkaConsumer) -> str:
    """The member id the group's coordinator gave."""
    return str(consumer._coordinator.member_id)


def brokers_url(bootstrap: str) -> str:
    """`h1:9092,h2:9092` as Faust wants it."""
    return ";".join(f"batch://{server}" for server in brokers(bootstrap))
