"""Models that explanations are tried on, each fitted once."""

import sys

import numpy as np
import pytest

import glassnet as gn


@pytest.fixture(autouse=True)
def _no_figures_left():
    """matplotlib warns of many open figures."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def circles():
    """The chapter's table."""
    return gn.data.example("circles")


@pytest.fixture(scope="session")
def circles_model(circles):
    """A small network of tables that parts the circles."""
    model = gn.TableClassifier(n_estimators=1, hidden_layer_sizes=(8,), activation="tanh", random_state=0)
    return model.fit(circles, target="label")


@pytest.fixture(scope="session")
def penguins():
    """A real table, with missing cells and categories."""
    return gn.data.example("penguins")


@pytest.fixture(scope="session")
def penguins_model(penguins):
    """Three classes, two hidden layers."""
    model = gn.TableClassifier(n_estimators=1, hidden_layer_sizes=(8, 6), max_iter=40, random_state=0)
    return model.fit(penguins, target="species")


@pytest.fixture(scope="session")
def mass_model(penguins):
    """A quantity of the same table."""
    known = penguins.take(np.flatnonzero(penguins["body_mass_g"].is_not_null().to_numpy()))
    model = gn.TableRegressor(n_estimators=1, hidden_layer_sizes=(8,), max_iter=40, random_state=0)
    return model.fit(known, target="body_mass_g")
