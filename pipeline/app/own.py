"""The raw topic of a format of one's own."""

from pipeline.app.stack import CannotStart
from pipeline.io.mappings import SourceError, source_named
from pipeline.settings import Settings
from schemas.sources import Source
from schemas.topics import CONTACT_FACTS, DEAD_LETTERS, LIVE, RAW, TOUCHPOINTS


def readers_of(settings: Settings) -> dict[str, Source]:
    """How raw topics besides touchline's own are read, by topic. Raises CannotStart."""
    topic, source = settings.own_topic, settings.own_source
    if bool(topic) != bool(source):
        raise CannotStart("TOUCHLINE_OWN_TOPIC and TOUCHLINE_OWN_SOURCE go together: which topic, and how it is read")
    if not topic:
        return {}
    if topic in {RAW, TOUCHPOINTS, CONTACT_FACTS, DEAD_LETTERS, LIVE}:
        raise CannotStart(f"TOUCHLINE_OWN_TOPIC is {topic}, which is touchline's: name the topic of your own format")
    try:
        return {topic: source_named(source)}
    except SourceError as error:
        raise CannotStart(str(error)) from error
