"""What stands beside a run: lessons with their exercises, findings, panels, and the constructed network of a curve."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import InputError, unknown_name
from glassnet.explanation.construction import construct
from glassnet.explanation.formulas import Formula
from glassnet.lessons import Exercise, Lesson, Part, StateExercise, lessons
from glassnet.nn.elementary import Array
from glassnet.studio.describe import describe_studio
from glassnet.studio.panels import PANELS, Frozen, findings_of, panel_of
from glassnet.studio.quantities import Quantities
from glassnet.studio.run import Run
from glassnet.studio.settings import UPLOAD_BYTES

if TYPE_CHECKING:
    from glassnet.studio.session import Session

LOOKED = ("row", "lines", "construct", "output", "hidden", "plane", "folded")  # what a lesson sets for the page
DOMAIN = 1.0  # a formula's rows lie between −1 and 1
MOST_BUILT = 128  # units that a construction is worked out for
BUILT_OF = {"logistic": "logistic", "tanh": "logistic"}  # what stands in for an activation; hats of relu for all others


class Tour:
    """The lesson that is taken, and helpers that work beside the training.

    Attributes:
        session: Whose run it is.
        lesson, part: Where the reader is; None without a lesson.
        solved: Exercises that were solved in this part, and answers shown.
    """

    PANELS = tuple(PANELS)

    def __init__(self, session: "Session") -> None:
        self.session = session
        self.lesson: Lesson | None = None
        self.part = 0
        self.solved: set[str] = set()
        self.done = False
        self._examining = False
        self._told_missing: str | None = None
        self._waiting: Frozen | None = None
        self._built: tuple[Any, Any] = (None, None)

    def hello(self) -> dict[str, Any]:
        """What can be chosen, and the lessons that there are."""
        listed = [
            {
                "name": lesson.name,
                "title": lesson.title,
                "summary": lesson.summary,
                "number": lesson.number,
                "parts": len(lesson.parts),
            }
            for lesson in lessons()
        ]
        return describe_studio(self.session.run_id, {"upload_bytes": UPLOAD_BYTES}, listed)

    # Lessons.

    @property
    def _here(self) -> Part | None:
        return None if self.lesson is None else self.lesson.parts[self.part]

    @property
    def hidden(self) -> list[str]:
        """What is a question mark until the exercises of this part are solved."""
        part = self._here
        if part is None or all(exercise.id in self.solved for exercise in part.exercises):
            return []
        return list(part.hide)

    def enter(self, name: str, part: int) -> None:
        """Begin a part: its state of the studio, and its text.

        Raises:
            InputError: There is no such part.
        """
        found = next((lesson for lesson in lessons() if lesson.name == name), None)
        if found is None:
            raise unknown_name("lesson", name, [lesson.name for lesson in lessons()])
        if not 0 <= part < len(found.parts):
            raise InputError(f"The lesson {name} has {len(found.parts)} parts, but part {part + 1} was asked for.")
        self.lesson, self.part, self.solved, self.done = found, part, set(), False
        here, session = found.parts[part], self.session
        if not here.keep:
            look = session.look
            session.begin(Run(here.settings, session.shelf))
            session.look.most, session.look.maps = look.most, look.maps
            if here.steps:
                session.train(here.steps * session.run.per_epoch)
                session.remember()
        session.look.change(session.run, dict(here.look))
        session.about = dict(here.about)
        session.look.about = dict(here.about)
        session.everything()
        session.send("stage", name=None)
        self.watch()

    def leave(self) -> None:
        """No lesson any more; the studio stays as it is."""
        self.lesson = None
        self.session.send("lesson", name=None)
        self.session.why()

    def tell(self) -> None:
        """The message "lesson", where one is taken."""
        lesson, part = self.lesson, self._here
        if lesson is None or part is None:
            return
        self._told_missing = self._missing(part)
        open_ones = [exercise for exercise in part.exercises if exercise.id not in self.solved]
        exercise = open_ones[0] if open_ones else None
        self.session.send(
            "lesson",
            name=lesson.name,
            number=lesson.number,
            of=len(lessons()),
            title=lesson.title,
            part=self.part,
            parts=len(lesson.parts),
            heading=part.heading,
            html=part.html,
            exercise=None if exercise is None else self._described(exercise),
            exercises=len(part.exercises),
            solved=len(part.exercises) - len(open_ones),
            done=self.done,
            missing=self._told_missing,
            about=dict(part.about),
            look={name: value for name, value in vars(self.session.look).items() if name in LOOKED},
            last=self.part == len(lesson.parts) - 1,
        )

    def _missing(self, part: Part) -> str | None:
        """What is still to happen before the next part."""
        if self.done:
            return None
        quantity = self.quantities()
        lacking = [c.missing(quantity) for c in part.done if not c.holds(quantity)]
        if not lacking:
            return None
        return f"Before you go on: {'; '.join(lacking)}."

    @staticmethod
    def _described(exercise: Exercise) -> dict[str, Any]:
        return {
            "id": exercise.id,
            "kind": exercise.kind,
            "html": exercise.html,
            "options": [option.html for option in exercise.options],
            "unit": getattr(exercise, "unit", ""),
        }

    def quantities(self) -> Quantities:
        """Numbers of the run as it is shown, by name; of a folded network those of the whole one."""
        session = self.session
        return Quantities(session.past or session.run, session.pictures, self.errors, session.diverged is not None)

    def watch(self) -> None:
        """Has the part's condition come true, or an exercise of something to do been done?"""
        part = self._here
        if part is None:
            return
        quantity = self.quantities()
        for exercise in part.exercises:
            conditions = exercise.done if isinstance(exercise, StateExercise) else ()
            if conditions and exercise.id not in self.solved and self._holds(conditions, quantity):
                self._solve(exercise, exercise.check("", quantity.evaluate))
        if not self.done and self._holds(part.done, quantity):
            self.done = True
            assert self.lesson is not None
            self.session.send("done", name=self.lesson.name, part=self.part)
        elif not self.session.playing and self._missing(part) != self._told_missing:
            self.tell()

    @staticmethod
    def _holds(conditions: Any, quantity: Quantities) -> bool:
        try:
            return all(condition.holds(quantity) for condition in conditions)
        except InputError:
            return False  # the network has no such number now

    def _exercise(self, name: str) -> Exercise:
        part = self._here
        found = next((e for e in part.exercises if e.id == name), None) if part is not None else None
        if found is None:
            raise InputError(f"There is no exercise {name!r} here.")
        return found

    def attempt(self, name: str, answer: str) -> None:
        """An answer, and what is to be said of it."""
        exercise = self._exercise(name)
        verdict = exercise.check(answer, self.quantities().evaluate)
        if verdict.right:
            self._solve(exercise, verdict)
        else:
            self.session.send("verdict", exercise=name, right=False, html=verdict.html)

    def reveal(self, name: str) -> None:
        """The answer, shown."""
        exercise = self._exercise(name)
        verdict = exercise.reveal(self.quantities().evaluate)
        if isinstance(exercise, StateExercise):  # how it is done; that is still to do
            self.session.send("verdict", exercise=name, right=False, shown=True, html=verdict.html)
        else:
            self._solve(exercise, verdict, shown=True)

    def _solve(self, exercise: Exercise, verdict: Any, *, shown: bool = False) -> None:
        self.solved.add(exercise.id)
        self.session.send(
            "verdict", exercise=exercise.id, right=True, shown=shown, html=verdict.html, answer=verdict.answer
        )
        self.tell()
        self.session.why()

    # Beside the training.

    def beside(self, work: Callable[[], Any], then: Callable[[Any], None], message_id: Any = None) -> None:
        """Work on another thread, and what to do with its result on this one."""
        session = self.session

        def run() -> None:
            found, told = None, ""
            try:
                found = work()
            except InputError as error:
                told = str(error)
            except Exception as error:  # whatever it is must be told, and the helper go on
                told = f"That went wrong ({type(error).__name__}: {error})."

            def answer() -> None:
                then(found)
                if told:
                    session.notice(told, "error", message_id)

            session.post(answer)

        session.helpers.submit(run)

    def panel(self, name: str, message_id: Any) -> None:
        """Work a panel out and send it."""
        frozen = Frozen(self.session.shown)

        def tell(found: Any) -> None:
            if found is not None:
                self.session.send("panel", **found)

        self.beside(lambda: panel_of(frozen, name), tell, message_id)

    def examine(self, run: Run) -> None:
        """Look for faults and send what is found; one look at a time, and the last one asked for."""
        self._waiting = Frozen(run)
        if not self._examining:
            self._examine_next()

    def _examine_next(self) -> None:
        frozen, self._waiting = self._waiting, None
        self._examining = frozen is not None
        if frozen is None:
            return

        def tell(found: Any) -> None:
            if found is not None and self._waiting is None:
                self.session.send("findings", findings=found)
            self._examine_next()

        self.beside(lambda: findings_of(frozen), tell)

    # The network that the proof promises.

    def constructed(self, run: Run) -> tuple[Array | None, dict[str, Any] | None]:
        """On the curve's places the network that is built without training, of as many units, and both errors."""
        found = self._construction(run)
        if found is None:
            return None, None
        built, told, truth = found
        canvas = self.session.pictures.canvas
        y = run.engine.forward(run.network, canvas.large)[:, 0]
        inside = np.abs(np.linspace(canvas.lo[0], canvas.hi[0], len(y))) <= DOMAIN
        trained = float(np.abs(y - truth)[inside].max()) if np.isfinite(y).all() else float("inf")
        return built, {**told, "trained_error": trained}

    def errors(self) -> tuple[float, float]:
        """The largest errors of the constructed and of the trained network; nan where there is no curve."""
        _, told = self.constructed(self.session.shown)
        return (float("nan"), float("nan")) if told is None else (told["error"], told["trained_error"])

    def _construction(self, run: Run) -> tuple[Array, dict[str, Any], Array] | None:
        data, layers = run.settings["data"], run.settings["layers"]
        canvas = self.session.pictures.canvas
        if data["kind"] != "formula" or not canvas.curve or not layers:
            return None
        units, name = min(layers[0]["units"], MOST_BUILT), BUILT_OF.get(layers[0]["activation"], "relu")
        key = (data["text"], units, name, float(canvas.lo[0]), float(canvas.hi[0]))
        if self._built[0] != key:
            try:
                formula = Formula.parse(data["text"].partition("=")[2] or data["text"], run.problem.names)
                made = construct(formula.text, (-DOMAIN, DOMAIN), units=units, activation=name)
            except InputError:
                self._built = (key, None)
                return None
            x = np.linspace(canvas.lo[0], canvas.hi[0], len(canvas.large))[:, None]
            told = {
                "units": made.units,
                "error": float(made.measured),
                "certified": float(made.error) if made.certified else None,
                "activation": made.activation,
            }
            y = made.network.forward(x)[0][:, 0].astype(np.float32)
            self._built = (key, (y, told, formula(x)))
        found: tuple[Array, dict[str, Any], Array] | None = self._built[1]
        return found
