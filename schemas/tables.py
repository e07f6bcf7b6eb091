"""The warehouse's tables as data: what the engine writes, rendered for the server it meets. Runs nothing.

All times are integers (ms, or seconds for windows), so that the oldest server stores exactly what the newest does; the
views for people (`schemas/views.py`) turn them into dates.
"""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final
from zlib import crc32

from msgspec import Struct

INTERNAL: Final = "touchline_internal"
"""The database of the engine's tables. People read database `touchline`."""

KIND_MARKER: Final = 0
KIND_CELL: Final = 1
KIND_CONTACT: Final = 2
KIND_FACT: Final = 3

RESOLUTION_NONE: Final = 0
RESOLUTION_MINUTE: Final = 1
RESOLUTION_HOUR: Final = 2
RESOLUTION_DAY: Final = 3

BUCKETS_SUFFIX: Final = "_buckets"
GIVEN_SUFFIX: Final = "__given"
HISTOGRAM: Final = "Map(UInt16, Int64)"
BUCKET_BITS: Final = 16
"""A histogram's bucket index fills the low bits of a cell's key."""


class Server(Struct, frozen=True, order=True):
    """A ClickHouse version, and what the DDL may use there."""

    major: int
    minor: int

    @property
    def low_cardinality(self) -> bool:
        """Knows LowCardinality without being asked to experiment."""
        return (self.major, self.minor) >= (19, 1)

    @property
    def codecs(self) -> bool:
        """Knows compression codecs of columns."""
        return (self.major, self.minor) >= (19, 11)

    @property
    def ttl(self) -> bool:
        """Knows how to delete rows by age."""
        return (self.major, self.minor) >= (19, 11)

    @property
    def table_comments(self) -> bool:
        """Knows comments on tables; on columns all do."""
        return (self.major, self.minor) >= (21, 9)

    @property
    def durable_inserts(self) -> bool:
        """Knows the table settings of `Table.settings` (compact parts, fsync)."""
        return (self.major, self.minor) >= (20, 10)

    @property
    def views(self) -> bool:
        """Knows what the views for people use: DateTime64, Map, comments on a view's columns."""
        return (self.major, self.minor) >= (24, 8)


def server_of(version: str) -> Server:
    """`18.16.1` -> Server(18, 16). Raises ValueError."""
    major, minor = version.split(".")[:2]
    return Server(int(major), int(minor))


class Column(Struct, frozen=True):
    """A column. With `alias` it is computed when it is read, and stored nowhere. With `computed` it is computed by the
    server when a row is written, for the views: servers that are too old for those have none, and another definition
    needs another name.
    """

    name: str
    type: str
    comment: str
    codec: str = ""
    alias: str = ""
    computed: str = ""


class Index(Struct, frozen=True):
    """A skip index, for the views: servers that are too old for those have none. Another definition needs another name.

    `granules`: how many granules of the table one entry stands for.
    """

    name: str
    expression: str
    type: str
    granules: int

    def sql(self) -> str:
        """Its definition."""
        return f"INDEX {quoted(self.name)} {self.expression} TYPE {self.type} GRANULARITY {self.granules}"


class Projection(Struct, frozen=True):
    """Some columns of a table once more, in another order, kept with each of its parts: what is true of indexes."""

    name: str
    columns: tuple[str, ...]
    order_by: tuple[str, ...]

    def sql(self) -> str:
        """Its definition."""
        return f"PROJECTION {quoted(self.name)} (SELECT {', '.join(self.columns)} ORDER BY {', '.join(self.order_by)})"


class Ttl(Struct, frozen=True):
    """Rows are deleted `days` after the time in `column` (ms), those for which `where` holds if there is one."""

    column: str
    days: int
    where: str = ""


class Table(Struct, frozen=True):
    """A ReplacingMergeTree: of rows with one sorting key the highest `version` counts."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    order_by: tuple[str, ...]
    partition_by: str = ""
    ttl: Ttl | None = None
    settings: Mapping[str, str] = {}
    database: str = INTERNAL
    engine: str = "ReplacingMergeTree(version)"
    granularity: int | None = None
    """Rows that one entry of the index stands for, where the table is made new; a table that is there keeps its own."""
    indexes: tuple[Index | Projection, ...] = ()
    for_views: bool = False
    """Only views read it: it is left out where the server is too old for them."""

    @property
    def full_name(self) -> str:
        """database.table."""
        return f"{self.database}.{self.name}"

    def columns_on(self, server: Server) -> tuple[Column, ...]:
        """Those that there are. What is computed when it is read is left to the views, where the server has them: every
        query would think about every such column of a table it names.
        """
        return tuple(each for each in self.columns if not (each.alias if server.views else each.computed))

    def indexes_on(self, server: Server) -> tuple[Index | Projection, ...]:
        """Those that there are."""
        return self.indexes if server.views else ()

    def settings_on(self, server: Server) -> dict[str, str]:
        """Those that there are. A merge leaves rows out, so it makes a projection anew."""
        found = dict(self.settings) if server.durable_inserts else {}
        if any(isinstance(each, Projection) for each in self.indexes_on(server)):
            found["deduplicate_merge_projection_mode"] = "'rebuild'"
        return found


class MeasureColumn(Struct, frozen=True):
    """One measure as cells store it: `key` stands for the name in a cell's `keys`.

    A histogram (named `..._buckets`) fills the keys `key | bucket index`. A nullable measure is absent, which is not 0,
    where no contact has it (open time without a calendar): `key + 1` counts those that do.
    """

    name: str
    key: int
    comment: str
    nullable: bool = False
    histogram: bool = False


class Retention(Struct, frozen=True):
    """Days until the server drops rows, by table; None keeps them.

    Counted from when we learned of a row (append time), never from when it happened: a replay of old history must not
    vanish as it arrives.
    """

    contacts: int | None = None
    resolutions: int | None = None
    dead_letters: int | None = None
    touchpoints: int | None = None


def measure_key(name: str) -> int:
    """The key of a measure in a cell: the CRC-32 of its name, shifted so that a bucket index fits below."""
    return crc32(name.encode()) << BUCKET_BITS


def quoted(name: str) -> str:
    """An identifier, quoted; names are ours, so a backtick in one is a bug."""
    if "`" in name or "\\" in name:
        raise ValueError(f"no identifier: {name!r}")
    return f"`{name}`"


def literal(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0") + "'"


def shown_type(type_: str, server: Server) -> str:
    """The type as this server knows it."""
    return type_ if server.low_cardinality else type_.replace("LowCardinality(String)", "String")


def column_sql(column: Column, server: Server) -> str:
    """A column's definition."""
    parts = [quoted(column.name), shown_type(column.type, server)]
    if column.alias:
        parts.append(f"ALIAS {column.alias}")
    if column.computed:
        parts.append(f"MATERIALIZED {column.computed}")
    parts.append(f"COMMENT {literal(column.comment)}")
    if column.codec and server.codecs:
        parts.append(f"CODEC({column.codec})")
    return " ".join(parts)


def ttl_sql(ttl: Ttl) -> str:
    """A TTL in the very words in which the server repeats it, so that the two can be compared."""
    where = f" WHERE {ttl.where}" if ttl.where else ""
    return f"toDateTime(intDiv({ttl.column}, 1000)) + toIntervalDay({ttl.days}){where}"


def create_sql(table: Table, server: Server) -> str:
    """The statement that creates the table on this server."""
    inside = [column_sql(each, server) for each in table.columns_on(server)]
    inside += [each.sql() for each in table.indexes_on(server)]
    listed = ",\n    ".join(inside)
    lines = [f"CREATE TABLE {table.full_name}\n(\n    {listed}\n)", f"ENGINE = {table.engine}"]
    if table.partition_by:
        lines.append(f"PARTITION BY {quoted(table.partition_by)}")
    lines.append(f"ORDER BY ({', '.join(quoted(each) for each in table.order_by)})")
    if table.ttl and server.ttl:
        lines.append(f"TTL {ttl_sql(table.ttl)}")
    settings = table.settings_on(server)
    if table.granularity is not None:
        settings["index_granularity"] = str(table.granularity)
    if settings:
        lines.append("SETTINGS " + ", ".join(f"{name} = {value}" for name, value in settings.items()))
    if server.table_comments:
        lines.append(f"COMMENT {literal(table.comment)}")
    return "\n".join(lines)


NAME: Final = "LowCardinality(String)"
_FOUND_ONE_BY_ONE: Final = 256
"""Rows read to find one contact. By default it is 8,192, some megabytes."""

# An insert is a commit: it must survive a power cut. A block of some ten thousand rows stays a compact part: two files
# to sync instead of two per column.
COMMITTED: Final[Mapping[str, str]] = {
    "fsync_after_insert": "1",
    "fsync_part_directory": "1",
    "min_bytes_for_wide_part": "268435456",
}


def _measure(column: MeasureColumn) -> tuple[Column, ...]:
    """A measure's columns in the ledger, for servers without views: computed from the sparse vector when it is read.

    ALIAS and not MATERIALIZED: 90 stored columns tripled the time of an insert and were only 2.7 times faster to read.
    """
    value = Column(column.name, "Int64", column.comment, alias=value_sql(column.key))
    if not column.nullable:
        return (value,)
    given = Column(
        column.name + GIVEN_SUFFIX,
        "Int64",
        f"How many contacts have {column.name}",
        alias=value_sql(column.key + 1),
    )
    return (value, given)


def _scanned(name: str, type_: str, comment: str) -> Column:
    """What boards read much of. By default newer servers pack large parts by ZSTD, which takes twice as long."""
    return Column(name, type_, comment, codec="LZ4")


def value_sql(key: int) -> str:
    """What a cell holds under this key; 0 if nothing."""
    return f"`values`[indexOf(`keys`, {key})]"


def how_many(name: str) -> str:
    """The column of views that says how many have an optional measure."""
    return f"{name.removesuffix('_ms')}_n"


def keys_of(measures: Sequence[MeasureColumn]) -> dict[str, int]:
    """Column -> its key in cells, of all that are no histograms."""
    found: dict[str, int] = {}
    for each in measures:
        if not each.histogram:
            found[each.name] = each.key
            if each.nullable:
                found[each.name + GIVEN_SUFFIX] = each.key + 1
    return found


def ledger(measures: Sequence[MeasureColumn]) -> Table:
    """Everything the engine knows about a partition: cells, state and position, written together in one block.

    Histograms get no column here: the views sum their keys. Raises ValueError where a name and its key disagree.
    """
    for each in measures:
        if each.key != measure_key(each.name):
            raise ValueError(f"measure {each.name}: key {each.key} is not that of its name, {measure_key(each.name)}")
        if each.histogram != each.name.endswith(BUCKETS_SUFFIX):
            raise ValueError(f"measure {each.name}: histograms, and only they, are named *{BUCKETS_SUFFIX}")
    if len({each.key for each in measures}) != len(measures):
        raise ValueError("two measures share a key: rename one of them")
    return Table(
        name="ledger",
        comment="Cells, contacts, facts and markers of every partition; one insert is one commit.",
        columns=(
            _scanned("kind", "UInt8", "0 marker, 1 cell, 2 contact, 3 fact of a contact (customer fold)"),
            _scanned("p", NAME, "Partition of the log, topic/number"),
            _scanned("resolution", "UInt8", "Of a cell: 1 minute, 2 hour, 3 day; else 0"),
            _scanned("window_s", "UInt32", "Of a cell: start of its window, seconds since the epoch, UTC; else 0"),
            _scanned("channel", NAME, "Of a cell: channel"),
            _scanned("queue", NAME, "Of a cell: entry queue"),
            _scanned("segment", NAME, "Of a cell: segment"),
            Column("key", "String", "Of a contact or fact: its id; else empty"),
            _scanned("epoch", "UInt16", "Incarnation of the topic the row was learned from (cells and markers)"),
            _scanned("generation_hour", "UInt32", "Of a cell: hour of the append time in which it was learned"),
            _scanned("generation_block", "UInt32", "Of a cell: offset div 2^20 in which it was learned"),
            _scanned("keys", "Array(UInt64)", "Of a cell: which measures; CRC-32 of the name << 16, | bucket index"),
            _scanned("values", "Array(Int64)", "Of a cell: absolute totals, by keys"),
            Column("state", "String", "Serialised state of a contact or fact; of a marker JSON text"),
            Column("is_open", "UInt8", "1 while the contact is open"),
            Column("last_ms", "Int64", "Newest time of the row's contact, ms since the epoch, UTC"),
            _scanned("version", "UInt64", "Epoch and offset of the flush that wrote the row; the highest counts"),
            *chain.from_iterable(_measure(each) for each in measures if not each.histogram),
        ),
        order_by=(
            "kind", "resolution", "window_s", "channel", "queue", "segment", "key", "epoch", "generation_hour",
            "generation_block", "p",
        ),
        partition_by="p",
        settings=COMMITTED,
        granularity=_FOUND_ONE_BY_ONE,
        # Which cells are not in `rolled` depends on these alone. An entry is 32,768 rows, which is some hundred hours.
        indexes=(Index("learned", "(p, epoch, generation_hour)", "set(1000)", 128),),
    )  # fmt: skip


def rolled(measures: Sequence[MeasureColumn]) -> Table:
    """Sums of hours and days: by all dimensions, by channel and queue, by channel, and of all of them together
    (`whole`).
    """
    return Table(
        name="rolled",
        comment="Cells of hours and days of generations that are over, added up; rolled_until says which rows count.",
        columns=(
            _scanned("resolution", "UInt8", "2 hour, 3 day"),
            _scanned(
                "whole",
                "UInt8",
                "0: by channel, queue and segment; 1: all together; 2: by channel and queue; 3: by channel",
            ),
            _scanned("window_s", "UInt32", "Start of the window, seconds since the epoch, UTC"),
            _scanned("channel", NAME, "Channel; empty in a row of all together"),
            _scanned("queue", NAME, "Entry queue; empty in rows of several together"),
            _scanned("segment", NAME, "Segment; empty in rows of several together"),
            _scanned("run", "UInt64", "Which run added it up"),
            # T64: small numbers are read three times as fast as with LZ4 alone.
            *(Column(name, "Int64", name, codec="T64, LZ4") for name in keys_of(measures)),
            *(_scanned(each.name, HISTOGRAM, each.name) for each in measures if each.histogram),
        ),
        order_by=("resolution", "whole", "window_s", "channel", "queue", "segment", "run"),
        settings=COMMITTED,
        engine="ReplacingMergeTree(run)",
        for_views=True,
    )


def rolled_until() -> Table:
    """Which runs count, and how far they go."""
    return Table(
        name="rolled_until",
        comment="A row per run: the newest of a definition counts, and says which cells are in `rolled`.",
        columns=(
            Column("run", "UInt64", "The run"),
            Column("definition", "String", "Of which columns `rolled` consisted"),
            Column("runs", "Array(UInt64)", "The runs whose rows count"),
            Column("partitions", "Array(String)", "Partitions of the log; their numbers are 1, 2, ..."),
            Column(
                "places",
                "Array(UInt64)",
                "Number of a partition * 65536 + epoch: the newest of each, in order, then others",
            ),
            Column("hours", "Array(UInt32)", "By place: cells of generations before this hour are in `rolled`"),
        ),
        order_by=("run",),
        settings=COMMITTED,
        engine="ReplacingMergeTree(run)",
        for_views=True,
    )


def columns_of_rolled(measures: Sequence[MeasureColumn]) -> str:
    """What tells one set of columns and kinds of rows of `rolled` from another: rows of another one do not count."""
    names = ["by queue", "by channel", *keys_of(measures), *(each.name for each in measures if each.histogram)]
    return hashlib.sha256(" ".join(names).encode()).hexdigest()[:12]


_ANSWER_UNTIL: Final = "if(isNull(wait_ended_ms), wait_began_ms + target_ms, NULL)"
_REPLY_UNTIL: Final = "if(response_due = 1 AND isNotNull(first_clock_ms), response_deadline_ms, NULL)"
_WAITS_UNTIL: Final = f"greatest(ifNull({_ANSWER_UNTIL}, 0), ifNull({_REPLY_UNTIL}, 0))"
_WAITS: Final = (
    "arrayFilter(each -> each.3 > 0, ["
    f"(toUInt8(1), ifNull(wait_began_ms, 0), ifNull({_ANSWER_UNTIL}, 0), channel, queue, segment), "
    f"(toUInt8(2), ifNull(first_clock_ms, 0), ifNull({_REPLY_UNTIL}, 0), channel, queue, segment)])"
)


def _ms(name: str, comment: str) -> Column:
    return Column(name, "Nullable(Int64)", f"{comment}, ms since the epoch, UTC")


def contacts(retention_days: int | None = None) -> Table:
    """One row per contact, revised with it: what data teams read through the view `touchline.contacts`."""
    return Table(
        name="contacts",
        comment="One row per contact, the highest version counts.",
        columns=(
            Column("contact_id", "String", "The contact"),
            Column("p", NAME, "Partition of the log it came from, topic/number"),
            Column("customer_id", "String", "Pseudonymous customer, empty while unknown"),
            Column("channel", NAME, "Channel of the first touchpoint"),
            Column("queue", NAME, "Entry queue"),
            Column("segment", NAME, "Segment"),
            Column("topic", "String", "What it is about, empty if nobody said"),
            Column("direction", NAME, "inbound or outbound"),
            Column("source", NAME, "Source system that reported it"),
            Column("outcome", NAME, "How the wait ended: answered, abandoned, ...; else empty"),
            Column("refused_reason", NAME, "Why it was refused, empty if it was not"),
            Column("requested_ms", "Int64", "Requested, ms since the epoch, UTC"),
            _ms("wait_began_ms", "Wait began"),
            _ms("queued_ms", "First queued"),
            _ms("answered_ms", "First answered by a person"),
            _ms("wait_ended_ms", "Wait ended, whatever ended it"),
            _ms("abandoned_ms", "Customer left first"),
            _ms("first_clock_ms", "First message that started the response clock"),
            _ms("first_reply_ms", "First reply by a person to that message"),
            _ms("first_closed_ms", "First closing"),
            _ms("last_closed_ms", "Last closing"),
            Column("wait_ms", "Nullable(Int64)", "Wait of an answered contact, ms"),
            Column("first_response_ms", "Nullable(Int64)", "From the first message to the first reply, ms"),
            Column("target_ms", "Nullable(Int64)", "Target of the wait (live) or of the first reply (deferred), ms"),
            Column("in_target", "Nullable(UInt8)", "1 if answered within the target, 0 if not; NULL: neither"),
            Column("response_due", "UInt8", "1 while a response clock runs"),
            _ms("response_deadline_ms", "When the running first clock misses its target, by opening hours"),
            Column("response_in_target", "Nullable(UInt8)", "1 if replied within the target, 0 if not; NULL: neither"),
            Column("transfers", "UInt32", "Number of transfers"),
            Column("touchpoints", "UInt32", "Number of touchpoints"),
            Column("is_open", "UInt8", "1 while the contact is open"),
            Column("discarded", "UInt8", "1 if the contact was discarded (spam, test, ...)"),
            Column("note_ms", "Array(Int64)", "Notes: when, ms since the epoch, UTC; a promise at its due"),
            Column("note", "Array(String)", "Notes: what happened (schemas/vocabulary.py, Note)"),
            Column("note_detail", "Array(String)", "Notes: reason, kind, criterion or state"),
            Column("note_value", "Array(Int64)", "Notes: points, score, goodwill or ms"),
            _ms("heard_ms", "The customer was last heard of in this contact"),
            _ms("reached_ms", "We last reached the customer, or wrote to them, in this contact"),
            Column("revised_ms", "Int64", "Append time of the last touchpoint, ms since the epoch, UTC"),
            Column("version", "UInt64", "Epoch and offset of the flush that wrote the row; the highest counts"),
            # Who waits now is looked for in these alone: most contacts wait for nothing.
            Column(
                "waits",
                "Array(Tuple(UInt8, Int64, Int64, String, String, String))",
                "What it waits for (1 an answer, 2 a reply), since when and until when that is within the target (ms); "
                "channel, queue and segment",
                computed=_WAITS,
            ),
            Column("waits_until_ms", "Int64", "The last of these; 0 if it waits for nothing", computed=_WAITS_UNTIL),
            Column("hashed", "UInt64", "Hash of the sorting key", computed="cityHash64(contact_id, p)"),
        ),
        order_by=("contact_id", "p"),
        partition_by="p",
        ttl=Ttl("revised_ms", retention_days) if retention_days else None,
        settings=COMMITTED,
        # Those that wait come last, the others by version: who waits, and what has changed since, is found at once.
        indexes=(
            Projection(
                "waiting", ("waits_until_ms", "version", "hashed", "waits"), order_by=("waits_until_ms", "version")
            ),
        ),
    )  # fmt: skip


def resolutions(retention_days: int | None = None) -> Table:
    """One row per contact and customer: what the customer fold knows (follow-ups, issues, resolution)."""
    return Table(
        name="resolutions",
        comment="Follow-ups and first-contact resolution by contact and customer, the highest version counts.",
        columns=(
            Column("contact_id", "String", "The contact"),
            Column("customer_id", "String", "Customer the row belongs to"),
            Column("p", NAME, "Partition of the log it came from, topic/number"),
            Column("held", "UInt8", "1 if this customer holds the contact, 0 if it turned out to be another's"),
            Column("follows_contact_id", "String", "Contact this one follows, else empty"),
            Column("followed_by_contact_id", "String", "Earliest contact that follows this one, else empty"),
            Column("issue_id", "String", "First contact of the chain of follow-ups"),
            Column("fcr", NAME, "resolved, followed, reopened, unresolved; empty if not eligible"),
            _ms("last_closed_ms", "Last closing"),
            Column("revised_ms", "Int64", "Append time of the newest fact, ms since the epoch, UTC; 0 is kept"),
            Column("version", "UInt64", "Epoch and offset of the flush that wrote the row; the highest counts"),
        ),
        order_by=("contact_id", "customer_id", "p"),
        partition_by="p",
        ttl=Ttl("revised_ms", retention_days, "revised_ms > 0") if retention_days else None,
        settings=COMMITTED,
    )


def dead_letters(retention_days: int | None = None) -> Table:
    """What could not be applied, with its place in the log: nothing is dropped silently."""
    return Table(
        name="dead_letters",
        comment="Records that could not be applied, by their place in the log.",
        columns=(
            Column("topic", NAME, "Topic of the record"),
            Column("number", "UInt32", "Partition number of the record"),
            Column("epoch", "UInt16", "Incarnation of the topic"),
            Column("offset", "Int64", "Offset of the record"),
            Column("reason", NAME, "Why it was rejected, one of a closed set"),
            Column("detail", "String", "What exactly was wrong"),
            Column("step", NAME, "Which step rejected it"),
            Column("source", NAME, "Source system, empty if unknown"),
            Column("key", "String", "Raw key of the record"),
            Column("value", "String", "Raw value of the record, at most its first 64 KiB", codec="ZSTD(3)"),
            Column("size", "UInt64", "Full length of the value, bytes"),
            Column("append_ms", "Int64", "Append time of the record, ms since the epoch, UTC"),
            Column("version", "UInt64", "Epoch and offset; the highest counts"),
        ),
        order_by=("topic", "number", "epoch", "offset"),
        ttl=Ttl("append_ms", retention_days) if retention_days else None,
        settings=COMMITTED,
    )


def erasures() -> Table:
    """Who was erased, by fingerprint: kept for good, so that what is sent again stays erased."""
    return Table(
        name="erasures",
        comment="Erased customers by fingerprint, with the receipts of their erasures.",
        columns=(
            Column("receipt", "String", "Number of the receipt"),
            Column("subject", "String", "Fingerprint of the customer's pseudonym"),
            Column("erased_ms", "Int64", "What happened until then is forgotten, ms since the epoch, UTC"),
            Column("contacts", "UInt32", "Contacts that named the customer"),
            Column("version", "UInt64", "The highest counts"),
        ),
        order_by=("receipt", "subject"),
        settings=COMMITTED,
    )


def touchpoints(retention_days: int | None = None) -> Table:
    """Touchpoints as they came, for catalogues that keep them (`store_touchpoints`)."""
    return Table(
        name="touchpoints",
        comment="Touchpoints as they came, the highest revision of an id counts.",
        columns=(
            Column("contact_id", "String", "The contact"),
            Column("id", "String", "Id of the touchpoint, unique within its contact"),
            Column("revision", "UInt32", "Revision of the touchpoint"),
            Column("type", NAME, "What happened"),
            Column("time_ms", "Int64", "When it happened (effective time), ms since the epoch, UTC"),
            Column("append_ms", "Int64", "When the log took it, ms since the epoch, UTC"),
            Column("channel", NAME, "Channel"),
            Column("customer_id", "String", "Pseudonymous customer, empty if not said"),
            Column("queue", NAME, "Queue, empty if not said"),
            Column("segment", NAME, "Segment, empty if not said"),
            Column("topic", "String", "What it is about, empty if not said"),
            Column("agent_id", "String", "Person who served the customer, empty if not said"),
            Column("direction", NAME, "inbound or outbound"),
            Column("source", NAME, "Source system that reported it"),
            Column("body", "String", "The touchpoint as JSON text", codec="ZSTD(3)"),
            Column("p", NAME, "Partition of the log it came from, topic/number"),
            Column("offset", "Int64", "Offset of the record"),
            Column("epoch", "UInt16", "Incarnation of the topic"),
            Column("version", "UInt64", "Orders revisions of one id; the highest counts"),
        ),
        order_by=("contact_id", "id", "p"),
        partition_by="p",
        ttl=Ttl("append_ms", retention_days) if retention_days else None,
        settings=COMMITTED,
    )


def tables(
    measures: Sequence[MeasureColumn], retention: Retention | None = None, *, store_touchpoints: bool = False
) -> tuple[Table, ...]:
    """All tables of the engine. Raises ValueError for measures that contradict each other."""
    keep = retention or Retention()
    always = (
        ledger(measures),
        rolled(measures),
        rolled_until(),
        contacts(keep.contacts),
        resolutions(keep.resolutions),
        dead_letters(keep.dead_letters),
        erasures(),
    )
    return (*always, touchpoints(keep.touchpoints)) if store_touchpoints else always
