"""What `name_features` found, and its page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from glassnet.explanation.drawing import axes
from glassnet.explanation.page import Block, Explanation, Heading, Table, Text, Verdict, noted, plain

MOST_UNITS = 12  # of a layer that a page shows
SPANNED = 0.8  # R² from which on a candidate counts as spanned or followed, and a unit deserves its name


class Estimate(NamedTuple):
    """A held-out R², and the ends of its 95 % interval over resampled rows."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class NamedFeature:
    """A feature made by hand, and how well it can be read off the network.

    R² is that of a linear model on rows that it did not see; of single units, on all rows, for two numbers hardly fit
    to chance.

    Attributes:
        formula: Of the columns, in their own units.
        raw: R² from the columns themselves: what needs no hidden layer.
        layers: From all units of each hidden layer together.
        untrained: From each hidden layer of the same network with random weights and biases, the mean of three.
        output: From the scores: what the network as a whole follows.
        first: Share of resamples in which the scores follow this candidate more closely than every other.
        best_unit: The unit of the first layer that is most like it, and its R²: the square of their correlation.
        unit_ceiling: The greatest R² of one unit with this activation that a search over weights found.
        direction_ceiling: The greatest R² of any function of one direction, which no unit of the first layer can pass.
    """

    formula: str
    raw: float
    layers: tuple[Estimate, ...]
    untrained: tuple[float, ...]
    output: Estimate
    first: float
    best_unit: tuple[str, float]
    unit_ceiling: float
    direction_ceiling: float


@dataclass(frozen=True)
class FirstUnit:
    """A unit of the first layer: its R² with the first candidate, and that of the best function of its direction."""

    unit: str
    r2: float
    ceiling: float


@dataclass(frozen=True)
class NamedUnit:
    """A unit above the first hidden layer, the candidate that is most like it, and its R² over resampled rows."""

    unit: str
    formula: str
    r2: Estimate


@dataclass(frozen=True, eq=False, repr=False)
class NamedFeatures(Explanation):
    """What `name_features` found.

    Attributes:
        features: The best candidates and all of the user's, those that the scores follow most closely first.
        first_units: Of the first hidden layer, each with its part in the first candidate.
        units: Of the second hidden layer and above, each with its nearest candidate.
        alike: Candidates on the page that go together with the first one, and their correlation with it.
        linear: R² of a linear model of the raw features that predicts the scores: how nearly linear the network is.
        n_candidates: How many were tried.
        n_linear: How many of them were left out, because they are nearly a line of the raw features.
        n: Rows that were used.
        folds: Parts, each scored by a linear model of the others.
        activation: Of the first layer.
        output: What the scores are called.
        note: What the model is, where that needs saying.
    """

    features: tuple[NamedFeature, ...]
    first_units: tuple[FirstUnit, ...]
    units: tuple[NamedUnit, ...]
    alike: tuple[tuple[str, float], ...]
    linear: float
    n_candidates: int
    n_linear: int
    n: int
    folds: int
    activation: str
    output: str
    note: str = ""

    @property
    def best(self) -> NamedFeature:
        """The candidate that the scores follow most closely."""
        return self.features[0]

    def page(self) -> Sequence[Block]:
        depth = len(self.best.layers)
        layers, random = ["hidden"], ["random"]
        if depth != 1:
            layers, random = ([f"{word}{i + 1}" for i in range(depth)] for word in ("hidden ", "random "))
        spans = [
            [f.formula, *_short(f.raw, *(e.value for e in f.layers), *f.untrained, f.first), str(f.output)]
            for f in self.features
        ]
        blocks: list[Block] = [
            Heading("Features made by hand, read off the network"),
            Text(
                f"{self.n_candidates} candidates, of which {self.n_linear} are nearly a line of the raw features and "
                f"left out; {self.n} rows, {self.folds} folds. Each number is the R² of a linear model that predicts "
                f"the candidate on rows that it did not see: from the raw features, from all units of a hidden layer "
                f"together, from a layer of random weights, and from the {self.output} (95 % interval over resampled "
                f"rows). 'first' is the share of resamples in which no other candidate is nearer to the {self.output}; "
                f"the nearest of so many is a little lucky. "
                f"The network's weights stay as they are. From the raw features the same linear model predicts the "
                f"{self.output} with R² {self.linear:.2f}."
            ),
            Table(["candidate", "raw", *layers, *random, "first", self.output], spans),
            *self._verdicts(),
        ]
        if depth:
            blocks += self._first_layer()
        if self.units:
            blocks += self._units()
        return (*blocks, *noted(self.note))

    def _verdicts(self) -> list[Verdict]:
        """What was measured, and no more."""
        best, output = self.best, self.output
        if not best.layers:
            return [Verdict("note", "There is no hidden layer: what was learned is a linear model.")]
        if best.output.low <= best.raw:
            told = f"{best.formula} is nearest to the {output}, R² {best.output}, but the raw features alone give it"
            return [Verdict("note", f"{told} too (R² {best.raw:.2f}): nothing is told of learned features.")]
        layer = best.layers[-1]
        if layer.low < SPANNED:
            told = f"No candidate is clearly there. Nearest to the {output} is {best.formula}: R² {best.output}"
            return [Verdict("note", f"{told}, and from all units of the last hidden layer {layer}.")]
        followed = best.output.low >= SPANNED
        told = f"The last hidden layer spans {best.formula}: R² {layer}. From the {output} alone R² {best.output}"
        verdicts = [
            Verdict("good", f"{told}: that is what the network as a whole computes, or near it.")
            if followed
            else Verdict("note", f"{told}: it is a part of what the network computes, not all.")
        ]
        if best.untrained[-1] >= layer.low:
            told = f"A layer of random weights spans it as well (R² {best.untrained[-1]:.2f})"
            verdicts.append(Verdict("note", f"{told}: that the hidden layer does is no sign of training."))
        if self.alike:
            others = ", ".join(f"{formula} ({correlation:.2f})" for formula, correlation in self.alike)
            told = f"It comes first in {best.first:.0%} of the resamples. These candidates go together with it"
            verdicts.append(Verdict("note", f"{told}, by their correlation on these rows: {others}."))
        return verdicts

    def _first_layer(self) -> list[Block]:
        """What single units can be, and are."""
        unit = f"any {self.activation} unit"
        rows = [
            [f.formula, f.best_unit[0], *_short(f.best_unit[1], f.unit_ceiling, f.direction_ceiling)]
            for f in self.features
        ]
        best = self.best
        nearest = sorted(self.first_units, key=lambda one: -one.r2)[:MOST_UNITS]
        hidden = len(self.first_units) - len(nearest)
        told = f"The unit nearest to {best.formula} is {best.best_unit[0]}, R² {best.best_unit[1]:.2f}."
        if best.direction_ceiling < SPANNED:
            told += f" No single unit could be it: the best function of one direction has {best.direction_ceiling:.2f}."
        return [
            Heading("Single units of the first layer"),
            Text(
                "A unit there is f(x w + b), and changes in one direction alone. R² is the square of its correlation "
                "with the candidate. The last two columns tell how near any such unit could come on these rows: the "
                "best with this activation that a search over w and b found, and the best function of one direction, "
                "estimated, whichever that is."
            ),
            Table(["candidate", "nearest unit", "R²", unit, "any direction"], rows),
            Verdict("note", told),
            Text(f"How much of {best.formula} each unit holds, and how much any function of its direction could:"),
            Table(
                ["unit", "R²", "its direction"],
                [[one.unit, *_short(one.r2, one.ceiling)] for one in nearest],
                f"The {len(nearest)} nearest of {len(self.first_units)}." if hidden else "",
            ),
        ]

    def _units(self) -> list[Block]:
        """Those above the first layer."""
        named = sum(unit.r2.low >= SPANNED for unit in self.units)
        told = f"{named} of {len(self.units)} units deserve the name: the interval of their R² lies above {SPANNED}."
        nearest = sorted(self.units, key=lambda unit: -unit.r2.value)[:MOST_UNITS]
        some = f"The {len(nearest)} nearest of {len(self.units)}." if len(nearest) < len(self.units) else ""
        return [
            Heading("Single units above the first layer"),
            Table(["unit", "nearest candidate", "R²"], [[u.unit, u.formula, str(u.r2)] for u in nearest], some),
            Verdict("note", told),
        ]

    def to_dict(self) -> dict[str, Any]:
        """All that was measured of each feature and unit."""

        def of(feature: NamedFeature) -> dict[str, Any]:
            layers = [estimate._asdict() for estimate in feature.layers]
            return {**asdict(feature), "output": feature.output._asdict(), "layers": layers}

        return plain(
            {
                "features": [of(feature) for feature in self.features],
                "first_units": [asdict(unit) for unit in self.first_units],
                "units": [asdict(unit) | {"r2": unit.r2._asdict()} for unit in self.units],
                "alike": [{"formula": formula, "correlation": r} for formula, r in self.alike],
                "linear": self.linear,
                "n_candidates": self.n_candidates,
                "n_linear": self.n_linear,
                "n": self.n,
                "folds": self.folds,
                "activation": self.activation,
                "output": self.output,
                "note": self.note,
            }
        )

    def plot(self, ax: Any = None) -> Any:
        """R² of each feature from raw features, the last hidden layer, the scores and the nearest single unit."""
        ax = axes(ax, figsize=(7, 0.45 * len(self.features) + 1.4))
        names = [feature.formula for feature in self.features]
        series = {
            "raw features": [f.raw for f in self.features],
            "last hidden layer": [f.layers[-1].value if f.layers else f.raw for f in self.features],
            self.output: [f.output.value for f in self.features],
            "nearest unit of layer 1": [f.best_unit[1] for f in self.features],
        }
        for (label, r2), marker in zip(series.items(), ["x", "o", "s", "."], strict=True):
            ax.plot(np.maximum(r2, 0), names, marker, label=label, linestyle="")
        ax.plot([f.direction_ceiling for f in self.features], names, "|", color="grey", label="ceiling of such a unit")
        ax.invert_yaxis()
        ax.margins(y=0.08)
        ax.set(xlim=(-0.02, 1.02), xlabel="R², of single units on all rows, else held out; below 0 shown as 0")
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        return ax


def _short(*numbers: float) -> list[float]:
    """Two decimals: more would say more than was measured."""
    return [round(number, 2) for number in numbers]
