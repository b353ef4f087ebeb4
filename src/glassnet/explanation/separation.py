"""Whether one linear map parts the classes, proved either way."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from glassnet.nn.elementary import Array

LARGEST_PROGRAMME = 300_000  # numbers in the linear programme; above, it takes many seconds
NEARLY_FREE = 1e4  # 1 / penalty of the logistic regression that is tried first
NO_MARGIN = 1e-9  # standard deviations: a boundary that could have no more is none


@dataclass(frozen=True)
class Separation:
    """Whether one linear map parts the classes on these rows without an error.

    Attributes:
        separable: True and False are proved; None is undecided.
        margin: Where separable, the least distance of a row from the boundary that was found, in standard deviations of
            the features. Of two classes it is the widest that could be found.
        bound: Where not separable, no boundary has a larger margin than this; rounding alone keeps it from 0.
        reason: Why it is undecided; or "".
    """

    separable: bool | None
    margin: float | None = None
    bound: float | None = None
    reason: str = ""


def linear_separation(x: Array, codes: Array) -> Separation:
    """Whether scores x w + c, the greatest of which names the class, can be right on every row; proved either way.

    Weights that give every right score a lead above what rounding can do prove that they can: a logistic regression
    nearly without penalty is tried first. Where it fails, a linear programme makes the least lead m as large as it can
    be with |w|, |c| ≤ 1 in standardised features. Its solution may be the proof, or else its dual: a mean of the rows'
    conditions that is 0 on the left and asks for a lead > 0 proves that they cannot.

    Args:
        x: Features (n, d).
        codes: The class of each row, 0, 1, …, (n,).

    >>> linear_separation(np.array([[0.0], [1.0], [2.0]]), np.array([0, 0, 1])).separable
    True
    >>> linear_separation(np.array([[0.0], [1.0], [2.0]]), np.array([0, 1, 0])).separable
    False
    """
    x = np.asarray(x, np.float64)
    spread = x.std(axis=0)
    standard = (x - x.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    rows = np.column_stack([standard, np.ones(len(x))])
    k = int(codes.max()) + 1
    leads = _leads(rows, codes, k)
    if standard.shape[1]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(C=NEARLY_FREE, max_iter=500).fit(standard, codes)
        weights = np.column_stack([model.coef_, model.intercept_]).ravel()
        if _holds(leads, weights):
            return Separation(True, margin=_margin(standard, codes, k, leads, weights))
    if leads.nnz > LARGEST_PROGRAMME:
        return Separation(None, reason="too many numbers for the linear programme")
    p = leads.shape[1]
    solved = linprog(
        np.append(np.zeros(p), -1.0),
        A_ub=hstack([-leads, csr_array(np.ones((leads.shape[0], 1)))]).tocsr(),
        b_ub=np.zeros(leads.shape[0]),
        bounds=[(-1, 1)] * p + [(0, None)],
        method="highs",
    )
    if solved.status != 0:
        return Separation(None, reason="the linear programme found no solution")
    weights = solved.x[:-1]
    if _holds(leads, weights):
        return Separation(True, margin=_margin(standard, codes, k, leads, weights))
    shares = np.maximum(-solved.ineqlin.marginals, 0)
    bound = float(np.abs(leads.T @ (shares / shares.sum())).sum()) if shares.sum() > 0 else np.inf
    return Separation(False, bound=bound) if bound <= NO_MARGIN else Separation(None, reason="too close to tell")


def _holds(leads: csr_array, weights: Array) -> bool:
    """Whether every lead is positive, whatever rounding did to it."""
    rounding = 4 * leads.shape[1] * np.finfo(float).eps * (abs(leads) @ np.abs(weights))
    return bool((leads @ weights > rounding).all())


def _leads(rows: Array, codes: Array, k: int) -> csr_array:
    """a of each condition a · w > 0: the right score minus another; two classes need one score alone."""
    d = rows.shape[1]
    if k == 2:
        return csr_array(rows * np.where(codes == 1, 1.0, -1.0)[:, None])
    others = np.array([[j for j in range(k) if j != code] for code in range(k)])[codes].ravel()
    own, rows = np.repeat(codes, k - 1), np.repeat(rows, k - 1, axis=0)
    places = np.hstack([own[:, None] * d + np.arange(d), others[:, None] * d + np.arange(d)])
    ends = np.arange(len(rows) + 1) * 2 * d
    return csr_array((np.hstack([rows, -rows]).ravel(), places.ravel(), ends), shape=(len(rows), k * d))


def _margin(x: Array, codes: Array, k: int, leads: csr_array, weights: Array) -> float:
    """The least distance of a row from the boundary between its class and another; of two classes the widest found."""
    if k > 2:
        w = weights.reshape(k, -1)[:, :-1]
        apart = np.linalg.norm(w[:, None] - w[None], axis=2)
        lengths = np.concatenate([np.delete(apart[code], code) for code in codes])
        return float((leads @ weights / lengths).min())
    # The programme measures weights by the largest of them; a support vector machine by their length.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine = SVC(kernel="linear", C=1e6, max_iter=100_000).fit(x, codes).coef_[0]
    margins = [0.0]
    for w in (weights[:-1], machine):
        at = x @ w
        margins.append(float((at[codes == 1].min() - at[codes == 0].max()) / 2 / np.linalg.norm(w)))
    return max(margins)
