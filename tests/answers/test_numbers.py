"""What the page says of its numbers comes from the declarations, is there in both languages, and fits the catalogue."""

import re

import pytest

from pipeline.answers.formulas import WORDS
from pipeline.answers.number_words import FCR_WORDS, LIVE_WORDS
from pipeline.answers.numbers import PLACE, Explained, definitions
from pipeline.answers.speech import LANGUAGES, Language
from pipeline.answers.sums import formula, terms
from pipeline.measures import ALL
from schemas.catalogue import SERVICE_LEVELS, ServiceLevel, default, load

MEASURES = {measure.name: measure for measure in ALL}


def found(lang: Language = "en", catalogue: str = "zone: Europe/Berlin\n") -> dict[str, Explained]:
    return dict(definitions(load(catalogue, "catalogue"), lang).numbers)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_number_has_a_title_and_a_definition(lang: Language) -> None:
    for name, said in found(lang).items():
        assert said.title, name
        assert said.definition.endswith("."), name
        assert "{" not in said.definition, name
        assert said.definition_language == ("en" if name in MEASURES and name not in LIVE_WORDS else lang), name


def test_measures_are_said_as_they_are_declared() -> None:
    for name, said in found("de").items():
        if name in MEASURES and name not in LIVE_WORDS:
            measure = MEASURES[name]
            assert (said.title, said.definition) == (measure.title_de, measure.definition)
            assert said.booked_at == measure.booked_at


@pytest.mark.parametrize("level", SERVICE_LEVELS)
def test_the_service_level_is_the_one_of_the_catalogue(level: ServiceLevel) -> None:
    said = found("en", f"zone: UTC\nsettings:\n  headline_service_level: {level}\n")["service_level"]
    ratio = formula(level)
    assert [(part.sign, part.name) for part in said.above] == terms(ratio.above)
    assert [(part.sign, part.name) for part in said.below] == terms(ratio.below)
    assert said.definition.startswith(f"{level}: ")
    base = WORDS["sl_offered"][0]
    assert (base in said.definition) == ("sl_offered" in WORDS[level][0] or level == "sl_offered")
    summed = re.findall(r"sum\((\w+)\)", said.sql["today"])
    assert summed == [name for _, name in (*terms(ratio.above), *terms(ratio.below))]


def test_sql_has_a_place_for_the_queue_and_the_zone_of_the_catalogue() -> None:
    for name, said in found("en", "zone: America/Lima\n").items():
        for period, sql in said.sql.items():
            assert sql.count(PLACE) == 1, (name, period)
            assert "Europe" not in sql
            assert ("America/Lima" in sql) == (period in {"today", "days", "confirmed"}), (name, period)


def test_objectives_and_windows_are_those_of_the_catalogue() -> None:
    catalogue = load(
        "zone: UTC\nsettings:\n  wait_objective: 90%\n  response_objective: 95%\n  follow_up_window: 3d\n", "catalogue"
    )
    said = definitions(catalogue, "en")
    assert said.objectives == {"service_level": 90, "first_response_in_target_ratio": 95}
    assert "3 days" in said.numbers["fcr_provisional"].definition
    assert "- 3" in said.numbers["fcr_provisional"].sql["days"]
    assert {"phone", "chat"} <= set(said.channels["live"])
    assert set(said.channels["live"]) | set(said.channels["deferred"]) == set(default().channels)


def test_words_are_there_in_both_languages_and_differ() -> None:
    for words in (*LIVE_WORDS.values(), *FCR_WORDS.values()):
        assert all((words.title_en, words.title_de, words.en, words.de))
        assert words.en != words.de
