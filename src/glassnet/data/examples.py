"""Bundled tables: drawn ones for the plane, and a real one."""

from collections.abc import Callable
from importlib.resources import files

import numpy as np
import polars as pl

from glassnet.data.table import Table
from glassnet.errors import InputError, unknown_name


def circles(n: int = 400, noise: float = 0.1, seed: int = 0) -> Table:
    """A blob around the origin and a ring around the blob: no straight line parts them, x² + y² does.

    >>> circles(n=100)
    Table(100 rows: x1, x2, label)
    """
    rng, outer = _halves(n, seed)
    angle = rng.uniform(0, 2 * np.pi, n)
    radius = np.where(outer, 1.0, 0.5 * np.sqrt(rng.uniform(0, 1, n)))  # the square root fills a disc evenly
    points = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return _plane(points, np.where(outer, "outer", "inner"), noise, rng)


def spirals(n: int = 400, noise: float = 0.05, seed: int = 0) -> Table:
    """Two arms wound into each other, one turn and a half."""
    rng, second = _halves(n, seed)
    turn = 3 * np.pi * np.sqrt(rng.uniform(0.02, 1, n))
    angle = turn + np.pi * second
    points = (turn / (3 * np.pi))[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return _plane(points, np.where(second, "second", "first"), noise, rng)


def xor(n: int = 400, noise: float = 0.05, seed: int = 0) -> Table:
    """Two classes on opposite quarters of a square: each needs both coordinates at once."""
    rng, different = _halves(n, seed)
    x1, x2 = rng.uniform(-1, 1, n), rng.uniform(0, 1, n)
    x2 *= np.where(different, -1, 1) * np.sign(x1)
    return _plane(np.column_stack([x1, x2]), np.where(different, "different", "same"), noise, rng)


def gaussians(n: int = 400, noise: float = 0.4, seed: int = 0) -> Table:
    """Two round clouds, which one straight line parts as well as can be."""
    rng, right = _halves(n, seed)
    points = np.where(right[:, None], [0.7, 0.7], [-0.7, -0.7])
    return _plane(points, np.where(right, "right", "left"), noise, rng)


def plane(n: int = 400, noise: float = 0.1, seed: int = 0) -> Table:
    """A quantity that rises evenly, y = x1 + x2, with noise on it: a linear model is enough."""
    rng = np.random.default_rng(seed)
    return _surface(rng, n, lambda x1, x2: x1 + x2, noise)


def hills(n: int = 400, noise: float = 0.1, seed: int = 0) -> Table:
    """A quantity with two hills and two hollows, y = 2 sin(3 x1) cos(3 x2), with noise on it."""
    rng = np.random.default_rng(seed)
    return _surface(rng, n, lambda x1, x2: 2 * np.sin(3 * x1) * np.cos(3 * x2), noise)


def penguins() -> Table:
    """Three species of penguins, measured (Horst, Hill, Gorman 2020; CC0); with missing cells and categories."""
    return Table.read(files("glassnet.data").joinpath("tables", "penguins.csv").read_bytes())


EXAMPLES: dict[str, Callable[..., Table]] = {
    "circles": circles,
    "spirals": spirals,
    "xor": xor,
    "gaussians": gaussians,
    "plane": plane,
    "hills": hills,
    "penguins": penguins,
}


def example(name: str) -> Table:
    """A bundled table by its name.

    >>> example("penguins").n_rows
    344
    """
    if name not in EXAMPLES:
        raise unknown_name("example", name, EXAMPLES)
    return EXAMPLES[name]()


def _halves(n: int, seed: int) -> tuple[np.random.Generator, np.ndarray]:
    """A generator, and which rows belong to the second class: every other one."""
    if n < 2:
        raise InputError(f"n is {n}, but an example needs at least 2 rows, one per class.")
    return np.random.default_rng(seed), np.arange(n) % 2 == 1


def _plane(points: np.ndarray, label: np.ndarray, noise: float, rng: np.random.Generator) -> Table:
    """Points with noise, in random order."""
    points = points + noise * rng.normal(size=points.shape)
    order = rng.permutation(len(points))
    x1, x2 = points[order].T
    return Table(pl.DataFrame({"x1": x1, "x2": x2, "label": label[order].tolist()}))


def _surface(rng: np.random.Generator, n: int, f: Callable[..., np.ndarray], noise: float) -> Table:
    """Points of a square with f of each."""
    if n < 1:
        raise InputError(f"n is {n}, but an example needs at least 1 row.")
    x1, x2 = rng.uniform(-1, 1, (2, n))
    return Table(pl.DataFrame({"x1": x1, "x2": x2, "y": f(x1, x2) + noise * rng.normal(size=n)}))
