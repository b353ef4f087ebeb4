"""The network, in NumPy alone: the reference for everything faster."""

from glassnet.nn.activations import ACTIVATIONS, Activation, CustomActivation, get_activation
from glassnet.nn.engine import Engine, NumpyEngine, Predictor, engine_for, get_engine
from glassnet.nn.gradient_check import central_difference, check_gradients
from glassnet.nn.initializers import INITIALIZERS
from glassnet.nn.losses import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    CustomLoss,
    Gaussian,
    Huber,
    Loss,
    Poisson,
    Quantile,
    SquaredError,
    get_loss,
)
from glassnet.nn.network import Architecture, Layer, LayerGradient, LayerTrace, Network
from glassnet.nn.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Nesterov, Optimizer, RMSprop, get_optimizer
from glassnet.nn.schedules import SCHEDULES, Cosine, OneCycle, Schedule, StepDecay, get_schedule
from glassnet.nn.state import Data, Spec, State
from glassnet.nn.surgery import add_input, add_unit, change_activation, remove_input, remove_unit

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "AbsoluteError",
    "Activation",
    "Adam",
    "AdamW",
    "Architecture",
    "BinaryCrossEntropy",
    "Cosine",
    "CrossEntropy",
    "CustomActivation",
    "CustomLoss",
    "Data",
    "Engine",
    "Gaussian",
    "Huber",
    "Layer",
    "LayerGradient",
    "LayerTrace",
    "Loss",
    "Nesterov",
    "Network",
    "NumpyEngine",
    "OneCycle",
    "Optimizer",
    "Poisson",
    "Quantile",
    "RMSprop",
    "Schedule",
    "Spec",
    "SquaredError",
    "State",
    "StepDecay",
    "add_input",
    "add_unit",
    "central_difference",
    "change_activation",
    "check_gradients",
    "Predictor",
    "engine_for",
    "get_activation",
    "get_engine",
    "get_loss",
    "get_optimizer",
    "get_schedule",
    "remove_input",
    "remove_unit",
]
