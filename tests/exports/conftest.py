"""Small models of every kind of column and of target, trained for a moment."""

import datetime as dt
import warnings

import numpy as np
import polars as pl
import pytest

import glassnet as gn
from glassnet.data.schema import KINDS

N = 240
QUICK = {"n_estimators": 2, "max_iter": 3, "hidden_layer_sizes": (8,), "random_state": 0}
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(N, 3))
SUM = NUMBERS.sum(axis=1)
START = dt.datetime(2018, 1, 1, 0, 30)


def every_kind():
    """A column of every kind, with missing cells in most."""
    rows = range(N)
    return pl.DataFrame(
        {
            "size": [None if i % 30 == 0 else float(NUMBERS[i, 0] * 1e3) for i in rows],
            "mass": NUMBERS[:, 1],
            "visits": [min(i % 11, i % 7) for i in rows],
            "town": [None if i % 17 == 0 else ("Ulm", "7", "Bad Tölz")[i % 3] for i in rows],
            "street": [f"street {i % 40 if i % 40 < 30 else i}" for i in rows],
            "sure": [None if i % 23 == 0 else bool(i % 2) for i in rows],
            "sold": [START + dt.timedelta(hours=219 * i) for i in rows],
            "told": [None if i % 19 == 0 else f"{1 + i % 28:02d}.{1 + i % 12:02d}.{2019 + i % 4}" for i in rows],
            "at": pl.Series([START + dt.timedelta(hours=131 * i) for i in rows])
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone("Europe/Berlin"),
            "opens": [dt.time(i % 24, i % 60) for i in rows],
            "took": [None if i % 13 == 0 else dt.timedelta(seconds=37 * i) for i in rows],
            "same": ["always"] * N,
        }
    )


COLUMNS = {"visits": "count", "street": "category"}
X = {"a": [None if i % 40 == 0 else float(NUMBERS[i, 0]) for i in range(N)], "b": NUMBERS[:, 1], "c": [1.0] * N}
TARGETS = {  # of models whose columns are numbers alone
    "two classes": (gn.TableClassifier, np.where(SUM > 0, "yes", "no"), {"metric": "f1_macro"}),
    "three classes": (gn.TableClassifier, np.digitize(SUM, [-0.5, 0.5]), {}),
    "flags": (gn.TableClassifier, SUM > 0, {"n_estimators": 1}),
    "several labels": (gn.TableClassifier, np.column_stack([SUM > 0, NUMBERS[:, 0] > 0]), {}),
    "quantity": (gn.TableRegressor, 1e4 + 1e3 * SUM, {}),
    "logarithm": (gn.TableRegressor, np.exp(SUM), {"target_transform": "log"}),
    "counts": (gn.TableRegressor, RNG.poisson(3, N), {"loss": "poisson"}),
    "several quantities": (gn.TableRegressor, NUMBERS[:, :2] * [1, 100], {}),
}


def fitted(kind, y, more, table=X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a column is constant, and little is learned
        return kind(**QUICK | more).fit(table, y)


@pytest.fixture(scope="session")
def models():
    """By what they predict."""
    return {name: fitted(*told) for name, told in TARGETS.items()}


@pytest.fixture(scope="session")
def of_every_kind():
    """A classifier of two views, of a table with a column of every kind."""
    model = fitted(gn.TableClassifier, np.digitize(SUM, [-0.5, 0.5]), {"columns": COLUMNS}, every_kind())
    kinds = {column.kind for column in model.preprocessor_.columns}
    assert kinds == set(KINDS)
    assert {column.name for column in model.preprocessor_.columns if column.pooled} == {"street"}
    return model
