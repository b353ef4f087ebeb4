"""Nine lessons, from where a line is not enough to why networks fail, in the Markdown files of this folder.

The studio, the terminal and the book read the same files. A file begins with TOML between two lines of +++, title and
summary. `## heading` begins a part: Markdown, of which three kinds of things are special.

One fence `studio`, TOML, says what the studio shows; every key may be left out:

    enter = {layers = [{units = 8, activation = "tanh"}]}    settings, over `DEFAULTS`
    steps = 200                                              epochs of training at entering
    keep = true                                              instead of both: the state stays as it is
    look = {row = 12, lines = "gradient", construct = true}  what the pictures show
    about = {weight = [0, 1, 5]}                             what is explained
    hide = ["dz"]                                            shown as a question mark until the exercise is answered
    done = [{quantity = "validation_score", at_least = 0.95}]    what must hold before one goes on

Fences `exercise`, TOML: `id`, `kind`, `question`, `explanation`, and of a

    number    answer = "dh_0_5 * slope_0_5", a formula in quantities; tolerance, floor, unit, hint,
              slips = [{answer = "dh_0_5", says = "…"}, …], wrong answers that are recognised
    choice    options = [{text = "…", right = true, says = "…"}, …]
    state     done = [{quantity = "…", at_most = …}, …], do = "how"

Links: [the weight from x₂ to h₆](#select=weight/0/1/5), #select=bias/0/5, unit/0/3, layer/1, input/0, row/12; and
[Play](#do=play). Quantities and their conventions are in `quantities.py`. Layers, inputs, units and rows count from 0
there; in what people read, from 1.
"""

from functools import cache
from importlib.resources import files

from glassnet.errors import FileFormatError, unknown_name
from glassnet.lessons.exercises import (
    ChoiceExercise,
    Condition,
    Exercise,
    NumberExercise,
    Option,
    Slip,
    StateExercise,
    Verdict,
    read_number,
)
from glassnet.lessons.quantities import Evaluate, Quantity
from glassnet.lessons.reading import DEFAULTS, Lesson, Part, read_lesson

__all__ = [
    "lessons",
    "lesson",
    "Lesson",
    "Part",
    "Exercise",
    "NumberExercise",
    "ChoiceExercise",
    "StateExercise",
    "Condition",
    "Option",
    "Slip",
    "Verdict",
    "Quantity",
    "Evaluate",
    "DEFAULTS",
    "read_lesson",
    "read_number",
]


@cache
def lessons() -> tuple[Lesson, ...]:
    """All lessons, in order.

    Raises:
        FileFormatError: What is wrong in a file, and where.

    >>> [lesson.name for lesson in lessons()]
    ['line', 'feature', 'hidden', 'collapse', 'activations', 'biases', 'approximation', 'backpropagation', 'failures']
    """
    texts = {entry.name: entry for entry in files("glassnet.lessons").iterdir() if entry.name.endswith(".md")}
    found = [read_lesson(name, texts[name].read_text(encoding="utf-8")) for name in sorted(texts)]
    for number, entry in enumerate(found, 1):
        if entry.number != number:
            raise FileFormatError(f"Lesson {entry.name} has number {entry.number}, but {number} comes next.")
    seen: set[str] = set()
    for exercise in (exercise for entry in found for exercise in entry.exercises):
        if exercise.id in seen:
            raise FileFormatError(f"Two exercises are called {exercise.id!r}: give one of them another id.")
        seen.add(exercise.id)
    return tuple(found)


def lesson(name: str) -> Lesson:
    """The lesson of that name.

    Raises:
        UnknownNameError: There is none.

    >>> lesson("collapse").title
    'Why linear layers collapse'
    """
    for entry in lessons():
        if entry.name == name:
            return entry
    raise unknown_name("lesson", name, (entry.name for entry in lessons()))
