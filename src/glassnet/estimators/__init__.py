"""scikit-learn's face of it all."""

from glassnet.estimators.mlp import MLPClassifier, MLPRegressor
from glassnet.estimators.table import TableClassifier, TableRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "TableClassifier", "TableRegressor"]
