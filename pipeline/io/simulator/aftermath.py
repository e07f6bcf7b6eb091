"""What comes of a contact when it is over: feedback, promises, complaints, customers who leave."""

from pipeline.io.simulator.engine import Process
from pipeline.io.simulator.world import DAY, HOUR, MINUTE, SECOND, Contact, World
from schemas import touchpoint as t


def aftermath(world: World, contact: Contact, *, solved: bool) -> Process:
    """Feedback, promises, complaints: each with its own probability, later than the contact."""
    unhappy = contact.matter.trouble + (not solved)
    if world.chance(0.3):
        world.start(_feedback(world, contact, unhappy))
    if world.chance(0.12):
        world.start(_promise(world, contact))
    if world.chance(0.003):
        for criterion in ("greeting", "knowledge", "clarity"):
            score = world.random.randint(2, 5)
            world.emit(contact, t.AuditScored, criterion=criterion, score=score, scale_max=5)
    if not world.chance(min(0.3, 0.004 + 0.03 * unhappy)):
        return
    yield world.about_ms(3 * HOUR)
    world.emit(contact, t.ComplaintRaised)
    if world.chance(0.15):
        world.emit(contact, t.CustomerLeft if world.chance(0.5) else t.CustomerStayed)
    if world.chance(0.85):
        yield world.about_ms(30 * HOUR)
        goodwill = world.random.choice((None, 500, 1000, 2000))
        world.emit(contact, t.ComplaintSettled, goodwill=goodwill)


def _feedback(world: World, contact: Contact, unhappy: int) -> Process:
    kind = world.random.choice(("csat", "csat", "nps", "ces", "solved"))
    yield world.between_ms(30 * SECOND, 5 * MINUTE)
    world.emit(contact, t.FeedbackAsked, kind=kind)
    if not world.chance(0.35):
        return
    yield world.about_ms(90 * MINUTE)
    mood = min(1.0, max(0.0, world.random.gauss(0.85 - 0.25 * unhappy, 0.2)))
    most = {"csat": 5, "nps": 10, "ces": 7, "solved": 1}[kind]
    least = {"csat": 1, "ces": 1}.get(kind, 0)
    score = least + round(mood * (most - least))
    world.emit(contact, t.FeedbackGiven, kind=kind, score=score, scale_max=most)


def _promise(world: World, contact: Contact) -> Process:
    """A promise after a contact: mostly kept, sometimes late, broken or forgotten."""
    kind = world.random.choice(("appointment", "delivery", "repair", "refund"))
    within = world.random.choice((4 * HOUR, DAY, 3 * DAY))
    promise = world.promised(contact, kind, within)
    fate = world.pick({"kept": 0.84, "late": 0.07, "broken": 0.05, "forgotten": 0.04})
    if fate == "forgotten":
        return
    yield round(within * (world.random.uniform(1.02, 1.6) if fate == "late" else world.random.uniform(0.2, 0.98)))
    world.emit(contact, t.PromiseBroken if fate == "broken" else t.PromiseKept, promise_id=promise)
