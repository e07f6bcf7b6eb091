"""Mails, forms, letters and posts: they lie until somebody has time to reply."""

from collections.abc import Generator

from pipeline.io.simulator.aftermath import aftermath
from pipeline.io.simulator.engine import Seek, next_agent
from pipeline.io.simulator.world import DAY, HOUR, MINUTE, SECOND, Contact, Part, World, solving
from schemas import touchpoint as t


def written_contact(world: World, contact: Contact) -> Part:
    """A mail or a post from its arrival to its end, which may come days later."""
    queue = contact.matter.queue
    world.requested(contact, queue=queue.name, known=contact.channel != "social" or world.chance(0.5))
    if contact.channel in {"messenger", "social"}:
        world.emit(contact, t.MessageReceived)
    if contact.channel != "letter" and world.chance(0.5):
        yield world.between_ms(SECOND, 20 * SECOND)
        world.emit(contact, t.MessageSent, author="bot")
    if world.chance(0.06):
        yield world.about_ms(10 * MINUTE)
        reasons = {"spam": 0.6, "thanks": 0.15, "duplicate": 0.15, "wrong_address": 0.08, "test": 0.02}
        world.emit(contact, t.Discarded, reason=world.pick(reasons))
        return True
    if world.chance(0.05):
        yield world.between_ms(DAY, 4 * DAY)  # it went to the wrong desk
        contact.matter.trouble += 1
    while True:
        yield from _replied(world, contact)
        if not world.chance(0.28):
            break
        yield world.about_ms(5 * HOUR)
        world.emit(contact, t.MessageReceived)
    solved = world.chance(solving(contact.matter))
    yield world.about_ms(20 * HOUR) if world.chance(0.35) else SECOND
    world.closed(contact, solved=solved)
    if world.chance(0.04):
        yield world.about_ms(DAY)
        world.emit(contact, t.Reopened)
        world.emit(contact, t.MessageReceived)
        yield from _replied(world, contact)
        world.closed(contact, solved=solved)
    world.start(aftermath(world, contact, solved=solved))
    return solved


def _replied(world: World, contact: Contact) -> Generator[int | Seek, str | None, None]:
    """An agent writes a reply as soon as one is free; now and then a matter is closed without one."""
    pool = world.writing[contact.matter.queue.name]
    agent = yield from next_agent(pool)
    length = contact.matter.queue.write_seconds * SECOND * world.random.lognormvariate(-0.18, 0.6)
    yield round(length)
    if not world.chance(0.015):
        world.emit(contact, t.MessageSent, agent_id=agent)
    pool.release(agent)
