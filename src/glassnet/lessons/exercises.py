"""Exercises that check themselves: a number to work out, an option to choose, something to do in the studio."""

import re
from dataclasses import dataclass, field
from math import isfinite

from glassnet.errors import InputError
from glassnet.lessons.markup import block, inline
from glassnet.lessons.quantities import Evaluate, Quantity, named

NEAR = 5  # times the tolerance: right in principle, with too few digits


@dataclass(frozen=True)
class Verdict:
    """What is said to an answer.

    Attributes:
        right: Whether it was.
        text: Markdown.
        html: The same as HTML.
        answer: The right answer, once it may be seen.
    """

    right: bool
    text: str
    html: str = field(init=False, repr=False)
    answer: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "html", block(self.text))


@dataclass(frozen=True)
class Condition:
    """Bounds of a quantity.

    >>> condition = Condition("validation_score", at_least=0.95)
    >>> condition.holds({"validation_score": 0.97}.get), condition.holds({"validation_score": float("nan")}.get)
    (True, False)
    """

    quantity: str
    at_least: float | None = None
    at_most: float | None = None

    def holds(self, quantity: Quantity) -> bool:
        """Whether it holds in the state that `quantity` reads; what has no value does not."""
        value = _value(self.quantity, quantity)
        above = self.at_least is None or value >= self.at_least
        return isfinite(value) and above and (self.at_most is None or value <= self.at_most)

    def missing(self, quantity: Quantity) -> str:
        """What is, and what is needed.

        >>> Condition("validation_score", at_least=0.95).missing(lambda name: 0.5)
        'the score on held-out rows is 0.5, and at least 0.95 is needed'
        """
        value = _value(self.quantity, quantity)
        bounds = (("at least", self.at_least), ("at most", self.at_most))
        needed = " and ".join(f"{word} {shown(bound)}" for word, bound in bounds if bound is not None)
        now = f"is {shown(value)}" if isfinite(value) else "has no value now"
        return f"{named(self.quantity)} {now}, and {needed} is needed"


@dataclass(frozen=True)
class Slip:
    """A wrong answer that many give, as a formula, and what to say to it."""

    answer: str
    says: str


@dataclass(frozen=True)
class Option:
    """One of several answers."""

    text: str
    right: bool
    says: str

    @property
    def html(self) -> str:
        """The text as HTML."""
        return inline(self.text)


@dataclass(frozen=True)
class Exercise:
    """What all three kinds have.

    Attributes:
        id: Its name, the only one of all lessons.
        question: Markdown.
        explanation: Said when the answer is right, or shown.
    """

    kind = ""
    id: str
    question: str
    explanation: str = ""

    @property
    def html(self) -> str:
        """The question as HTML."""
        return block(self.question)

    @property
    def options(self) -> tuple[Option, ...]:
        """What there is to choose from."""
        return ()

    def check(self, answer: str, evaluate: Evaluate) -> Verdict:
        """What to say to an answer, in the state that `evaluate` reads.

        Args:
            answer: A number as people type it; the index of an option, from 0, or its text; of "state" nothing.
            evaluate: The value of a formula in quantities.
        """
        raise NotImplementedError

    def reveal(self, evaluate: Evaluate) -> Verdict:
        """The answer, for who asks to be shown."""
        raise NotImplementedError

    def _with_explanation(self, text: str) -> str:
        return f"{text} {self.explanation}".strip()


@dataclass(frozen=True)
class NumberExercise(Exercise):
    """A number to work out.

    Attributes:
        answer: A formula in quantities.
        tolerance: How far off an answer may be, as a share of the right one.
        floor: And how far at least.
        slips: Wrong answers to recognise.
        unit: Shown behind the box.
        hint: Said to an answer that is no known slip.

    >>> exercise = NumberExercise("z", "What is dz?", answer="dh_0_0 * slope_0_0", slips=(Slip("dh_0_0", "No f′."),))
    >>> state = {"dh_0_0 * slope_0_0": -0.125, "dh_0_0": -0.25}.__getitem__
    >>> [exercise.check(answer, state).text for answer in ("−0,125", "-0.25", "0.125")]
    ['Right: −0.125.', 'No f′.', 'The size is right, the sign is not.']
    """

    kind = "number"
    answer: str = ""
    tolerance: float = 0.01
    floor: float = 1e-6
    slips: tuple[Slip, ...] = ()
    unit: str = ""
    hint: str = ""

    def check(self, answer: str, evaluate: Evaluate) -> Verdict:
        try:
            given = read_number(answer)
        except InputError as error:
            return Verdict(False, str(error))
        right = _value(self.answer, evaluate)
        if not isfinite(right):
            return Verdict(False, GONE)
        if self.close(given, right):
            return Verdict(True, self._with_explanation(f"Right: {self._shown(right)}."), self._shown(right))
        for slip in self.slips:
            if self.close(given, _value(slip.answer, evaluate)):
                return Verdict(False, slip.says)
        if self.close(-given, right):
            return Verdict(False, "The size is right, the sign is not.")
        if self.close(given, right, NEAR):
            return Verdict(False, "Nearly: carry more digits. A click on a number copies all of them.")
        return Verdict(False, f"Not yet. {self.hint}".strip())

    def reveal(self, evaluate: Evaluate) -> Verdict:
        right = _value(self.answer, evaluate)
        if not isfinite(right):
            return Verdict(False, GONE)
        return Verdict(False, self._with_explanation(f"It is {self._shown(right)}."), self._shown(right))

    def close(self, given: float, value: float, times: float = 1) -> bool:
        """Whether two numbers are the same within the tolerance; what is not finite is nothing's equal."""
        return abs(given - value) <= times * max(self.tolerance * abs(value), self.floor)

    def _shown(self, value: float) -> str:
        return f"{shown(value)} {self.unit}".strip()


@dataclass(frozen=True)
class ChoiceExercise(Exercise):
    """One right answer of several."""

    kind = "choice"
    choices: tuple[Option, ...] = ()

    @property
    def options(self) -> tuple[Option, ...]:
        return self.choices

    @property
    def right(self) -> Option:
        """The one that is."""
        return next(option for option in self.choices if option.right)

    def check(self, answer: str, evaluate: Evaluate) -> Verdict:
        option = self._chosen(answer)
        if option is None:
            return Verdict(False, f"Choose one of the {len(self.choices)} answers.")
        if not option.right:
            return Verdict(False, option.says)
        return Verdict(True, self._with_explanation(f"Right. {option.says}"), option.text)

    def reveal(self, evaluate: Evaluate) -> Verdict:
        return Verdict(False, self._with_explanation(f"{self.right.text} {self.right.says}"), self.right.text)

    def _chosen(self, answer: str) -> Option | None:
        answer = answer.strip()
        for place, option in enumerate(self.choices):
            if answer in (str(place), option.text):
                return option
        return None


@dataclass(frozen=True)
class StateExercise(Exercise):
    """Something to do in the studio: right as soon as all conditions hold.

    Attributes:
        done: The conditions.
        do: How it can be done.
    """

    kind = "state"
    done: tuple[Condition, ...] = ()
    do: str = ""

    def check(self, answer: str, evaluate: Evaluate) -> Verdict:
        missing = [condition.missing(evaluate) for condition in self.done if not condition.holds(evaluate)]
        if missing:
            return Verdict(False, f"Not yet: {'; '.join(missing)}.")
        return Verdict(True, self._with_explanation("Done."))

    def reveal(self, evaluate: Evaluate) -> Verdict:
        return Verdict(False, self._with_explanation(self.do))


GONE = "The network no longer has what the question asks about. Enter this part again."


def _value(formula: str, evaluate: Evaluate) -> float:
    """nan where the state does not have what the formula speaks of."""
    try:
        value = evaluate(formula)
    except InputError:
        return float("nan")
    return float("nan") if value is None else float(value)


def shown(value: float) -> str:
    """Four figures, and a minus that is one.

    >>> shown(-0.0397512), shown(0.95), shown(1800)
    ('−0.03975', '0.95', '1800')
    """
    return f"{value:.4g}".replace("-", "−")


def read_number(text: str) -> float:
    """A number as people type it: decimal point or comma, either minus, spaces, a share of 100.

    Raises:
        InputError: What is none.

    >>> [read_number(text) for text in ("−0,5", "1e-3", " 1 800 ", "+.5", "66 %", "2·10^−3", "1/20")]
    [-0.5, 0.001, 1800.0, 0.5, 0.66, 0.002, 0.05]
    >>> read_number("1,234.5")
    Traceback (most recent call last):
    glassnet.errors.InputError: '1,234.5' cannot be read as a number: type one such as −0.012 or 3.5e-4.
    """
    plain = re.sub(r"\s", "", text).replace("−", "-").replace("–", "-")
    plain = re.sub(r"[·×*]10\^?\(?(-?\d+)\)?", r"e\1", plain)
    if "," in plain and "." not in plain:
        plain = plain.replace(",", ".", 1)
    number = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
    match = re.fullmatch(rf"({number})(?:/({number}))?(%?)", plain)
    below = 1.0 if match is None or match[2] is None else float(match[2])
    if match is None or below == 0 or not isfinite(float(match[1])):
        raise InputError(f"{text.strip()[:40]!r} cannot be read as a number: type one such as −0.012 or 3.5e-4.")
    return float(match[1]) / below / (100 if match[3] else 1)
