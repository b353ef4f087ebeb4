"""The nine lessons in a real browser: each from its first word to its last press of Next, by hand alone."""

import html
import re
from contextlib import contextmanager

import pytest

from glassnet.lessons import ChoiceExercise, StateExercise, lessons
from glassnet.studio.describe import candidates

pytestmark = pytest.mark.slow


def plain(markup):
    """The words of HTML or Markdown, with single spaces."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>|[*`]", "", markup))).strip()


class Reader:
    """Someone who takes a lesson: reads, answers, does what is asked, goes on."""

    def __init__(self, window, lesson):
        self.window, self.page, self.lesson = window, window.page, lesson
        self.text = self.page.get_by_role("complementary", name="Lesson", exact=True)
        self.heading = self.text.get_by_role("heading", level=2)
        self.network = self.page.get_by_role("main", name="Network")
        self.why = self.page.get_by_role("region", name="Why", exact=True)

    @property
    def session(self):
        return self.window.session

    @property
    def settings(self):
        return self.session.run.settings

    def button(self, name, within=None, **more):
        return (within or self.page).get_by_role("button", name=name, **more).locator("visible=true")

    # Through the lesson.

    def begin(self):
        self.button("Lessons").click()
        self.button(self.lesson.title, self.page.get_by_role("dialog", name="Lessons")).click()

    def read(self, part):
        """All words are there, and Why shows what they speak of, with a question mark for what is to be found."""
        self.window.until(lambda: self.heading.inner_text() == part.heading)
        shown = plain(self.text.inner_text())
        for paragraph in re.findall(r"<p>(.*?)</p>", part.html, re.DOTALL):
            assert plain(paragraph) in shown
        self.window.until(lambda: self.session.about == dict(part.about))
        if part.about:
            self.window.until(self.button("Close", self.why).is_visible)
        if part.hide:
            self.window.until(self.is_hidden)

    def is_hidden(self):
        return any("?" in formula for formula in self.why.locator("math").all_text_contents())

    def take(self, part):
        """One part, with all that it asks for."""
        self.read(part)
        if part.heading in WAITED_FOR:
            WAITED_FOR[part.heading](self)
        for number, exercise in enumerate(part.exercises):
            self.solve(number, exercise)
        if not self.session.tour.done:
            self.play()
        if part.hide:
            self.window.until(lambda: not self.is_hidden())

    def go_on(self):
        """Press what leads on, which must be possible now."""
        forward = self.button(re.compile("^(Next|Next lesson|Finish)$"), self.text)
        self.window.until(forward.is_enabled)
        forward.click()

    # Exercises.

    def solve(self, number, exercise):
        form = self.text.locator("form").nth(number)
        self.window.until(form.is_visible)
        said = form.get_by_role("status")
        if isinstance(exercise, StateExercise):
            ASKED_FOR[exercise.id](self, exercise.id)
            self.window.until(lambda: "Done." in said.inner_text())
            return
        tour = self.session.tour
        evaluate = tour.quantities().evaluate
        slip, message = a_slip(exercise, evaluate)
        self.answer(form, exercise, slip)
        self.window.until(lambda: plain(message) in plain(said.inner_text()))
        assert exercise.id not in tour.solved
        right = exercise.right.text if isinstance(exercise, ChoiceExercise) else evaluate(exercise.answer)
        self.answer(form, exercise, right)
        self.window.until(lambda: "Right" in said.inner_text())
        assert exercise.id in tour.solved

    def answer(self, form, exercise, answer):
        if isinstance(exercise, ChoiceExercise):
            form.get_by_role("radio").nth([option.text for option in exercise.options].index(answer)).check()
        else:
            form.get_by_role("textbox").fill(repr(answer).replace("-", "−"))  # as Why writes it
        form.get_by_role("button", name="Check").click()

    # Hands.

    def play(self, holds=None, pace="full speed"):
        """Press Play, in the text where the text says so, until one may go on, or until something else holds."""
        self.page.get_by_label("Pace", exact=True).select_option(label=pace)
        link = self.text.locator('a[href="#do=play"]')
        press = link.first.click if link.count() else None
        self.window.play_until(holds or (lambda run: self.session.tour.done), press=press)

    def play_until_solved(self, exercise, **more):
        self.play(lambda run: exercise in self.session.tour.solved, **more)

    def start_over(self):
        self.button("Start over", exact=True).click()
        self.window.until(lambda: self.session.run.steps == 0)

    def switch_on(self, *features):
        """Press the dashed tiles of features."""
        for feature in features:
            label = next(found["label"] for found in candidates(self.session.run) if found["name"] == feature)
            tile = self.button(f"Switch on feature {label}", exact=True)
            tile.click()
            self.window.until(lambda wanted=feature: wanted in self.settings["features"])
            tile.wait_for(state="detached")

    def press_units(self, what, times, layer=0):
        """Press + or − above a column."""
        for _ in range(times):
            before = self.settings["layers"][layer]["units"]
            self.button(re.compile(f"^One unit {what} in h"), self.network).nth(layer).click()
            self.window.until(lambda n=before: self.settings["layers"][layer]["units"] != n)

    def choose_activation(self, name, layer=0):
        self.network.get_by_role("combobox", name=re.compile("^Activation of h")).nth(layer).select_option(name)
        self.window.until(lambda: self.settings["layers"][layer]["activation"] == name)

    @contextmanager
    def opened_settings(self):
        """The settings, which lie behind a button while a lesson is read."""
        rail = self.page.get_by_role("complementary", name="Settings")
        opener = self.button("Settings")
        opener.click()
        self.window.until(rail.is_visible)
        yield rail
        if opener.is_visible():
            opener.click()
        self.window.until(lambda: self.text.is_visible() and not rail.is_visible())

    def set(self, name, value):
        with self.opened_settings() as rail:
            rail.get_by_label(name, exact=True).select_option(f"{value:g}")
            self.window.until(lambda: self.settings[name] == value)

    def add_feature(self, formula):
        """Type a feature of one's own."""
        with self.opened_settings() as rail:
            field = rail.get_by_label("a feature of your own")
            if not field.is_visible():
                rail.get_by_text(re.compile("^features")).click()
            field.fill(formula)
            field.press("Enter")
            self.window.until(lambda: formula in self.settings["features"])

    def type_value(self, value):
        """Another value for the number that Why speaks of."""
        box = self.why.get_by_role("textbox", name="Value")
        box.click()
        box.fill(str(value))
        box.press("Enter")


def a_slip(exercise, evaluate):
    """A wrong answer that the lesson knows, and what it says to it."""
    if isinstance(exercise, ChoiceExercise):
        option = next(option for option in exercise.options if not option.right)
        return option.text, option.says
    for slip in exercise.slips:  # by chance two of them may be the same number
        value = evaluate(slip.answer)
        if exercise.check(repr(value), evaluate).text == slip.says:
            return value, slip.says
    raise AssertionError(f"no slip of {exercise.id} can be told from the right answer")


# What a part waits for, where Play alone does not bring it.


def centre(reader):
    reader.switch_on("x1", "x2")
    reader.play()


def too_fast(reader):
    reader.play(lambda run: False)  # it stops by itself
    reader.page.get_by_role("alert").filter(has_text="Diverged").wait_for()


def bottleneck(reader):
    reader.press_units("more", 1)
    reader.start_over()
    reader.play()


WAITED_FOR = {"Wherever the centre is": centre, "Too fast": too_fast, "A bottleneck": bottleneck}

# What an exercise asks one to do.


def by_hand(reader, exercise):
    reader.type_value("−0.16")


def a_product(reader, exercise):
    reader.switch_on("x1*x2")
    reader.play_until_solved(exercise)


def fewest(reader, exercise):
    reader.press_units("less", 4)
    reader.play_until_solved(exercise)


def bend(reader, exercise):
    reader.choose_activation("tanh", 1)
    reader.play_until_solved(exercise)


def hills(reader, exercise):
    reader.choose_activation("tanh")
    reader.play_until_solved(exercise)


def ones(reader, exercise):
    reader.add_feature("1")
    reader.play_until_solved(exercise)


def built_units(reader, exercise):
    slider = reader.page.get_by_role("slider", name="Units of the first hidden layer")
    for units in range(17, 21):
        slider.press("ArrowRight")
        reader.window.until(lambda n=units: reader.settings["layers"][0]["units"] == n)


def minibatches(reader, exercise):
    reader.set("batch", 5)
    reader.start_over()
    reader.play_until_solved(exercise, pace="1 epoch a picture")


def slower(reader, exercise):
    reader.set("rate", 1.0)
    reader.start_over()
    reader.play_until_solved(exercise)


def wake(reader, exercise):
    reader.set("rate", 0.3)
    reader.choose_activation("elu")
    reader.play_until_solved(exercise)


ASKED_FOR = {
    "line-by-hand": by_hand,
    "feature-xor": a_product,
    "hidden-fewest": fewest,
    "collapse-bend": bend,
    "activations-hills": hills,
    "biases-ones": ones,
    "approximation-units": built_units,
    "backprop-minibatches": minibatches,
    "failures-rate": slower,
    "failures-dead": wake,
}


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_a_lesson_is_done_from_start_to_end(window, lesson):
    reader = Reader(window, lesson)
    reader.begin()
    for part in lesson.parts:
        reader.take(part)
        reader.go_on()
    following = lessons()[lesson.number :]
    if following:
        window.until(lambda: reader.heading.inner_text() == following[0].parts[0].heading)
    else:
        window.until(reader.page.get_by_role("dialog", name="Lessons").is_visible)


def test_what_collapses_is_asked_about_while_it_is_collapsed(window):
    """The text says to collapse the network, and then asks for a product of the weights that it had."""
    lesson = next(lesson for lesson in lessons() if lesson.name == "collapse")
    reader = Reader(window, lesson)
    reader.begin()
    reader.take(lesson.parts[0])
    reader.go_on()
    reader.read(lesson.parts[1])
    reader.text.locator('a[href="#do=collapse"]').click()
    window.until(lambda: window.session.look.folded)
    window.until("document.querySelectorAll('#network button[data-seat]').length === 3")
    (exercise,) = lesson.parts[1].exercises
    run, form = window.session.run, reader.text.locator("form")
    w, v = (layer.w for layer in run.network.layers)
    reader.answer(form, exercise, float(w[0] @ v[:, 0]))
    window.until(lambda: "Right" in form.get_by_role("status").inner_text())
