"""The live values of one process: who waits now, what the last 30 minutes and today were like, what is resolved for
good. Pure.

`now_ms` is an argument; nothing stored depends on it. What began in a window is read from the cells in memory, who is
there now from the open contacts.
"""

from pipeline.core.zone import DAY_MS
from pipeline.live.collect import collect
from pipeline.live.inputs import LiveState
from pipeline.live.present import present
from pipeline.live.summary import Summary
from schemas.catalogue import Settings


def recent_days(settings: Settings) -> int:
    """Days of day cells the engine has to keep (`Engine.recent_days`) for both cohorts of resolution."""
    return 2 * _days(settings.follow_up_window_ms) + _days(settings.lateness_ms) + 2


def _days(length_ms: int) -> int:
    return -(-length_ms // DAY_MS)


def summarise(state: LiveState, now_ms: int) -> Summary:
    """The live values at `now_ms`. While partitions of contacts are missing there are none: absent, not zero."""
    return present([collect(state, now_ms)], state.rulebook, now_ms)
