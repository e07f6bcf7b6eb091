"""The commands that answer, as their users call them: on a free folder, and while a process holds it."""

import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from pyarrow import parquet
from typer.testing import CliRunner, Result

import pipeline.cli  # noqa: F401  (registers the commands)
from pipeline.cli.base import app
from tests.app.command import replay, running, write
from tests.measures.scenes import DAY, HOUR, contact

pytestmark = [pytest.mark.process, pytest.mark.timeout(400)]

CATALOGUE = """zone: Europe/Berlin
title: {de: Kundendienst, en: Customer service}
calendars: {office: {weekly: {monday-friday: 08:00-18:00}, holidays: {country: DE, subdivision: BY}}}
opening_hours: [{calendar: office}]
targets:
  - channel: phone
    wait: 20s
"""
TOLD = "2026-03-02"


def calls() -> list[dict[str, Any]]:
    """Ten calls of a Monday and of the Monday before, waiting 5, 10, ... 50 s, and a few other matters."""
    found: list[dict[str, Any]] = []
    for week, after in (("b", -7 * DAY), ("a", 0)):
        for n in range(10):
            found += contact(
                ("contact.queued", after + n * 60, {"queue": "sales"}),
                ("contact.answered", after + n * 60 + 5 * (n + 1)),
                ("contact.closed", after + n * 60 + 300),
                name=f"{week}{n}", customer_id=f"k-{n}", topic=f"t-{week}{n}",
            )  # fmt: skip
    found += contact(("contact.requested", 0), ("message.sent", HOUR), name="mail", channel="email", queue="sales")
    found += contact(("contact.requested", 2 * DAY), name="again", customer_id="k-3", topic="t-a3", channel="chat")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("answers")
    (place / "catalogue.yaml").write_text(CATALOGUE)
    file = write(place / "calls.jsonl", calls())
    replay(file, data=place / "data", more=("--catalogue", str(place / "catalogue.yaml")))
    return place


def asked(folder: Path, *arguments: str, code: int = 0) -> str:
    """What a command prints, in this process."""
    done = run(folder, *arguments)
    assert done.exit_code == code, (done.output, done.exception)
    return done.stdout


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--data", str(folder / "data")])


def refused(folder: Path, *arguments: str) -> str:
    """The one sentence a command ends with that cannot be done."""
    done = run(folder, *arguments)
    assert done.exit_code == 2, (done.output, done.exception)
    said = " ".join(done.stderr.split())
    assert said.startswith("touchline: ")
    assert "Traceback" not in said
    return said


# ---- on a free folder


def test_a_contact_is_explained_in_both_languages(folder: Path) -> None:
    english = asked(folder, "explain", "a3")
    assert "a person answers after a wait of 20 s: within the target of 20 s" in english
    assert "customer k-3" in english
    assert "contact again (chat) followed on 4 Mar 2026 11:00:00" in english
    assert "answered_in_target" in english
    german = asked(folder, "explain", "a4", "--lang", "de")
    assert "ein Mensch nimmt an, nach 25 s Warten: über dem Ziel von 20 s" in german
    assert "beim Erstkontakt gelöst" in german


def test_which_formula_it_was(folder: Path) -> None:
    said = asked(folder, "which-formula", "40.0", "--day", TOLD, "--queue", "sales", "--channel", "phone")
    assert "40.0%  sl_net = answered_in_target 4 / (offered 10 - abandoned_short 0 = 10)" in said
    assert "None of them" not in said
    assert "Keine davon" in asked(folder, "which-formula", "41", "--day", TOLD, "--lang", "de")
    assert len(asked(folder, "which-formula", "41", "--day", TOLD, "--all").splitlines()) > len(said.splitlines())


def test_what_was_known_before_anything_was_and_what_has_been_learned_since(folder: Path) -> None:
    hour = datetime.now(UTC).strftime("%Y-%m-%dT%H:00+00:00")
    said = asked(folder, "as-known", "--at", "2026-03-02T09:00", "--day", TOLD)
    assert "Nothing was known then: all of it was learned later." in said
    (answered,) = [line.split() for line in said.splitlines() if line.split()[:1] == ["answered"]]
    assert answered[1:] == ["0", "10", "+10"]
    done = run(folder, "as-known", "measures_day", "--at", "2026-03-02T09:00", "--format", "JSONEachRow")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "Rows of contacts: 0 have not been revised since" in done.stderr
    assert "Nothing is counted there" in asked(folder, "as-known", "--at", hour, "--queue", "nowhere")


def test_the_morning_in_every_format(folder: Path, tmp_path: Path) -> None:
    text = asked(folder, "report", "--day", TOLD)
    assert "Customer service: Monday, 2 Mar 2026" in text
    assert "40.0%" in text
    assert "sl_net = answered_in_target / (offered - abandoned_short)" in text
    german = asked(folder, "report", "--day", TOLD, "--lang", "de", "--format", "csv")
    assert "2026-03-02;live;sales;sl_net;ratio;0,4;" in german
    file = tmp_path / "report.html"
    asked(folder, "report", "--day", TOLD, "--lang", "de", "--format", "html", "--to", str(file))
    page = file.read_text()
    assert "Montag, 02.03.2026" in page
    assert page.count("<svg") == 3
    assert "k-3" not in page
    asked(folder, "report", "--day", TOLD, "--format", "parquet", "--to", str(tmp_path / "report.parquet"))
    rows = parquet.read_table(io.BytesIO((tmp_path / "report.parquet").read_bytes())).to_pylist()
    assert ("live", "sales", "sl_net", 0.4) in [(r["section"], r["row"], r["measure"], r["value"]) for r in rows]
    assert "An empty day" in asked(folder, "report", "--day", "2026-03-03")


def test_an_edited_catalogue_is_checked_and_tried(folder: Path, tmp_path: Path) -> None:
    edited = tmp_path / "edited.yaml"
    edited.write_text(CATALOGUE.replace("wait: 20s", "wait: 40s"))
    said = asked(folder, "catalogue", "check", str(edited), code=1)
    (line,) = [line.split() for line in said.splitlines() if "target wait" in line]
    assert line[0] == "7"
    assert " ".join(line[-3:]) == "needs a rebuild"
    tried = asked(folder, "catalogue", "what-if", str(edited), "--from", TOLD)
    (row,) = [line.split() for line in tried.splitlines() if line.split()[:3] == ["waiting,", "sl_net", "sales"]]
    assert row[3:] == ["10", "40.0%", "80.0%", "+40.0", "pp"]
    assert "Exact: every contact was derived anew." in tried

    edited.write_text(f"{CATALOGUE}  - channel: phone\n    wait: 40s\n    valid_from: 2099-01-01\n")
    said = asked(folder, "catalogue", "check", str(edited))
    assert "can be taken over while running" in said
    assert "1 Jan 2099 00:00:00" in said
    tried = asked(folder, "catalogue", "what-if", str(edited), "--from", TOLD, "--to", TOLD)
    assert "--undated shows them as if always in force" in tried
    assert "+40.0 pp" in asked(folder, "catalogue", "what-if", str(edited), "--from", TOLD, "--undated")

    shown = asked(folder, "catalogue", "show", str(edited), "--day", "2099-02-01").split("\n", 2)[1].split()
    assert shown == ["phone", "any", "any", "40s", "-", "1min", "office"]

    edited.write_text(CATALOGUE.replace("wait: 20s", "wait: 20 parsecs"))
    assert "line 7" in refused(folder, "catalogue", "check", str(edited))
    nowhere = tmp_path / "nowhere"
    edited.write_text(CATALOGUE)
    assert "nothing is counted here yet" in asked(nowhere, "catalogue", "check", str(edited))
    assert not nowhere.exists(), "a check leaves nothing behind"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("explain", "nobody"), "no contact is called 'nobody'"),
        (("explain", "a3", "--at", "2026-03-02"), "contact 'a3' came or was revised after that, and how"),
        (("explain", "a3", "--lang", "fr"), "there is no language 'fr': write de or en"),
        (("which-formula", "many", "--day", TOLD), "'many' is not a percentage"),
        (("which-formula", "84", "--day", "Monday"), "'Monday' is not a day: write such as 2026-03-02"),
        (("which-formula", "84", "--day", TOLD, "--queue", "nowhere"), "nothing is counted on 2026-03-02 for nowhere"),
        (("report", "--day", "2020-01-01"), "nothing is counted on 2020-01-01: what is counted reaches from"),
        (("report", "--day", TOLD, "--format", "xls"), "there is no format 'xls': write one of text, html"),
        (("report", "--day", TOLD, "--to", "/no/such/folder/x"), "there is no folder /no/such/folder"),
        (("as-known", "--at", "soon"), "'soon' is not a date or time"),
        (("as-known", "--at", "2099-01-01"), "is still to come"),
        (("as-known",), "say at which moment: --at"),
        (("as-known", "nothing", "--at", TOLD), "there is no view 'nothing'; there are"),
        (("catalogue", "check", "no.yaml"), "the catalogue no.yaml cannot be read"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(folder: Path, arguments: tuple[str, ...], part: str) -> None:
    assert part in refused(folder, *arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("which-formula", "84", "--day", "2026-03-03"), "nothing is counted on 2026-03-03"),
        (
            ("as-known", "contacts", "--at", TOLD, "--where", "moon = 1"),
            "ClickHouse says (47): Unknown expression or function identifier `moon`",
        ),
    ],
)
def test_and_no_more_than_that(folder: Path, arguments: tuple[str, ...], sentence: str) -> None:
    assert refused(folder, *arguments) == f"touchline: {sentence}"


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    assert "nothing is counted here yet: feed it with" in refused(tmp_path, "report", "--day", TOLD)


# ---- while a process holds the folder


class Held(Struct, frozen=True):
    """Another folder with the same in it, and the page of the process that holds it."""

    folder: Path
    base: str


@pytest.fixture(scope="module")
def held(folder: Path) -> Iterator[Held]:
    other = folder / "held"
    other.mkdir()
    with running("run", "--catalogue", str(folder / "catalogue.yaml"), data=other / "data") as process:
        replay(folder / "calls.jsonl", data=other / "data")
        yield Held(other, process.base)


def page(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310  (loopback)
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_all_of_it_works_while_a_process_holds_the_folder(held: Held, tmp_path: Path) -> None:
    folder = held.folder
    assert "contact again (chat) followed" in asked(folder, "explain", "a3")
    assert "no contact is called 'nobody'" in refused(folder, "explain", "nobody")
    assert "how it was then is not kept" in refused(folder, "explain", "a3", "--at", TOLD)
    assert "40.0%  sl_net" in asked(folder, "which-formula", "40", "--day", TOLD, "--channel", "phone")
    assert "40.0%" in asked(folder, "report", "--day", TOLD)
    (row,) = asked(
        folder, "as-known", "measures_day", "--at", datetime.now(UTC).isoformat()[:16] + "+00:00", "--where",
        "offered > 0 AND day = '2026-03-02'", "--format", "JSONEachRow",
    ).splitlines() or ["{}"]  # fmt: skip
    assert json.loads(row).get("offered", 10) in (10, "10"), "learned in this hour: perhaps not known at its beginning"
    edited = tmp_path / "edited.yaml"
    edited.write_text(CATALOGUE.replace("wait: 20s", "wait: 40s"))
    assert "needs a rebuild" in asked(folder, "catalogue", "check", str(edited), code=1)
    assert "+40.0 pp" in asked(folder, "catalogue", "what-if", str(edited), "--from", TOLD)


def test_the_page_of_a_contact_names_contacts_and_no_customer(held: Held) -> None:
    status, text = page(f"{held.base}/contact?id=a3&lang=de")
    assert status == 200
    assert "Kontakt a3" in text
    assert "?id=again" in text
    assert "k-3" not in text
    assert page(f"{held.base}/contact.css")[0] == 200
    assert page(f"{held.base}/contact?id=nobody")[0] == 404
    assert page(f"{held.base}/contact")[0] == 400
    assert "<script" not in page(f"{held.base}/contact?id=%3Cscript%3E")[1]
