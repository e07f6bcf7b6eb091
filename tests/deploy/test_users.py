"""The users' files say what they have to, also where no server at hand can show it (grants, filters, constraints)."""

from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from schemas.tables import KIND_CELL, KIND_MARKER, tables
from schemas.view import PUBLIC, Setting
from schemas.views import views

FOLDER: Final = Path(__file__).resolve().parents[2] / "deploy" / "clickhouse" / "users.d"
USERS: Final = ET.parse(FOLDER / "touchline.xml").getroot()  # noqa: S314  (of our own tree)
CONSTRAINTS: Final = ET.parse(FOLDER / "touchline-constraints.xml").getroot()  # noqa: S314


def grants(user: str) -> set[str]:
    return {query.text or "" for query in USERS.findall(f"users/{user}/grants/query")}


def test_nobody_may_more_than_the_work_asks() -> None:
    assert [user.tag for user in USERS.findall("users/*")] == [
        "default", "touchline_admin", "touchline_writer", "touchline_reader",
    ]  # fmt: skip
    assert USERS.find("users/default").get("remove") == "remove"  # type: ignore[union-attr]
    assert grants("touchline_writer") == {
        "GRANT SELECT, INSERT ON touchline_internal.*",
        "GRANT ALTER DELETE ON touchline_internal.ledger",
        "GRANT SELECT ON touchline.*",
    }
    assert grants("touchline_reader") == {"GRANT SELECT ON touchline_internal.*", "GRANT SELECT ON touchline.*"}
    assert all("OPTION" not in grant for user in ("admin", "writer", "reader") for grant in grants(f"touchline_{user}"))


def test_grants_stand_alone() -> None:
    """Servers refuse them beside other kinds of access control."""
    for user in USERS.findall("users/*"):
        if user.find("grants") is not None:
            others = {child.tag for child in user} & {
                "access_management",
                "allow_databases",
                "named_collection_control",
            }
            assert others == set()


def test_passwords_come_from_the_environment() -> None:
    for user in USERS.findall("users/*"):
        if user.get("remove") is None:
            (password,) = user.findall("password")
            assert not password.text
            name = user.tag.removeprefix("touchline_").upper()
            assert password.get("from_env") == f"CLICKHOUSE_{name}_PASSWORD"


def test_the_reader_sees_numbers_and_positions_of_the_ledger_and_no_state_of_contacts() -> None:
    (filtered,) = USERS.findall("users/touchline_reader/databases/touchline_internal/ledger/filter")
    assert filtered.text == f"kind IN ({KIND_MARKER}, {KIND_CELL})"
    names = {table.name for table in tables([])}
    assert "ledger" in names
    for view in views([], Setting()):
        assert view.database == PUBLIC
        assert "kind = 2" not in view.select
        assert "kind = 3" not in view.select


def test_what_may_be_changed_in_readonly_may_only_get_smaller() -> None:
    profile = "profiles/touchline_reader"
    limit = USERS.findtext(f"{profile}/max_execution_time")
    (changeable,) = CONSTRAINTS.findall(f"{profile}/constraints/*")
    assert changeable.tag == "max_execution_time"
    assert changeable.findtext("max") == limit
    assert changeable.find("changeable_in_readonly") is not None
    assert USERS.findtext(f"{profile}/readonly") == "1"
    for name in ("max_memory_usage", "max_result_rows", "max_rows_to_read"):
        assert int(USERS.findtext(f"{profile}/{name}") or 0) > 0
    assert int(USERS.findtext("quotas/touchline_reader/interval/queries") or 0) > 0
