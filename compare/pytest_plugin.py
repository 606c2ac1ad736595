r"""The pytest fixture `parity`: check one's own code in a test. Loaded by pytest without importing torch."""

from __future__ import annotations

from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def parity() -> ModuleType:
    """Return check_activation, check_initializer, check_loss, ..., check_training, as one module.

    def test_my_adam(parity):
        parity.check_rule(MyAdam, like="adam")
    """
    import compare.checking

    return compare.checking
