"""Which backends run here; the others are skipped with what they miss."""

import pytest

from xent_api.testing import Unavailable, find_target


def test_available(target_name: str) -> None:
    try:
        target = find_target(target_name)
    except Unavailable as reason:
        pytest.skip(f"{target_name} cannot run: {reason}")
    with target.context():
        assert target.floats(target.asarray([0.5, 1.0], "float32")) == [0.5, 1.0]
