"""Who is compared: the defaults of each library, and how it wants a table. A library is imported where it is used."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from benchmarks.accuracy.variants import VARIANTS, parameters

ABSENT = "(missing)"  # a category of its own, for who cannot take a missing one
Frames = tuple[Any, Any]  # of the training and of the test rows


@dataclass(frozen=True)
class Problem:
    """What a model is made for.

    Attributes:
        task: "regression", "binary" or "multiclass".
        text: The names of the columns that hold categories.
    """

    task: str
    text: tuple[str, ...]
    seed: int
    threads: int

    @property
    def regression(self) -> bool:
        """Whether a number is predicted."""
        return self.task == "regression"


@dataclass(frozen=True)
class Peer:
    """One who is compared.

    Attributes:
        title: As the report calls it.
        packages: Whose versions are recorded; the first is the library.
        frames: Its kind of table, of training and test rows.
        model: An estimator with defaults.
        strings: Whether it learns classes by their names; others get them counted.
        what: Said of it on the page.
    """

    title: str
    packages: tuple[str, ...]
    frames: Callable[[Problem, pl.DataFrame, pl.DataFrame], Frames]
    model: Callable[[Problem], Any]
    what: str
    strings: bool = False


def as_it_is(_: Problem, train: pl.DataFrame, test: pl.DataFrame) -> Frames:
    """Polars, untouched."""
    return train, test


def categories(problem: Problem, train: pl.DataFrame, test: pl.DataFrame) -> Frames:
    """pandas, categories in its own type, with the levels of the training rows; any other is missing."""
    import pandas as pd

    a, b = _pandas(problem, train), _pandas(problem, test)
    for column in _text(problem, train):
        levels = sorted(set(a[column]) - {None})
        for frame in (a, b):
            frame[column] = pd.Categorical(frame[column].where(frame[column].isin(levels)), levels)
    return a, b


def strings(problem: Problem, train: pl.DataFrame, test: pl.DataFrame) -> Frames:
    """pandas, categories as strings, of which one says that there is none."""
    filled = pl.selectors.string().fill_null(ABSENT)
    return _pandas(problem, train.with_columns(filled)), _pandas(problem, test.with_columns(filled))


def complete(problem: Problem, train: pl.DataFrame, test: pl.DataFrame) -> Frames:
    """As strings, and numbers that are missing have the training rows' median."""
    a, b = strings(problem, train, test)
    numbers = [column for column in a if column not in _text(problem, train)]
    medians = a[numbers].median().fillna(0.0)
    a[numbers], b[numbers] = a[numbers].fillna(medians), b[numbers].fillna(medians)
    return a, b


def _pandas(problem: Problem, table: pl.DataFrame) -> Any:
    """Numbers are floating, columns are called x0, x1, …, for some libraries do not take every name."""
    import pandas as pd

    columns = {}
    for j, name in enumerate(table.columns):
        if name in problem.text:
            columns[f"x{j}"] = pd.Series(table[name].to_list(), dtype=object)
        else:
            columns[f"x{j}"] = pd.Series(table[name].cast(pl.Float64).to_numpy())
    return pd.DataFrame(columns)


def _text(problem: Problem, table: pl.DataFrame) -> list[str]:
    """What `_pandas` calls the columns that hold categories."""
    return [f"x{j}" for j, name in enumerate(table.columns) if name in problem.text]


def _behind_the_usual(problem: Problem, classifier: Any, regressor: Any) -> Any:
    """Median imputation, scaling and one-hot before it; in regression the target is scaled too."""
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    prepared = ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()),
                make_column_selector(dtype_include="number"),
            ),
            (
                "categories",
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                make_column_selector(dtype_exclude="number"),
            ),
        ]
    )
    if problem.regression:
        return TransformedTargetRegressor(make_pipeline(prepared, regressor), transformer=StandardScaler())
    return make_pipeline(prepared, classifier)


def _mlp(problem: Problem) -> Any:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    return _behind_the_usual(problem, MLPClassifier(random_state=problem.seed), MLPRegressor(random_state=problem.seed))


def _linear(problem: Problem) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return _behind_the_usual(problem, LogisticRegression(max_iter=2000), Ridge())


def _histogram(problem: Problem) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor if problem.regression else HistGradientBoostingClassifier
    return model(categorical_features="from_dtype", random_state=problem.seed)


def _lightgbm(problem: Problem) -> Any:
    import lightgbm

    model = lightgbm.LGBMRegressor if problem.regression else lightgbm.LGBMClassifier
    return model(random_state=problem.seed, n_jobs=problem.threads, verbose=-1)


def _xgboost(problem: Problem) -> Any:
    import xgboost

    model = xgboost.XGBRegressor if problem.regression else xgboost.XGBClassifier
    return model(enable_categorical=True, random_state=problem.seed, n_jobs=problem.threads)


class _CatBoost:
    """CatBoost, told at the fit which columns hold categories."""

    def __init__(self, problem: Problem) -> None:
        import catboost

        kind = catboost.CatBoostRegressor if problem.regression else catboost.CatBoostClassifier
        self.model = kind(random_seed=problem.seed, thread_count=problem.threads, verbose=0, allow_writing_files=False)

    def fit(self, X: Any, y: Any) -> Any:
        """Fitted."""
        text = list(X.select_dtypes(exclude="number").columns)
        return self.model.fit(X, y, cat_features=text)


def _pytabkit(name: str) -> Callable[[Problem], Any]:
    def model(problem: Problem) -> Any:
        import pytabkit

        kind = getattr(pytabkit, f"{name}_{'Regressor' if problem.regression else 'Classifier'}")
        return kind(device="cpu", random_state=problem.seed, n_threads=problem.threads)

    return model


def _glassnet(variant: str | None) -> Callable[[Problem], Any]:
    def model(problem: Problem) -> Any:
        import glassnet

        chosen = (variant and parameters(variant, problem.task)) or {}
        kind = glassnet.TableRegressor if problem.regression else glassnet.TableClassifier
        return kind(random_state=problem.seed, **chosen)

    return model


OURS = "glassnet"
BOOSTING = ("hgb", "lgbm", "xgb", "catboost")
PEERS = {  # in the order in which they are measured
    OURS: Peer("glassnet", ("glassnet",), as_it_is, _glassnet(None), "`TableClassifier()`, `TableRegressor()`", True),
    "linear": Peer(
        "linear",
        ("scikit-learn",),
        strings,
        _linear,
        "`LogisticRegression(max_iter=2000)`, `Ridge()`, behind the same preparation",
    ),
    "sk": Peer(
        "sk's MLP",
        ("scikit-learn",),
        strings,
        _mlp,
        "`MLPClassifier()`, `MLPRegressor()` behind median imputation, scaling and one-hot; targets scaled too",
    ),
    "hgb": Peer(
        "HistGB",
        ("scikit-learn",),
        categories,
        _histogram,
        '`HistGradientBoosting…(categorical_features="from_dtype")`',
    ),
    "lgbm": Peer("LightGBM", ("lightgbm",), categories, _lightgbm, "`LGBM…()`, columns of pandas' category type"),
    "xgb": Peer("XGBoost", ("xgboost",), categories, _xgboost, "`XGB…(enable_categorical=True)`"),
    "catboost": Peer(
        "CatBoost",
        ("catboost",),
        strings,
        _CatBoost,
        f"`CatBoost…()` with `cat_features`; a missing category is the category {ABSENT}",
    ),
    "realmlp": Peer(
        "RealMLP-TD",
        ("pytabkit", "torch"),
        complete,
        _pytabkit("RealMLP_TD"),
        "`RealMLP_TD_…()` of pytabkit; it takes no missing numbers, so they are the median",
    ),
    "tabm": Peer("TabM", ("pytabkit", "torch"), complete, _pytabkit("TabM_D"), "`TabM_D_…()` of pytabkit, likewise"),
}
ABLATION = {
    f"{OURS}: {variant}": Peer(variant, ("glassnet",), as_it_is, _glassnet(variant), variant, True)
    for variant in VARIANTS
}


def scores(classes: np.ndarray | None, answers: np.ndarray, model: Any, rows: Any) -> dict[str, float]:
    """Of a fitted model: the root of the mean squared error, or share of errors and log-loss.

    Args:
        classes: What the model may call the classes, in the order in which they are counted; None for numbers.
        answers: Of the test rows: numbers, or the classes' indices.
    """
    if classes is None:
        return {"rmse": float(np.sqrt(np.mean((np.asarray(model.predict(rows)).ravel() - answers) ** 2)))}
    p = np.zeros((len(answers), len(classes)))
    p[:, np.searchsorted(classes, np.asarray(model.classes_))] = model.predict_proba(rows)
    return probabilities_scores(p, answers)


def probabilities_scores(p: np.ndarray, answers: np.ndarray) -> dict[str, float]:
    """Share of errors; log-loss, for which no probability is less than 1e-7.

    >>> probabilities_scores(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0, 0]))
    {'error': 0.0, 'log_loss': 0.34657364}
    """
    p = np.clip(p / p.sum(axis=1, keepdims=True), 1e-7, None)
    p /= p.sum(axis=1, keepdims=True)
    log_loss = -np.log(p[np.arange(len(answers)), answers]).mean()
    return {"error": float((p.argmax(axis=1) != answers).mean()), "log_loss": round(float(log_loss), 8)}
