"""Calls and chats: menu or bot, the line, the conversation, and what the customer hears meanwhile."""

from collections.abc import Generator

from pipeline.io.simulator import plan
from pipeline.io.simulator.aftermath import aftermath
from pipeline.io.simulator.engine import Pool, Seek, Ticket, next_agent
from pipeline.io.simulator.world import HOUR, MINUTE, SECOND, Contact, Part, World, solving, who
from schemas import touchpoint as t


def live_contact(world: World, contact: Contact) -> Part:
    """A call or a chat from the request to its end."""
    known = world.chance(0.85)
    world.requested(contact, known=known)
    if contact.channel == "phone":
        goes_on = yield from _menu(world, contact)
    else:
        goes_on = yield from _bot(world, contact)
    if goes_on is not None:
        return goes_on
    queue = contact.matter.queue
    if not plan.is_open(queue, world.now_ms):
        world.emit(contact, t.Refused, reason="out_of_hours")
        yield world.between_ms(4 * SECOND, 15 * SECOND)
        world.emit(contact, t.Closed, resolved=False)
        return False
    world.emit(contact, t.Queued, queue=queue.name)
    agent, content = yield from _in_line(world, contact, world.live[queue.name])
    if agent is None:
        return content
    world.emit(contact, t.Answered, agent_id=agent, queue=queue.name, **({} if known else who(contact)))
    return (yield from _served(world, contact, world.live[queue.name], agent))


def _menu(world: World, contact: Contact) -> Generator[int | Seek, str | None, bool | None]:
    """The menu of the phone: some leave in it, some help themselves. None: on to the queue."""
    steps = ["topic", "customer_number", "details"][: world.random.randint(1, 3)]
    if world.chance(0.08):
        steps.insert(1, steps[0])
    for step in steps:
        yield world.between_ms(3 * SECOND, 14 * SECOND)
        world.emit(contact, t.Menu, step=step, option=contact.matter.topic if step == "topic" else None)
        if world.chance(0.025):
            yield world.between_ms(SECOND, 8 * SECOND)
            world.emit(contact, t.Abandoned)
            return world.chance(0.6)
    return (yield from _self_service(world, contact, 0.16, 0.5))


def _bot(world: World, contact: Contact) -> Generator[int | Seek, str | None, bool | None]:
    """The bot that opens a chat and offers buttons. None: on to the queue."""
    for step in ("topic", "details"):
        yield world.between_ms(2 * SECOND, 20 * SECOND)
        world.emit(contact, t.Menu, step=step, option=contact.matter.topic if step == "topic" else None)
    yield SECOND
    return (yield from _self_service(world, contact, 0.6, 0.45))


def _self_service(
    world: World, contact: Contact, tried: float, contained: float
) -> Generator[int | Seek, str | None, bool | None]:
    if not world.chance(tried):
        return None
    yield world.between_ms(15 * SECOND, 90 * SECOND)
    if not world.chance(contained):
        world.emit(contact, t.SelfService, outcome="failed")
        return None
    world.emit(contact, t.SelfService, outcome="contained")
    yield SECOND
    world.emit(contact, t.Closed)
    return world.chance(0.9)


def _in_line(world: World, contact: Contact, pool: Pool) -> Generator[int | Seek, str | None, tuple[str | None, bool]]:
    """Waiting, until an agent comes or the customer leaves: (agent, whether content without one)."""
    ticket, began = Ticket(), world.now_ms
    patience = world.about_ms(260 * SECOND if contact.channel == "phone" else 400 * SECOND)
    if world.chance(0.03):
        patience = world.between_ms(SECOND, 6 * SECOND)  # who changes their mind at once
    news = world.between_ms(4 * SECOND, 8 * SECOND)
    while True:
        left = patience - (world.now_ms - began)
        agent = yield Seek(pool, ticket, max(1, min(left, news)))
        if agent is not None:
            contact.matter.trouble += world.now_ms - began > 3 * MINUTE
            return agent, False
        waited = world.now_ms - began
        if waited >= patience:
            pool.leave(ticket)
            world.emit(contact, t.Abandoned)
            if contact.channel == "chat":  # whose window is closed: nobody can answer there any more
                world.emit(contact, t.Closed, resolved=False)
            contact.matter.trouble += 1
            if world.chance(0.55):
                world.start(world.begin(contact.matter, contact.channel), world.about_ms(12 * MINUTE))
            return None, True
        if contact.channel == "phone" and waited > 60 * SECOND and world.chance(0.08):
            pool.leave(ticket)
            return None, (yield from _callback(world, contact, pool))
        _inform(world, contact, pool, waited)
        news = world.between_ms(35 * SECOND, 80 * SECOND)


def _inform(world: World, contact: Contact, pool: Pool, waited: int) -> None:
    """What the waiting customer hears: how long it may take, an apology, a reason."""
    if world.incident == contact.matter.queue.name and world.chance(0.5):
        world.emit(contact, t.Informed, reason="explanation")
    elif waited < 10 * SECOND or world.chance(0.5):
        staff = max(1, pool.staff(world.now_ms))
        turn_ms = contact.matter.queue.talk_seconds * SECOND / staff
        estimate = (pool.waiting + 1) * turn_ms * world.random.uniform(0.6, 1.3)
        world.emit(contact, t.Informed, reason="estimate", estimate_ms=max(5, round(estimate / 5000) * 5) * SECOND)
    elif world.chance(0.8):
        world.emit(contact, t.Informed, reason="apology")


def _callback(world: World, contact: Contact, pool: Pool) -> Part:
    """The customer need not wait: we call back, usually in the time promised."""
    world.emit(contact, t.CallbackRequested)
    promise = world.promised(contact, "callback", 2 * HOUR)
    yield world.about_ms(50 * MINUTE)
    agent = yield from next_agent(pool)
    call = world.contact("phone", contact.matter)
    world.requested(call, direction="outbound", queue=contact.matter.queue.name)
    yield world.between_ms(8 * SECOND, 25 * SECOND)
    if world.chance(0.15):  # nobody there
        pool.release(agent)
        world.emit(call, t.Closed, resolved=False)
        world.emit(contact, t.PromiseBroken, promise_id=promise)
        world.emit(contact, t.Closed, resolved=False)
        return False
    world.emit(call, t.Answered, agent_id=agent, queue=contact.matter.queue.name)
    world.emit(contact, t.PromiseKept, promise_id=promise)
    world.emit(contact, t.Closed)
    return (yield from _served(world, call, pool, agent))


def _served(world: World, contact: Contact, pool: Pool, agent: str) -> Part:
    """The conversation: holds, perhaps another queue, the end, and what comes of it."""
    queue = contact.matter.queue
    yield from _talk(world, contact, round(queue.talk_seconds * SECOND * world.random.lognormvariate(-0.18, 0.6)))
    if contact.channel == "phone" and world.chance(0.17):
        world.emit(contact, t.Held)
        yield world.between_ms(15 * SECOND, 120 * SECOND)
        world.emit(contact, t.Resumed)
        yield world.between_ms(20 * SECOND, 90 * SECOND)
    if world.chance(0.02):
        world.emit(contact, t.Refused, reason=world.random.choice(("out_of_scope", "no_authority", "other")))
        return (yield from _ended(world, contact, pool, agent, solved=False))
    other = world.random.choice([each for each in plan.QUEUES if each is not queue])
    if world.chance(0.07) and plan.is_open(other, world.now_ms):
        world.emit(contact, t.Transferred, queue=other.name, agent_id=agent)
        pool.release(agent)
        pool = world.live[other.name]
        another, content = yield from _in_line(world, contact, pool)
        if another is None:
            return content
        agent = another
        world.emit(contact, t.Answered, agent_id=agent, queue=other.name)
        yield from _talk(world, contact, round(other.talk_seconds * SECOND * world.random.lognormvariate(-0.3, 0.5)))
    return (yield from _ended(world, contact, pool, agent, solved=world.chance(solving(contact.matter))))


def _talk(world: World, contact: Contact, length_ms: int) -> Generator[int | Seek, str | None, None]:
    if contact.channel == "phone":
        yield length_ms
        return
    for _ in range(turns := max(2, length_ms // (60 * SECOND))):
        yield world.between_ms(5 * SECOND, 30 * SECOND)
        world.emit(contact, t.MessageSent)
        yield max(SECOND, length_ms // turns - 15 * SECOND)
        world.emit(contact, t.MessageReceived)
    yield world.between_ms(5 * SECOND, 30 * SECOND)
    world.emit(contact, t.MessageSent)


def _ended(world: World, contact: Contact, pool: Pool, agent: str, *, solved: bool) -> Part:
    """The end of a conversation. The agent is free after some work on it."""
    world.closed(contact, solved=solved)
    yield world.between_ms(8 * SECOND, 35 * SECOND)
    pool.release(agent)
    world.start(aftermath(world, contact, solved=solved))
    return solved
