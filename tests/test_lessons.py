"""The lessons: well formed, right in what they claim, passable, and in our own words."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from markdown_it import MarkdownIt

from glassnet.errors import FileFormatError, InputError, UnknownNameError
from glassnet.explanation.construction import construct
from glassnet.explanation.formulas import Formula
from glassnet.lessons import (
    DEFAULTS,
    ChoiceExercise,
    Condition,
    Exercise,
    Lesson,
    NumberExercise,
    Part,
    StateExercise,
    lesson,
    lessons,
    read_lesson,
    read_number,
)
from glassnet.lessons.markup import ACTIONS, links, target
from glassnet.lessons.quantities import used
from glassnet.studio.run import Run
from glassnet.studio.settings import checked

CHAPTER = (
    Path(__file__).parents[2] / "shared" / "chapter.md"
)  # it is not ours to keep, so it lies beside the repository
PARTS = [(entry, part) for entry in lessons() for part in entry.parts]
EXERCISES = [(part, exercise) for _, part in PARTS for exercise in part.exercises]
NUMBERS = [(part, exercise) for part, exercise in EXERCISES if isinstance(exercise, NumberExercise)]
Quantity = Callable[[str], float]


def named(pairs: list[tuple[object, object]]) -> list[str]:
    """Names for what is tested, from lessons and parts, or parts and exercises."""
    return [getattr(b, "id", None) or f"{getattr(a, 'name', '')}-{getattr(b, 'heading', '')}" for a, b in pairs]


def plain(text: str) -> str:
    """The words that a reader sees."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return " ".join(
        child.content or " " for token in tokens if token.type == "inline" for child in token.children or ()
    )


def texts(part: Part) -> Iterator[str]:
    """All Markdown of a part."""
    yield part.text
    for exercise in part.exercises:
        yield exercise.question
        yield exercise.explanation
        yield from (option.text + " " + option.says for option in exercise.options)
        yield getattr(exercise, "hint", "") + " " + getattr(exercise, "do", "")
        yield from (slip.says for slip in getattr(exercise, "slips", ()))


def evaluate(text: str, quantity: Quantity) -> float:
    """As the studio does it."""
    formula = Formula.parse(text)
    return float(formula({name: np.array([quantity(name)]) for name in formula.used} or np.zeros((1, 0)))[0])


class Bench:
    """A run as the studio has it, and its quantities, worked out here once more."""

    def __init__(self, part: Part) -> None:
        self.part, self.run, self.row = part, Run(part.settings, {}), part.look.get("row")
        self.play(part.steps)

    def over(self, **changes: object) -> None:
        """Start over, with some settings changed."""
        self.run = Run(self.run.settings | changes, {})

    def play(self, epochs: int) -> None:
        """Train."""
        self.run.apply(("advance", epochs * self.run.per_epoch))

    def evaluate(self, text: str) -> float:
        """A formula of quantities."""
        return evaluate(text, self.quantity)

    def quantity(self, name: str) -> float:
        """A number by its name."""
        run = self.run
        of_run: dict[str, Callable[[], float]] = {
            "epoch": lambda: run.state.epoch,
            "step": lambda: run.steps,
            "n": lambda: len(run.data),
            "edits": lambda: sum(event[0] == "edit" for event in run.events),
            "loss": lambda: run.losses(run.state)[0],
            "score": lambda: run.scores(run.network)[0],
            "validation_score": lambda: run.scores(run.network)[1],
            "biases": lambda: float(run.settings["bias"]),
            "hidden_layers": lambda: len(run.settings["layers"]),
            "units": lambda: sum(layer["units"] for layer in run.settings["layers"]),
            "nonlinear": lambda: sum(layer["activation"] != "identity" for layer in run.settings["layers"]),
            "diverged": lambda: float(not np.isfinite(run.losses(run.state)[0])),
            "dead": lambda: np.mean([(h == 0).all(axis=0).mean() for h in self.hidden()]),
            "saturated": lambda: np.mean([(np.abs(h) > 0.9).mean() for h in self.hidden()]),
            "built_error": lambda: (
                construct(run.settings["data"]["text"], (-1.0, 1.0), units=run.settings["layers"][0]["units"]).measured
            ),
        }
        return float(of_run[name]()) if name in of_run else self.at_row(name)

    def hidden(self) -> list[np.ndarray]:
        """h (n, m) of each hidden layer, over the rows for training."""
        with np.errstate(all="ignore"):
            return [step.h for step in self.run.network.forward(self.run.data.x)[1][:-1]]

    def at_row(self, name: str) -> float:
        """x_i, dz_l_j, …: one row's pass, with the 1/n of the mean over all."""
        run, network, letter = self.run, self.run.network, name.split("_")[0]
        place = tuple(map(int, name.split("_")[1:]))
        if letter in ("w", "b"):
            return getattr(network.layers[place[0]], letter)[place[1:]]
        assert self.row in run.training_rows, "the chosen row must be one that is trained on"
        rows = run.training_rows if letter in ("dw", "db") else [self.row]
        y, trace = network.forward(run.x[rows])
        dy = run.loss.slope(y, run.t[rows]) / len(run.data)
        back = network.backward(trace, dy)
        if letter in ("dw", "db", "share"):
            return getattr(back[place[0]], {"share": "dw"}.get(letter, letter))[place[1:]]
        if letter in ("x", "t", "y", "p", "dy"):
            found = {"x": run.x[rows], "t": run.t[rows], "y": y, "p": run.loss.predict(y), "dy": dy}[letter]
            return found[(0, *place)]
        layer, unit = place
        step, f = trace[layer], network.layers[layer].f
        slope = f.derivative(step.z, step.h)
        dh = back[layer + 1].dx
        return {"z": step.z, "h": step.h, "slope": slope, "dh": dh, "dz": dh * slope}[letter][0, unit]


# The form.


def test_there_are_nine_lessons_in_order() -> None:
    assert [entry.number for entry in lessons()] == list(range(1, 10))
    assert lesson("biases").number == 6
    with pytest.raises(UnknownNameError, match="Did you mean 'collapse'"):
        lesson("colapse")


@pytest.mark.parametrize("entry", lessons(), ids=lambda entry: entry.name)
def test_a_lesson_has_three_to_six_parts_and_three_exercises_of_two_sorts(entry: Lesson) -> None:
    kinds = [exercise.kind for exercise in entry.exercises]
    assert 3 <= len(entry.parts) <= 6
    assert entry.name == "backpropagation" or len(kinds) == 3
    assert "state" in kinds
    assert {"number", "choice"} & set(kinds)


@pytest.mark.parametrize(("entry", "part"), PARTS, ids=named(PARTS))
def test_a_part_is_short_and_enters_a_state_that_the_studio_takes(entry: Lesson, part: Part) -> None:
    assert 60 <= len(plain(part.text).split()) <= 130
    assert checked(part.settings) == part.settings
    assert set(DEFAULTS) == set(part.settings)


@pytest.mark.parametrize(("entry", "part"), PARTS, ids=named(PARTS))
def test_links_and_questions_are_about_what_is_there(entry: Lesson, part: Part) -> None:
    run = Run(part.settings, {})
    shapes = [layer.w.shape for layer in run.network.layers]
    wanted = [target(link) for text in texts(part) for link in links(text)]
    wanted += [(kind, tuple(place) if isinstance(place, list) else (place,)) for kind, place in part.about.items()]
    wanted.append(("row", (part.look.get("row", 0),)))
    for found in wanted:
        assert found is not None
        kind, place = found
        if kind in ACTIONS:
            continue
        layer = place[0]
        assert {
            "weight": lambda layer=layer, place=place: all(np.less(place[1:], shapes[layer])),
            "bias": lambda layer=layer, place=place: run.settings["bias"] and place[1] < shapes[layer][1],
            "unit": lambda layer=layer, place=place: place[1] < shapes[layer][1],
            "layer": lambda layer=layer: layer < len(shapes),
            "input": lambda layer=layer: layer < shapes[0][0],
            "row": lambda layer=layer: layer < len(run.x),
        }[kind](), f"{kind} {place}"


def test_no_eight_words_in_a_row_are_the_chapters() -> None:
    if not CHAPTER.exists():
        pytest.skip("the chapter is not here to compare with")

    def runs(text: str) -> set[str]:
        words = re.findall(r"[^\W_]+", text.lower())
        return {" ".join(words[i : i + 8]) for i in range(len(words) - 7)}

    ours = set().union(*(runs(text) for _, part in PARTS for text in texts(part)))
    assert not ours & runs(CHAPTER.read_text(encoding="utf-8"))


# Exercises of numbers: told from every slip, in any state and in the one that is entered.


def made_up(name: str) -> float:
    """A number for each quantity, the same on every day, none near another by design."""
    return 20.0 if name == "n" else 0.25 + 1.5 * (crc32(f"of {name}".encode()) % 9973) / 9973


@pytest.mark.parametrize(("part", "exercise"), NUMBERS, ids=named(NUMBERS))
@pytest.mark.parametrize("state", ["made up", "entered"])
def test_an_answer_is_right_and_a_slip_is_recognised(part: Part, exercise: NumberExercise, state: str) -> None:
    quantity = made_up if state == "made up" else Bench(part).quantity

    def value(text: str) -> float:
        return evaluate(text, quantity)

    right = value(exercise.answer)
    assert exercise.check(f"{right!r}".replace("-", "−"), value).right
    assert exercise.check(f"{right:.3g}".replace(".", ","), value).right
    assert abs(right) > 1e-3
    for slip in exercise.slips:
        wrong = value(slip.answer)
        assert not exercise.close(wrong, right), f"{slip.answer} is as good as the answer"
        assert not exercise.close(right, wrong), f"{slip.answer} is as good as the answer"
        verdict = exercise.check(repr(wrong), value)
        same = [other.says for other in exercise.slips if exercise.close(wrong, value(other.answer))]
        assert (verdict.right, verdict.text) == (False, slip.says), f"it is taken for another slip: {same}"
    assert exercise.reveal(value).answer in exercise.check(repr(right), value).text


@pytest.mark.parametrize(("part", "exercise"), NUMBERS, ids=named(NUMBERS))
def test_all_quantities_of_an_exercise_are_there_when_it_is_asked(part: Part, exercise: NumberExercise) -> None:
    bench = Bench(part)
    for formula in (exercise.answer, *(slip.answer for slip in exercise.slips)):
        assert np.isfinite([bench.quantity(name) for name in used(formula)]).all()


def test_backpropagation_by_hand_gives_the_librarys_gradient() -> None:
    """The answers of lesson 8 are this row's shares, and the shares of all rows add up to dw and db."""
    answers = {exercise.id: (part, exercise.answer) for part, exercise in NUMBERS}
    for name, quantity in (
        ("backprop-dy", "dy_0"),
        ("backprop-dv", "share_1_5_0"),
        ("backprop-dh", "dh_0_5"),
        ("backprop-dz", "dz_0_5"),
        ("backprop-dw", "share_0_1_5"),
        ("backprop-deep", "dh_0_5"),
    ):
        part, answer = answers[name]
        bench = Bench(part)
        assert bench.evaluate(answer) == pytest.approx(bench.quantity(quantity), rel=1e-12), name
        sums = dict.fromkeys(("dw_0_1_5", "db_0_5"), 0.0)
        for row in bench.run.training_rows:
            bench.row = row
            sums["dw_0_1_5"] += bench.quantity("share_0_1_5")
            sums["db_0_5"] += bench.quantity("dz_0_5")
        assert sums == pytest.approx({total: bench.quantity(total) for total in sums}, rel=1e-9)


# Exercises of choice and of state, and what a part waits for: all of it can be done.


@pytest.mark.parametrize(("part", "exercise"), EXERCISES, ids=named(EXERCISES))
def test_each_option_is_answered(part: Part, exercise: Exercise) -> None:
    if isinstance(exercise, ChoiceExercise):
        for place, option in enumerate(exercise.options):
            verdict = exercise.check(str(place), made_up)
            assert (verdict.right, option.says in verdict.text) == (option.right, True)
            assert exercise.check(option.text, made_up) == verdict
        assert not exercise.check("9", made_up).right
        assert exercise.reveal(made_up).answer == exercise.right.text


# What a reader does: settings to start over with, events, epochs of training.
WALKS: dict[str, list[object]] = {
    "line-by-hand": [("edit", 0, "b", 0, -0.16)],
    "Wherever the centre is": [("input", "x1", True), ("input", "x2", True), 200],
    "feature-xor": [("input", "x1*x2", True), 200],
    "hidden-fewest": [*[("remove_unit", 0, 7 - i) for i in range(4)], 300],
    "collapse-bend": [("activation", 1, "tanh"), 200],
    "activations-hills": [("activation", 0, "tanh"), 300],
    "A column of ones": [("input", "1", True), 100],
    "biases-ones": [("input", "1", True), 100],
    "approximation-units": [{"layers": [{"units": 20, "activation": "relu"}]}],
    "backprop-minibatches": [{"batch": 5}, 30],
    "failures-rate": [{"rate": 1.0}, 50],
    "failures-dead": [{"rate": 0.3}, 200],
    "A bottleneck": [{"layers": [{"units": 2, "activation": "identity"}, {"units": 8, "activation": "tanh"}]}, 200],
}
WAITING = [(part, part.heading, part.done) for _, part in PARTS if part.done]
TO_DO = [(part, exercise.id, exercise.done) for part, exercise in EXERCISES if isinstance(exercise, StateExercise)]


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(("part", "name", "done"), WAITING + TO_DO, ids=[name for _, name, _ in WAITING + TO_DO])
def test_what_is_waited_for_is_not_there_at_entering_and_can_be_reached(
    part: Part, name: str, done: tuple[Condition, ...]
) -> None:
    bench = Bench(part)
    assert not all(condition.holds(bench.quantity) for condition in done), "there is nothing to do"
    for deed in WALKS.get(name, [part.steps, 300]):
        if isinstance(deed, dict):
            bench.over(**deed)
        elif isinstance(deed, int):
            bench.play(deed)
        else:
            bench.run.apply(deed)
    assert [condition.missing(bench.quantity) for condition in done if not condition.holds(bench.quantity)] == []


def test_dead_units_are_also_woken_by_another_activation() -> None:
    (part,) = (part for part, exercise in EXERCISES if exercise.id == "failures-dead")
    bench = Bench(part)
    assert bench.quantity("dead") == 0.75
    bench.run.apply(("rate", 0.3))
    bench.run.apply(("activation", 0, "elu"))
    bench.play(300)
    assert bench.quantity("dead") == 0
    assert bench.quantity("validation_score") >= 0.95


# Numbers that the texts state.


def part_of(name: str, heading: str) -> Part:
    return next(part for part in lesson(name).parts if part.heading == heading)


@pytest.mark.parametrize(
    ("name", "heading", "epochs", "quantity", "low", "high"),
    [
        ("line", "Two circles", 0, "loss", 0.735, 0.745),
        ("line", "Two circles", 200, "loss", 0.685, 0.6935),
        ("line", "Two circles", 200, "validation_score", 0.365, 0.38),
        ("line", "No line can", 0, "loss", 0.688, 0.689),
        ("feature", "A third number", 100, "validation_score", 0.98, 1),
        ("feature", "One threshold", 0, "validation_score", 0.98, 1),
        ("collapse", "Three layers, one line", 200, "loss", 0.68845, 0.68855),
        ("activations", "Which one to take", 0, "score", 0, 0.1),
        ("biases", "Take them away", 400, "validation_score", 0.4, 0.55),
        ("biases", "Straight along every ray", 0, "validation_score", 0.4, 0.55),
        ("approximation", "A hinge for each unit", 0, "built_error", 0.065, 0.075),
        ("failures", "A parabola after a sine", 200, "loss", 0.1975, 0.1985),
        ("failures", "A parabola after a sine", 200, "score", 0.24, 0.26),
        ("failures", "A bottleneck", 200, "validation_score", 0.5, 0.9),
        ("failures", "Saturated", 400, "validation_score", 0.4, 0.6),
        ("failures", "Dead", 300, "validation_score", 0.5, 0.9),
    ],
)
def test_a_number_in_the_text_is_what_the_studio_shows(
    name: str, heading: str, epochs: int, quantity: str, low: float, high: float
) -> None:
    bench = Bench(part_of(name, heading))
    bench.play(epochs)
    assert low <= bench.quantity(quantity) <= high


def test_training_is_worse_than_construction_for_hinges_and_better_for_tanh() -> None:
    x = np.linspace(-1, 1, 2001)[:, None]
    f = np.sin(6 * x) + x
    hinges, smooth = (
        Bench(part_of("approximation", "A hinge for each unit")),
        Bench(part_of("approximation", "What the theorem says")),
    )
    hinges.play(1000)
    assert np.abs(hinges.run.network.forward(x)[0] - f).max() > 0.8
    assert np.abs(smooth.run.network.forward(x)[0] - f).max() < 0.0305
    assert construct("sin(6*x) + x", (-1.0, 1.0), units=8, activation="logistic").measured > 0.6


def test_without_biases_tanh_is_odd_and_relu_homogeneous() -> None:
    x = np.random.default_rng(0).normal(size=(50, 2))
    odd, ray = (Bench(part).run.network for part in lesson("biases").parts[1:3])
    np.testing.assert_allclose(odd.forward(-x)[0], -odd.forward(x)[0], rtol=1e-12)
    np.testing.assert_allclose(ray.forward(3 * x)[0], 3 * ray.forward(x)[0], rtol=1e-12)


def test_units_that_begin_as_zeros_stay_equal() -> None:
    bench = Bench(part_of("failures", "All zeros"))
    bench.play(300)
    first = bench.run.network.layers[0]
    assert np.ptp(first.w, axis=1).max() < 1e-9
    assert np.abs(first.w).min() > 0.1


# What is refused.

FILE = """+++
title = "A"
summary = "B"
+++

## One

Text.

```exercise
id = "a"
kind = "choice"
question = "Q?"
options = [{text = "1", right = true, says = "yes"}, {text = "2", says = "no"}]
```
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("+++\ntitle", "title", "does not begin with title and summary"),
        ('title = "A"', "", "has no title"),
        ("## One", "One", "text before its first part"),
        ("Text.", "[there](#select=weight/0/1)", "leads nowhere"),
        ("Text.", "[there](https://example.org)", "leads nowhere"),
        ("Text.", "```studio\nentre = {}\n```", "Did you mean 'enter'"),
        ("Text.", "```studio\nenter = {layer = []}\n```", "Did you mean 'layers'"),
        ("Text.", '```studio\nsteps = "ten"\n```', "steps is 'ten', but needs the type int"),
        ("Text.", "```studio\nkeep = true\n```", "nothing before it to keep"),
        ("Text.", "```studio\nabout = {weight = [0, 1]}\n```", "one of weight"),
        ("Text.", '```studio\ndone = [{quantity = "accuracy", at_least = 1}]\n```', "Unknown quantity 'accuracy'"),
        ("Text.", '```studio\ndone = [{quantity = "loss"}]\n```', "has no bound"),
        ("Text.", "```studio\nsteps = \n```", "TOML that cannot be read"),
        ('says = "no"', 'right = true, says = "no"', "2 of them right"),
        ('right = true, says = "yes"', 'says = "yes"', "0 of them right"),
        ('kind = "choice"', 'kind = "chioce"', "Did you mean 'choice'"),
        ('kind = "choice"\nquestion = "Q?"\noptions', 'kind = "state"\nquestion = "Q?"\ndo', "needs the type str"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(old: str, new: str, message: str) -> None:
    assert read_lesson("01-a.md", FILE).exercises
    assert old in FILE
    with pytest.raises(FileFormatError, match=re.escape(message)):
        read_lesson("01-a.md", FILE.replace(old, new))


@pytest.mark.parametrize("text", ["", "abc", "1,2,3", "--1", "1/0", "1e999", "0x10", "nan", "1 2x"])
def test_what_is_no_number_is_refused_and_said(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read as a number"):
        read_number(text)
    verdict = NumberExercise("a", "Q", answer="n").check(text, made_up)
    assert not verdict.right
    assert "cannot be read as a number" in verdict.text


def test_what_a_state_does_not_have_is_neither_right_nor_an_error() -> None:
    def gone(text: str) -> float:
        raise InputError("This network has no h_0_9.")

    assert "no longer has" in NumberExercise("a", "Q", answer="h_0_9").check("1", gone).text
    assert not Condition("units_3", at_most=9).holds(gone)
    assert "has no value now" in Condition("units_3", at_most=9).missing(gone)


def test_html_of_an_answer_stays_text() -> None:
    verdict = NumberExercise("a", "Q", answer="n").check("<img src=x>", made_up)
    assert "<img" not in verdict.html
