"""The short form of `make soak`."""

from pathlib import Path

import pytest

from tests.receiving.soak import NOTHING_GOOD, soak


@pytest.mark.process
def test_of_a_mix_of_requests_every_good_touchpoint_is_stored_exactly_once(tmp_path: Path) -> None:
    found = soak(tmp_path, seconds=12)
    assert found.odd == []
    assert found.good > 0
    assert found.differing == 0
    tried = {name.rpartition(" ")[0] for name in found.answers}
    assert tried >= set(NOTHING_GOOD) - {"slow"}
