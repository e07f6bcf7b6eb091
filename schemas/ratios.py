"""The quotients of measures that the views show: service levels, means, shares. Always of sums, never of quotients."""

import re
from typing import Final

from msgspec import Struct


class Ratio(Struct, frozen=True):
    """A quotient of sums, NULL where the denominator is not above 0. Left out where a measure in it is not declared."""

    name: str
    above: str
    below: str
    comment: str = ""

    def needs(self) -> frozenset[str]:
        """The measures it is made of."""
        return frozenset(word.removesuffix("_confirmed") for word in self._words().difference(COMPUTED))

    @property
    def waiting(self) -> bool:
        """Whether it asks who waits now."""
        return not self._words().isdisjoint(COMPUTED)

    @property
    def confirmed(self) -> bool:
        """Whether it asks what is final."""
        return any(word.endswith("_confirmed") for word in self._words())

    def _words(self) -> set[str]:
        return set(_WORD.findall(f"{self.above} {self.below}"))


_WORD: Final = re.compile(r"[a-z_]+")
COMPUTED: Final = ("undecided", "responses_undecided")
"""What a view counts besides the measures."""

RATIOS: Final = (
    Ratio("sl_offered", "answered_in_target", "offered - undecided", "Service level of all offered"),
    Ratio(
        "sl_net",
        "answered_in_target",
        "offered - abandoned_short - undecided",
        "Service level without those who left at once",
    ),
    Ratio(
        "sl_without_quick",
        "answered_in_target",
        "offered - abandoned_in_target - undecided",
        "Service level without those who left within the target",
    ),
    Ratio("sl_answered", "answered_in_target", "answered", "Service level of the answered"),
    Ratio(
        "sl_connect",
        "answered_in_target + abandoned_in_target",
        "offered - undecided",
        "Service level that counts who left within the target as served",
    ),
    Ratio("asa_ms", "wait_ms", "answered", "Mean wait of the answered, zeros included, ms"),
    Ratio("asa_queued_ms", "wait_ms", "answered_queued", "Mean wait of those answered from a queue, ms"),
    Ratio("asa", "wait_ms", "answered", "asa_ms under the name of the service literature"),
    Ratio("asa_queued", "wait_ms", "answered_queued", "asa_queued_ms under the name of the service literature"),
    Ratio("reachability", "answered + self_service_contained", "requested - discarded", "Who reached what they wanted"),
    Ratio(
        "sl_response",
        "first_response_in_target",
        "first_responses_due - responses_undecided",
        "Service level of first replies, the unanswered counted",
    ),
    Ratio("first_response_mean_ms", "first_response_ms", "first_responses", "Mean time to the first reply, ms"),
    Ratio("handle_mean_ms", "handle_ms", "handled", "Mean time from answer to closing, ms"),
    Ratio("fcr", "fcr_resolved", "fcr_eligible", "First-contact resolution, provisional"),
    Ratio(
        "fcr_confirmed",
        "fcr_resolved_confirmed",
        "fcr_eligible_confirmed",
        "First-contact resolution of windows old enough to be final",
    ),
)
