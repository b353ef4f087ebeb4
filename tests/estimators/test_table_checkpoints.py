"""Checkpoints of table models: each network has its own, and a fit that was cut off ends in the same bits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(160, 3))
TABLE = {
    "a": X[:, 0],
    "b": X[:, 1],
    "kind": np.where(X[:, 2] > 0, "red", "blue"),
    "y": X[:, 0] * X[:, 1],
    "z": X[:, 1] + X[:, 2],
}
SETTINGS: dict[str, Any] = {"n_estimators": 3, "max_iter": 12, "hidden_layer_sizes": (40,), "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore::glassnet.errors.TrainingWarning")  # they learn for 12 epochs


class Cut(Exception):
    """The power has failed."""


def cut_at(network: int, epoch: int) -> Any:
    def callback(report: Any) -> None:
        if report.training == network and report.epoch.epoch == epoch:
            raise Cut

    return callback


def regressor(**more: Any) -> gn.TableRegressor:
    return gn.TableRegressor(**SETTINGS | more)


def outcome(model: Any) -> Any:
    """All that a fit ended with, except for the seconds."""
    members = [
        (m.network.parameters.tobytes(), m.view, m.fold, m.weight, m.temperature, m.history.best_epoch)
        for m in model.members_
    ]
    epochs = [[(e.epoch, e.loss, e.validation_loss, e.score) for e in m.history] for m in model.members_]
    members.append(([m.history.stopped_by for m in model.members_], epochs))
    return members, model.predict(TABLE).tolist()


def cut_off(folder: Path, model: Any, network: int = 1, epoch: int = 7, target: Any = "y", **more: Any) -> None:
    with pytest.raises(Cut):
        model.set_params(callbacks=[cut_at(network, epoch)]).fit(TABLE, target=target, checkpoint=folder, **more)


@pytest.mark.parametrize("target", ["y", ["y", "z"]])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_fit_that_was_cut_off_goes_on_to_the_same_bits(target, n_jobs, tmp_path):
    quiet = regressor().fit(TABLE, target=target)
    cut_off(tmp_path, regressor(n_jobs=n_jobs), target=target, every=2)
    told: list[tuple[int, int]] = []
    note = lambda report: told.append((report.training, report.epoch.epoch))  # noqa: E731
    model = regressor(n_jobs=n_jobs, callbacks=[note]).fit(TABLE, target=target, checkpoint=tmp_path, every=2)
    assert outcome(model) == outcome(quiet)
    if n_jobs == 1:
        assert [epoch for network, epoch in told if network == 0] == [], "it was whole"
        assert [epoch for network, epoch in told if network == 1] == list(range(7, 13))
    told.clear()
    again = regressor(n_jobs=n_jobs, callbacks=[note]).fit(TABLE, target=target, checkpoint=tmp_path, every=2)
    assert outcome(again) == outcome(quiet)
    assert told == [], "a finished fit is not trained again"


def test_dropout_that_fades_and_patience_go_on(tmp_path):
    settings = {"dropout": 0.3, "max_iter": 60, "n_estimators": 1, "learning_rate_init": 0.05}
    quiet = regressor(**settings).fit(TABLE, target="y")
    assert quiet.history_.stopped_by == "patience"
    for epoch in (5, len(quiet.history_) - 1):
        folder = tmp_path / str(epoch)
        cut_off(folder, regressor(**settings), network=0, epoch=epoch, target="y")
        model = regressor(**settings).fit(TABLE, target="y", checkpoint=folder)
        assert outcome(model) == outcome(quiet)


def test_a_seed_that_nobody_gave_is_kept(tmp_path):
    model = gn.TableClassifier(**SETTINGS | {"random_state": None, "callbacks": [cut_at(1, 3)]})
    with pytest.raises(Cut):
        model.fit(TABLE, target="kind", checkpoint=tmp_path)
    first = model.set_params(callbacks=None).fit(TABLE, target="kind", checkpoint=tmp_path)
    kept = outcome(first)
    again = gn.TableClassifier(**SETTINGS | {"random_state": None}).fit(TABLE, target="kind", checkpoint=tmp_path)
    assert outcome(again) == kept


def test_a_fit_that_a_callback_ended_is_finished(tmp_path):
    ends = lambda report: report.training == 1 and report.epoch.epoch == 5  # noqa: E731
    first = regressor(callbacks=[ends], n_jobs=1).fit(TABLE, target="y", checkpoint=tmp_path)
    again = regressor(callbacks=[cut_at(2, 1)], n_jobs=1).fit(TABLE, target="y", checkpoint=tmp_path)
    assert outcome(again) == outcome(first)
    assert len(again.members_) == 2


def test_what_the_time_limit_left_undone_is_done_by_the_next_call(tmp_path):
    patient = regressor(time_limit_seconds=600.0)
    cut_off(tmp_path, patient, network=0, epoch=3)
    model = regressor(time_limit_seconds=600.0).fit(TABLE, target="y", checkpoint=tmp_path)
    assert outcome(model) == outcome(regressor().fit(TABLE, target="y"))
    with pytest.raises(InputError, match=r"time_limit_seconds \(was 600.0, is 60.0\)"):
        regressor(time_limit_seconds=60.0).fit(TABLE, target="y", checkpoint=tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"X": TABLE | {"a": X[:, 0] + 1e-3}}, r"the data \(X\)"),
        ({"X": TABLE | {"y": TABLE["y"] * 2}}, r"the data \(y\)"),
        ({"sample_weight": np.linspace(1, 2, 160)}, r"the data \(sample_weight\)"),
        ({"groups": np.arange(160) // 4}, r"the data \(groups and time\)"),
        ({"X_val": TABLE}, r"the data \(X_val\)"),
        ({"model": regressor(max_iter=13)}, r"max_iter \(was 12, is 13\)"),
        ({"model": gn.MLPRegressor((3,)), "X": X, "y": X[:, 0]}, "estimator"),
    ],
)
def test_another_fit_is_refused_and_what_differs_is_named(change, words, tmp_path):
    cut_off(tmp_path, regressor())
    model = change.get("model", regressor())
    given = {"X": TABLE, "target": "y"} | {name: value for name, value in change.items() if name != "model"}
    if "y" in given:
        del given["target"]
    with pytest.raises(InputError, match=rf"of another fit.*{words}"):
        model.fit(**given, checkpoint=tmp_path)
