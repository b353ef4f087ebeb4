"""The two engines, as tests take them."""

import importlib.util
import os

import pytest

from glassnet.nn import Engine, NumpyEngine, get_engine


@pytest.fixture(scope="session")
def reference() -> Engine:
    """The algebra as it is written."""
    return NumpyEngine()


@pytest.fixture(scope="session")
def kernel() -> Engine:
    """The compiled engine, never NumPy in its name; tests skip where it is missing and not required."""
    if importlib.util.find_spec("glassnet._kernel") is None and os.environ.get("GLASSNET_REQUIRE_KERNEL") != "1":
        pytest.skip("glassnet was installed without its kernel")
    engine = get_engine("kernel")
    assert engine.name == "kernel"
    return engine


@pytest.fixture(params=["numpy", "kernel"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """One after the other."""
    return request.getfixturevalue({"numpy": "reference", "kernel": "kernel"}[request.param])
