"""The network, in NumPy alone: the reference for everything faster."""

from glassnet.nn.activations import ACTIVATIONS, Activation, get_activation
from glassnet.nn.engine import Engine, NumpyEngine, get_engine
from glassnet.nn.gradient_check import central_difference, check_gradients
from glassnet.nn.initializers import INITIALIZERS
from glassnet.nn.losses import LOSSES, BinaryCrossEntropy, CrossEntropy, Loss, Poisson, SquaredError, get_loss
from glassnet.nn.network import Architecture, Layer, LayerGradient, LayerTrace, Network
from glassnet.nn.optimizers import OPTIMIZERS, SGD, Adam, Optimizer, get_optimizer
from glassnet.nn.schedules import SCHEDULES, Schedule, get_schedule
from glassnet.nn.state import Data, Spec, State

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Activation",
    "Adam",
    "Architecture",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Data",
    "Engine",
    "Layer",
    "LayerGradient",
    "LayerTrace",
    "Loss",
    "Network",
    "NumpyEngine",
    "Optimizer",
    "Poisson",
    "Schedule",
    "Spec",
    "SquaredError",
    "State",
    "central_difference",
    "check_gradients",
    "get_activation",
    "get_engine",
    "get_loss",
    "get_optimizer",
    "get_schedule",
]
