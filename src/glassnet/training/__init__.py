"""x, t → a trained network."""

from glassnet.training.history import Epoch, History
from glassnet.training.solvers import Solution, lbfgs
from glassnet.training.trainer import Callback, Plan, Report, train

__all__ = ["Callback", "Epoch", "History", "Plan", "Report", "Solution", "lbfgs", "train"]
