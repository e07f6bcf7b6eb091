"""The small organisation, replayed once into an embedded warehouse: for all tests that ask it."""

from pathlib import Path

import pytest

from tests.app.command import replay, write
from tests.dashboards.organisation import CATALOGUE, NOW_MS, touchpoints


@pytest.fixture(scope="session")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its warehouse; nobody has it open."""
    home = tmp_path_factory.mktemp("organisation")
    (home / "catalogue.yaml").write_text(CATALOGUE)
    said = [*touchpoints(), {"id": "?", "type": "contact.unheard_of", "time": NOW_MS, "contact_id": "?"}]
    again = said[:3]
    replay(
        write(home / "touchpoints.jsonl", [*said, *again]),
        data=home / "data",
        more=("--catalogue", str(home / "catalogue.yaml")),
    )
    return home / "data"
