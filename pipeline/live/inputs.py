"""What the live values are computed from: the folds' state of this moment, as it lies in memory. Nothing is copied."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from pipeline.core.cells import Tally
from pipeline.core.open import Open
from pipeline.core.rules import Rulebook
from pipeline.core.steps import Marker, WindowKey
from schemas.topics import CONTACT_FACTS


class Reading(Struct, frozen=True):
    """Where a partition stood at some moment: the next offset to fold, and the next one the log will give out."""

    at_ms: int
    position: int
    log_end: int


class PartitionState(Struct, frozen=True, kw_only=True):
    """One partition of a folded topic. Of `contact-facts` only `recent` and the figures count, it has no `open`.

    `log_end` None: not asked yet. `earlier`: a reading of some ten seconds ago, for the time catching up will take.
    `waits_for`: why nothing is shown though it is recovered; empty where nothing is in the way.
    `log_holes`: offsets the log lost before they were counted. `flush_rows` None: nothing flushed yet. `settled_ms`: up
    to which watermark all is in the cells and among the open contacts; None: up to the marker's.
    """

    partition: str
    marker: Marker
    recent: Mapping[WindowKey, Sequence[Tally]]
    ready: bool
    open: Mapping[str, Open] = {}
    stopped_because: str = ""
    waits_for: str = ""
    warehouse_up: bool = True
    log_end: int | None = None
    earlier: Reading | None = None
    log_holes: int = 0
    flush_seconds: float = 0.0
    flush_rows: int | None = None
    flushes: int = 0
    dirty_rows: int = 0
    settled_ms: int | None = None

    @property
    def of_contacts(self) -> bool:
        """Whether it holds contacts (and not their customers' facts)."""
        return not self.partition.startswith(CONTACT_FACTS + "/")


class CallBack(Struct, frozen=True):
    """Somebody who gave up and was not reached since, as the warehouse tells it."""

    contact_id: str
    channel: str
    queue: str
    abandoned_ms: int


class LiveState(Struct, frozen=True, kw_only=True):
    """Everything the live values need. `sources`: when each source was last heard of (ms)."""

    rulebook: Rulebook
    partitions: Sequence[PartitionState]
    sources: Mapping[str, int] = {}
    simulated: bool = False
    call_backs: Sequence[CallBack] = ()
