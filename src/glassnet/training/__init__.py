"""x, t → a trained network."""

from glassnet.training.callbacks import CSVLog, MLflowLog, Progress, TensorBoardLog
from glassnet.training.checkpoint import Checkpoint, Stand
from glassnet.training.history import Epoch, History
from glassnet.training.least_squares import levenberg_marquardt
from glassnet.training.solvers import Solution, lbfgs
from glassnet.training.trainer import Callback, Plan, Report, closing, train

__all__ = [
    "CSVLog",
    "Callback",
    "Checkpoint",
    "Epoch",
    "History",
    "MLflowLog",
    "Plan",
    "Progress",
    "Report",
    "Solution",
    "Stand",
    "TensorBoardLog",
    "closing",
    "lbfgs",
    "levenberg_marquardt",
    "train",
]
