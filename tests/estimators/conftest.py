"""What the tests of estimators share."""

import warnings

import pytest

from glassnet.errors import TrainingWarning
from glassnet.nn import get_engine


@pytest.fixture(scope="session", autouse=True)
def _missing_kernel_told() -> None:
    """Hear once that the kernel is missing, where it is, so that no test hears it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)
        get_engine()
