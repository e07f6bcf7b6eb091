"""Board *live*: who waits now, and what today is like. For the wall; opens into board *queue*."""

from typing import Final

from dashboards.live_values import (
    about,
    kept,
    largest,
    live,
    objective_panel,
    past,
    place,
    promised,
    quotient,
    smallest,
    summed,
    weighted,
)
from dashboards.model import PAST, TARGET, Board, Panel, Row
from dashboards.places import PLACES_LIVE

_VERDICT: Final = (
    Panel(
        id=1,
        title="Waiting now",
        kind="stat",
        about=about(
            "Customers who wait for a person now, by their present queue; how many of them will be answered too late "
            "as things go; and how many wait longer than promised already.",
            "sum of waiting_now, will_miss_target_now; past target: sum of overdue_now (a count: above 0 is bad)",
            "waiting_now",
            "will_miss_target_now",
            "overdue_now",
        ),
        queries=(
            live(summed("waiting_now"), "Waiting"),
            live(summed("will_miss_target_now"), "Will be too late"),
            live(summed("overdue_now"), PAST),
        ),
        unit="short",
        width=4,
        height=6,
    ),
    Panel(
        id=2,
        title="Longest wait now",
        kind="stat",
        about=about(
            "The longest wait of those waiting now; 0: nobody waits. Past target: how far the worst queue is past its "
            "own target (below 0: none is). Waits that nobody believes any more (`waiting_stale`) are left out.",
            "max of longest_wait_seconds; max over queues of (longest wait - that queue's target)",
            "longest_wait_seconds",
            "wait_target_seconds",
        ),
        queries=(
            live(largest("longest_wait_seconds"), "Longest wait"),
            live(smallest("wait_target_seconds"), TARGET),
            live(past("longest_wait_seconds", "wait_target_seconds"), PAST),
        ),
        unit="s",
        width=4,
        height=6,
    ),
    objective_panel(5, "wait", "today", "Service level, today", "Answered within target, by the headline formula.", 4),
    Panel(
        id=4,
        title="Unanswered now",
        kind="stat",
        about=about(
            "Contacts with a message that has no reply yet (mails, forms, letters, posts, chats); how many reach the "
            "end of their target within 30 minutes; and how many are past it.",
            "sum of unanswered_now, responses_due_soon; past target: sum of unanswered_overdue_now (above 0 is bad)",
            "unanswered_now",
            "responses_due_soon",
            "unanswered_overdue_now",
        ),
        queries=(
            live(summed("unanswered_now"), "Unanswered"),
            live(summed("responses_due_soon"), "Due within 30 min"),
            live(summed("unanswered_overdue_now"), PAST),
        ),
        unit="short",
        width=4,
        height=6,
    ),
    Panel(
        id=20,
        title="Promises now",
        kind="stat",
        about=about(
            "What was promised to single customers (callbacks, appointments, deliveries): due within 30 minutes, and "
            "open past its due.",
            "sum of promises_due_soon; past target: sum of promises_overdue_now (a count: above 0 is bad)",
            "promises_due_soon",
            "promises_overdue_now",
        ),
        queries=(
            live(summed("promises_due_soon"), "Due within 30 min"),
            live(summed("promises_overdue_now"), PAST),
        ),
        unit="short",
        width=4,
        height=6,
    ),
    Panel(
        id=8,
        title="Resolved at first contact, last days",
        kind="stat",
        about=about(
            "Of the closings that count: resolved at the first contact. Confirmed: old enough that no follow-up can "
            "change it. Provisional: the newer ones, which only get worse; never compare the two.",
            "sum of fcr_ratio x fcr_eligible, by sum of fcr_eligible",
            "fcr_ratio",
            "fcr_eligible",
        ),
        queries=tuple(
            live(weighted("fcr_ratio", place("fcr_eligible", state=state), state=state), state.capitalize())
            for state in ("confirmed", "provisional")
        ),
        unit="percentunit",
        decimals=1,
        width=4,
        height=6,
    ),
    objective_panel(
        6, "stay", "today", "Did not give up, today", "Offered, and the customer did not leave while waiting.", 6
    ),
    objective_panel(
        19,
        "response",
        "2d",
        "First replies in target, today and yesterday",
        "First messages of deferred channels that were replied to within target.",
        6,
    ),
    Panel(
        id=7,
        title="To be called back, today",
        kind="stat",
        about=about(
            "Customers who gave up today and were not reached since, on any channel. It should be 0.",
            "sum of not_called_back_today",
            "not_called_back_today",
        ),
        queries=(live(summed("not_called_back_today"), PAST),),
        unit="short",
        width=6,
        height=6,
    ),
    Panel(
        id=3,
        title="Expected wait now, worst queue",
        kind="stat",
        about=about(
            "What a customer who joins the queue now has to expect, in the worst queue.",
            "position x recent time between answers; max over queues, and of (expected - target)",
            "expected_wait_seconds",
            "wait_target_seconds",
        ),
        queries=(
            live(largest("expected_wait_seconds"), "Expected wait"),
            live(smallest("wait_target_seconds"), TARGET),
            live(past("expected_wait_seconds", "wait_target_seconds"), PAST),
        ),
        unit="s",
        width=6,
        height=6,
    ),
)

_QUEUES: Final = (
    Panel(
        id=9,
        title="Every queue, now",
        kind="table",
        about=about(
            "One row per queue: who waits now, how long, and what the last hour was like. A click on the queue "
            "opens its board.",
            "sums; longest and expected wait: the largest; service level: 1 - objective_missed / objective_due",
            "waiting_now",
            "longest_wait_seconds",
            "wait_target_seconds",
            "expected_wait_seconds",
            "in_conversation_now",
            "objective_missed",
            "objective_due",
            "abandoned",
            "offered",
        ),
        queries=tuple(
            live(text, name, instant=True, table=True)
            for name, text in (
                ("Waiting", summed("waiting_now", "channel, queue")),
                ("Longest wait", largest("longest_wait_seconds", "channel, queue")),
                (TARGET, smallest("wait_target_seconds", "channel, queue")),
                (PAST, past("longest_wait_seconds", "wait_target_seconds", "channel, queue")),
                ("Expected wait", largest("expected_wait_seconds", "channel, queue")),
                ("In conversation", summed("in_conversation_now", "channel, queue")),
                ("Service level, 1 h", kept("wait", "1h", "channel, queue")),
                ("Gave up, 30 min", quotient("abandoned", "offered", "channel, queue", window="30m")),
                ("Unanswered", summed("unanswered_now", "channel, queue")),
            )
        ),
        unit="short",
        columns=(
            ("Longest wait", "s"),
            (TARGET, "s"),
            (PAST, "s"),
            ("Expected wait", "s"),
            ("Service level, 1 h", "percentunit"),
            ("Gave up, 30 min", "percentunit"),
        ),
        links=(("queue", "touchline-queue"),),
        width=24,
        height=9,
    ),
)

_TRENDS: Final = (
    Panel(
        id=10,
        title="Waiting, by queue",
        kind="trend",
        about=about("Customers who wait now, by queue.", "sum of waiting_now by queue", "waiting_now"),
        queries=(live(summed("waiting_now", "queue"), "{{queue}}"),),
        unit="short",
    ),
    Panel(
        id=11,
        title="Longest wait, by queue",
        kind="trend",
        about=about(
            "The longest wait of those waiting, by queue, and the strictest of the chosen queues' targets (dashed).",
            "max of longest_wait_seconds by queue; min of wait_target_seconds",
            "longest_wait_seconds",
            "wait_target_seconds",
        ),
        queries=(
            live(largest("longest_wait_seconds", "queue"), "{{queue}}"),
            live(smallest("wait_target_seconds"), TARGET),
        ),
        unit="s",
    ),
    Panel(
        id=12,
        title="What became of the contacts of the last 30 minutes",
        kind="trend",
        about=about(
            "Contacts whose wait began in the last 30 minutes: offered, answered, given up. What is neither still "
            "waits or ended otherwise (refused, callback asked for).",
            "sum of offered, answered, abandoned of the window of 30 minutes",
            "offered",
            "answered",
            "abandoned",
        ),
        queries=(
            live(summed("offered", window="30m"), "Offered"),
            live(summed("answered", window="30m"), "Answered"),
            live(summed("abandoned", window="30m"), "Gave up"),
        ),
        unit="short",
    ),
    Panel(
        id=13,
        title="Service level of the last hour, by queue",
        kind="trend",
        about=about(
            "Answered within target, by the catalogue's headline formula, of those whose wait began in the last hour; "
            "and what is promised (dashed). Who still waits within target is in neither part.",
            "1 - objective_missed / objective_due of objective `wait`, window 1h, by queue",
            "objective_missed",
            "objective_due",
            "objective_ratio",
        ),
        queries=(live(kept("wait", "1h", "queue"), "{{queue}}"), live(promised("wait"), TARGET)),
        unit="percentunit",
        maximum=1,
    ),
    Panel(
        id=14,
        title="Is anybody waiting too long?",
        kind="states",
        about=about(
            "Whether at least one customer waits longer than promised, by queue, over time.",
            "1 where sum of overdue_now by channel and queue is above 0",
            "overdue_now",
        ),
        queries=(live(f"clamp_max({summed('overdue_now', 'channel, queue')}, 1)", "{{channel}} {{queue}}"),),
        unit="none",
        states=("within target", "too long"),
        width=24,
        height=9,
    ),
)

_MESSAGES: Final = (
    Panel(
        id=15,
        title="Unanswered, by queue",
        kind="trend",
        about=about(
            "Contacts with a message that has no reply yet, by queue.",
            "sum of unanswered_now by queue",
            "unanswered_now",
        ),
        queries=(live(summed("unanswered_now", "queue"), "{{queue}}"),),
        unit="short",
    ),
    Panel(
        id=16,
        title="Oldest unanswered message: how much of its target is used up",
        kind="trend",
        about=about(
            "Age of the oldest message without a reply, by queue, as a share of what is promised there (in opening "
            "hours, on the clock or in days, as the catalogue counts). Above 100 %: late.",
            "max of oldest_unanswered_target_ratio by queue",
            "oldest_unanswered_target_ratio",
        ),
        queries=(live(largest("oldest_unanswered_target_ratio", "queue"), "{{queue}}"),),
        unit="percentunit",
    ),
    Panel(
        id=17,
        title="Replies of the last hour",
        kind="trend",
        about=about(
            "Replies that people gave in the last hour, by queue.",
            "sum of replies_last_hour by queue",
            "replies_last_hour",
        ),
        queries=(live(summed("replies_last_hour", "queue"), "{{queue}}"),),
        unit="short",
    ),
    Panel(
        id=18,
        title="First replies in target, today, by queue",
        kind="trend",
        about=about(
            "First replies within target of today's first messages: the unanswered count as missed once their target "
            "has passed. Of several workers with one queue, the worse one.",
            "min of first_response_in_target_ratio by queue",
            "first_response_in_target_ratio",
        ),
        queries=(live(smallest("first_response_in_target_ratio", "queue", window="today"), "{{queue}}"),),
        unit="percentunit",
        maximum=1,
    ),
)

BOARD: Final = Board(
    uid="touchline-live",
    title="Touchline: live",
    description="Who waits for us right now, and what today is like. Live values, from Prometheus.",
    sources=("metrics",),
    variables=PLACES_LIVE,
    since="now-30m",
    refresh="10s",
    rows=(
        Row("Now and today, beside what is promised", _VERDICT),
        Row("Queues, now", _QUEUES),
        Row("The last half hour", _TRENDS),
        Row("Messages", _MESSAGES, collapsed=True),
    ),
)
