"""TableClassifier: any dataframe or file in, labels and their probabilities out."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from sklearn.base import ClassifierMixin

from glassnet.data.several import Targets, side_by_side
from glassnet.data.targets import ClassTarget
from glassnet.errors import DataWarning, InputError
from glassnet.estimators.table_model import TableModel
from glassnet.estimators.table_rows import Name, check_class_weight, class_factors
from glassnet.estimators.thresholds import best_threshold, best_thresholds
from glassnet.nn import Data, Engine, Loss, State, get_loss
from glassnet.nn.elementary import Array
from glassnet.training import Callback
from glassnet.training.trainer import Score

TIE = 1e-6  # of the loss, beside a share of errors: what decides between epochs with as many errors


def _accuracy(labels: Array, predicted: Array, sample_weight: Any) -> float:
    """scikit-learn's takes labels with a fraction for quantities; of several labels, all of a row must be right."""
    right = labels == predicted
    return float(np.average(right if right.ndim == 1 else right.all(axis=1), weights=sample_weight))


class TableClassifier(ClassifierMixin, TableModel):
    """Networks that tell classes apart, on any table.

    Columns are prepared by themselves: numbers standardised and, where missing, set to the median with a flag;
    categories one-hot; booleans as they are; dates as a trend and the cycles of year, week and day. A column that gives
    the target away is told in a DataWarning. Eight networks x → silu layers → p are trained, four of them on numbers
    as they are, four on numbers in 16 pieces; each pair leaves another fifth of the rows out, and keeps the weights of
    the epoch with the fewest errors there. Their scores are divided by a temperature that makes probabilities honest on
    those rows, and the prediction is their weighted mean:

        p(x) = Σₖ wₖ softmax(yₖ(x) / T)

    Several targets of two classes each, `target=["a", "b"]` or a y (n, k), are learned by the same networks, with an
    output p = 1 / (1 + e⁻ʸ) for each: a row may have any of the labels. What has a column for each class then has one
    for each target, with the probability of its second class.

    Args:
        quality: "fast" trains two networks for 64 epochs, "default" eight for 128, "best" twenty for 192; of a
            large table fewer of both. Each is better than the one before, and takes several times as long.
        n_estimators: Networks, in place of what the quality says; 1 is one network on numbers as they are, of which
            every number can be followed by hand.
        hidden_layer_sizes: Units of each hidden layer; () is logistic regression, and "auto" three layers of 96, or of
            128 where the columns become more than 64 features.
        activation: A name for all hidden layers, or one each.
        alpha: λ of AdamW's weight decay, θ ← (1 − ηλ)θ at first; it falls with the rate.
        dropout: Share of the hidden units that a step leaves out at first; it falls with the rate.
        learning_rate_init: Rate of all weights; "auto" is 0.04 / √fan-in for the weights of a layer, 0.1 in place of
            0.04 for squared errors, and less for small batches. It falls as a half cosine.
        batch_size: Rows of a minibatch; "auto" takes 32 to 256, growing with the table.
        max_iter: Epochs at the most; "auto" takes more for small tables, fewer for large ones.
        n_iter_no_change: Epochs without progress on held-out rows before a network's training stops; "auto" is a
            fifth of max_iter.
        validation_fraction: Share of the rows that each network leaves out to choose its epoch; 0 trains on all rows
            for `max_iter` epochs.
        calibration: Which rows nothing is trained or chosen on, for `predict_set` and `predict_interval`: "split" takes
            a tenth of all rows, 1,000 at the most; "cv+" a quarter of what each network leaves out; "auto" is "split"
            from 10,000 rows on, else "cv+"; "none" takes none.
        columns: Kinds for columns that were taken wrongly: "number", "count", "category", "boolean", "date", "time",
            "duration" or "ignore".
        time_limit_seconds: End within so long: with fewer epochs, then with fewer networks, where it needs be.
        callbacks: Called after every epoch of every network with a `training.Report`; returning True ends all.
        engine: "auto", "kernel" or "numpy".
        random_state: An int gives the same networks every time.
        metric: What is to be high: a name of `sklearn.metrics.get_scorer_names`, such as "f1", "roc_auc" or
            "neg_log_loss". It chooses each network's epoch on the rows held out and, of two classes, where it is a
            metric of labels, `threshold_`.
        class_weight: How much the rows of each class count in the loss, beside sample_weight: "balanced" makes all
            classes count the same; or a weight > 0 by label, as {"rare": 5.0}, 1 for the labels that it leaves out.
        n_jobs: Threads of the kernel, at the most; -1 is one for each processor. None is what the environment says in
            GLASSNET_NUM_THREADS or OMP_NUM_THREADS, else one for each. Every number gives the same bits.

    Attributes:
        classes_: The labels, sorted; of several targets, a list with those of each.
        members_: The networks, each with its weight in the mean, its history, temperature and fold.
        network_: The first `Network`, the one that is explained; `print(model.network_)` shows its formulas.
        preprocessor_: Columns and the features that they became; `pieces_` is the same with numbers in pieces and
            of each category the 100 most frequent values.
        history_: Losses of every epoch of the first network.
        threshold_: From which probability on a row counts as of the second of two classes; of several targets, one
            for each, (k,).
        out_of_fold_: What networks say of rows that they were not trained on; None after loading.
        feature_names_in_: Columns of the training table.

    Sources: Holzmüller, Grinsztajn and Steinwart 2024, Better by Default (the recipe's beginnings); Gorishniy, Rubachev
    and Babenko 2022, On Embeddings for Numerical Features (pieces); Guo, Pleiss, Sun and Weinberger 2017, On
    Calibration of Modern Neural Networks (temperature).

    >>> from glassnet.data.examples import circles
    >>> model = TableClassifier(quality="fast", random_state=0).fit(circles(), target="label")
    >>> model.predict({"x1": [0.0, 1.0], "x2": [0.0, 0.0]}).tolist()
    ['inner', 'outer']
    """

    class_weight: str | Mapping[Any, float] | None

    _metric = staticmethod(_accuracy)
    score = TableModel.score  # not the mixin's, which knows no tables

    def __init__(
        self,
        *,
        quality: Literal["fast", "default", "best"] = "default",
        n_estimators: int | Literal["auto"] = "auto",
        hidden_layer_sizes: int | Sequence[int] | Literal["auto"] = "auto",
        activation: str | Sequence[str] = "silu",
        alpha: float = 0.02,
        dropout: float = 0.15,
        learning_rate_init: float | Literal["auto"] = "auto",
        batch_size: int | Literal["auto"] = "auto",
        max_iter: int | Literal["auto"] = "auto",
        n_iter_no_change: float | Literal["auto"] = "auto",
        validation_fraction: float = 0.2,
        calibration: Literal["auto", "split", "cv+", "none"] = "auto",
        columns: Mapping[str, str] | None = None,
        time_limit_seconds: float | None = None,
        callbacks: Sequence[Callback] | None = None,
        engine: str = "auto",
        random_state: Any = None,
        metric: str | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self._keep(locals())

    @property
    def classes_(self) -> Any:
        """The labels, sorted; of several targets, a list with those of each."""
        return self.target_.classes

    def predict(self, X: Any) -> Array:
        """The most probable class of each row, (n,); of several targets, a label for each, (n, k).

        Args:
            X: A table with the columns of training, in any order; others are not looked at.

        Raises:
            TableError: A missing column, or text where training had numbers.
        """
        return self._decoded(self._predicted(X))

    def _decoded(self, p: Array) -> Array:
        """The label of each row, (n,), of p (n, k); of several targets (n, k)."""
        if isinstance(self.target_, Targets):
            above = (p > self.threshold_).astype(int)
            return side_by_side([labels[codes] for labels, codes in zip(self.target_.classes, above.T, strict=True)])
        if p.shape[1] == 1 and self.threshold_ != 0.5:
            return self.target_.classes[(p[:, 0] > self.threshold_).astype(int)]
        return self.target_.decode(p)

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (n, classes), columns in the order of `classes_`.

        Of several targets, that of the second class of each, (n, k), as scikit-learn's MLPClassifier has it.
        """
        p = self._predicted(X)
        return self.target_.probabilities(p)

    def predict_set(self, X: Any, coverage: float = 0.9) -> Array:
        """Which classes each row may be of, (n, classes) flags: the true one is among them as often as `coverage` says.

        A class c is in where its score 1 − p(c) is no larger than that of a share `coverage` of calibration rows (least
        ambiguous sets: Sadinle, Lei and Wasserman 2019). The promise is of all rows on average, not of each class, and
        of rows like those of training, in random order; `guarantee` says it in words.

        Args:
            X: A table with the columns of training.
            coverage: The share of new rows whose class is to be in its set, between 0 and 1.

        Raises:
            InputError: A coverage that is none, a model without calibration rows, or one of several targets.
            TableError: As `predict`.

        >>> from glassnet.data.examples import penguins
        >>> model = TableClassifier(n_estimators=2, random_state=0).fit(penguins(), target="species")
        >>> model.predict_set(penguins().take([0]), coverage=0.9).tolist()
        [[True, False, False]]
        """
        self._check_fitted()
        if isinstance(self.target_, Targets):
            raise InputError(
                f"Sets are of one target, but this model has {len(self.target_.names)}: {self.target_.name}. Fit a "
                f"model of each for its sets."
            )
        conformal, x = self._calibrated(), self._seen(X)
        return conformal.sets(lambda fold: self.target_.probabilities(self._mean_prediction(x, fold)), coverage)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_class_weight(self.class_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _constant_name(self) -> str:
        return "the majority class"

    def _class_factors(self, target: Any, rows: Data) -> Array | None:
        if self.class_weight is None:
            return None
        if isinstance(target, Targets):
            raise InputError(
                f"class_weight={self.class_weight!r} weighs rows by their class, but with several targets a row has a "
                f"class of each. Give sample_weight, or fit a model of each target."
            )
        return class_factors(self.class_weight, target, rows)

    def _strata(self, target: Any, answers: Any) -> Array:
        codes: Array = target.codes(answers)
        return codes if codes.ndim == 1 else np.unique(codes, axis=0, return_inverse=True)[1].ravel()

    def _calibrates(self, target: Any, n: int) -> str:
        return "none" if isinstance(target, Targets) else self._calibration(n)

    def _decide(self, answers: Any, s: Array | None) -> None:
        found, several = self.out_of_fold_, isinstance(self.target_, Targets)
        self.threshold_ = np.full(len(self.target_.names), 0.5) if several else 0.5
        if self.metric is None or found is None or (found.p.shape[1] > 1 and not several):
            return
        labels, s = self._answers(answers)[found.rows], None if s is None else s[found.rows]
        if several:
            self.threshold_ = best_thresholds(self.metric, found.p, labels, s)
        else:
            self.threshold_ = best_threshold(self.metric, found.p[:, 0], labels, self.target_.classes, s)

    def _default_score(self, engine: Engine, rows: Data) -> Score:
        """Minus the share of errors; of epochs with as many, the one of the lower loss counts more."""

        def score(state: State) -> Array:
            y = engine.forward(state.network(), rows.x)
            if self.loss_.name == "binary_cross_entropy":
                right = ((y > 0) == (rows.t > 0.5)).mean(axis=1)
            else:
                right = y.argmax(axis=1) == rows.t.argmax(axis=1)
            errors = 1 - np.average(right, weights=rows.s)
            return -(errors + TIE * np.minimum(engine.evaluate(state, rows), 1e3))

        return score

    def _describe_target(self, answers: Any, name: Name) -> ClassTarget | Targets:
        if not isinstance(name, str):
            return self._describe_targets([ClassTarget.fit(answers[one], one) for one in name])
        described = ClassTarget.fit(answers, name)
        labels = described.labels
        if isinstance(labels[0], float) and len(labels) > len(answers) / 2 and any(x != round(x) for x in labels):
            raise InputError(
                f"Unknown label type: the target {name!r} holds {len(labels)} different numbers with fractions in "
                f"{len(answers)} rows, which are a quantity and no classes. Use TableRegressor."
            )
        if len(described.labels) > max(50, len(answers) // 2):
            warnings.warn(
                f"The target {name!r} has {len(described.labels)} classes in {len(answers)} rows. "
                f"If it is a quantity, use TableRegressor.",
                DataWarning,
                stacklevel=3,
            )
        return described

    def _describe_targets(self, parts: list[ClassTarget]) -> Targets:
        """Several, if all are of two classes, and the metric can score them."""
        for part in parts:
            if len(part.labels) != 2:
                raise InputError(
                    f"The target {part.name!r} has {len(part.labels)} classes, but several targets need two each: fit "
                    f"a model of each target."
                )
        if self.metric is not None and any(set(part.labels) != {0, 1} for part in parts):
            raise InputError(
                f"metric={self.metric!r} scores several targets only where all are 0 and 1, or flags. Recode them, or "
                f"leave metric out."
            )
        return Targets(tuple(parts))

    def _loss(self, target: Any) -> Loss:
        two = isinstance(target, Targets) or len(target.labels) == 2
        return get_loss("binary_cross_entropy" if two else "cross_entropy")

    def _answers(self, answers: Any) -> Any:
        if isinstance(self.target_, Targets):
            codes = self.target_.codes(answers).T
            return side_by_side([labels[own] for labels, own in zip(self.target_.classes, codes, strict=True)])
        return self.target_.classes[self.target_.codes(answers)]
