"""The closed sets of words that touchpoints, catalogue, measures and tables share: one word for one thing."""

from typing import Final, Literal

ChannelKind = Literal["live", "deferred"]

CHANNELS: Final[dict[str, ChannelKind]] = {
    "phone": "live",
    "chat": "live",
    "branch": "live",
    "video": "live",
    "email": "deferred",
    "form": "deferred",
    "letter": "deferred",
    "web": "deferred",
    "social": "deferred",
    "messenger": "deferred",
}
"""Channels every catalogue knows, in the order people read them. A catalogue may add others."""

Direction = Literal["inbound", "outbound"]
SelfServiceOutcome = Literal["contained", "failed"]
InformedReason = Literal["estimate", "apology", "explanation"]
RefusedReason = Literal["out_of_scope", "out_of_hours", "no_authority", "other"]
Scope = Literal["in", "out"]
DiscardedReason = Literal["spam", "thanks", "test", "duplicate", "wrong_address"]
Author = Literal["agent", "bot"]
PromiseKind = Literal["callback", "appointment", "delivery", "repair", "refund", "other"]
FeedbackKind = Literal["csat", "nps", "ces", "solved"]
FeedbackFrom = Literal["customer", "employee", "shopper"]
OutreachReason = Literal["problem", "delay", "appointment", "other"]

Note = Literal[
    "abandoned", "refused", "unresolved", "closed_unanswered", "out_of_scope_done", "promise_kept", "promise_late",
    "promise_broken", "promise_open", "complaint", "complaint_settled", "csat", "nps", "ces", "solved", "outreach",
    "customer_left", "customer_stayed", "audit",
]  # fmt: skip
"""What is noted of a contact by itself: see `pipeline.core.happened`."""
SILENT_NOTES: Final[tuple[Note, ...]] = (
    "abandoned", "refused", "unresolved", "closed_unanswered", "promise_late", "promise_broken", "promise_open",
)  # fmt: skip
"""Something bad about which the customer need not have said a word. An open promise is bad once its due is over."""
BAD_NOTES: Final[tuple[Note, ...]] = (*SILENT_NOTES, "complaint")
"""Something bad; a detractor is so, too."""
DETRACTOR_MOST: Final = 6
"""The best recommendation, out of ten, that a detractor gives."""

UNKNOWN: Final = "unknown"
"""The dimension value of a contact whose queue, segment or topic nobody named."""

OTHER: Final = "other"
"""The Prometheus label of what the catalogue does not list. Never stored."""
