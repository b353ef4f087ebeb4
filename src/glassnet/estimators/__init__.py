"""scikit-learn's face of it all."""

from glassnet.estimators.mlp import MLPClassifier, MLPRegressor
from glassnet.estimators.table_classifier import TableClassifier
from glassnet.estimators.table_regressor import TableRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "TableClassifier", "TableRegressor"]
