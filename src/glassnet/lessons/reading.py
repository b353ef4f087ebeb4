"""From a file to a lesson: TOML between +++ lines, then Markdown, whose headings begin parts and whose fences say what
the studio does."""

import re
import tomllib
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from glassnet.errors import FileFormatError, unknown_name
from glassnet.lessons.exercises import (
    ChoiceExercise,
    Condition,
    Exercise,
    NumberExercise,
    Option,
    Slip,
    StateExercise,
)
from glassnet.lessons.markup import SELECTED, block, check_links
from glassnet.lessons.quantities import INDEXED, check_quantity, is_quantity, used

# The state that `enter` changes. Here the network has no hidden layer.
DEFAULTS: dict[str, Any] = {
    "data": {"kind": "circles", "n": 300, "noise": 0.1, "seed": 0, "share": 0.67},
    "features": ["x1", "x2"],
    "layers": [],
    "bias": True,
    "init": "glorot",
    "loss": "auto",
    "optimizer": "adam",
    "rate": 0.03,
    "l2": 0.0,
    "l1": 0.0,
    "batch": 0,
    "seed": 7,
}
LOOKS = ("lines", "row", "at", "plane", "held", "output", "hidden", "most", "maps", "construct")
PART = {"enter": dict, "steps": int, "keep": bool, "look": dict, "about": dict, "hide": list, "done": list}
EXERCISE: dict[str, dict[str, Any]] = {
    "number": {"answer": str, "tolerance": float, "floor": float, "slips": list, "unit": str, "hint": str},
    "choice": {"options": list},
    "state": {"done": list, "do": str},
}
COMMON = {"id": str, "kind": str, "question": str, "explanation": str}


@dataclass(frozen=True)
class Part:
    """A text, and the state of the studio that belongs to it.

    Attributes:
        heading: Its name.
        text: Markdown, without the fences.
        enter: Settings that differ from `DEFAULTS`.
        steps: Epochs to train at entering.
        keep: Whether the state stays as the part before left it; then nothing is entered.
        look: What the pictures show, such as {"row": 12}.
        about: What the explanation shows, such as {"weight": [0, 1, 5]}.
        hide: Quantities shown as a question mark until the exercise is answered, such as "dz".
        done: What must hold before the next part; () is that reading is enough.
        exercises: In the order of the file.
    """

    heading: str
    text: str
    enter: Mapping[str, Any]
    steps: int
    keep: bool
    look: Mapping[str, Any]
    about: Mapping[str, Any]
    hide: tuple[str, ...]
    done: tuple[Condition, ...]
    exercises: tuple[Exercise, ...]

    @cached_property
    def html(self) -> str:
        """The text as HTML."""
        return block(self.text)

    @property
    def settings(self) -> dict[str, Any]:
        """Whole settings: `enter` merged over `DEFAULTS`, the data key by key."""
        whole = deepcopy(DEFAULTS | dict(self.enter))
        whole["data"] = DEFAULTS["data"] | dict(self.enter.get("data", {}))
        return whole


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Attributes:
        name: As in the file's name.
        number: From 1.
        title, summary: A few words; a sentence or two.
        parts: In order.
    """

    name: str
    number: int
    title: str
    summary: str
    parts: tuple[Part, ...]

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        """Those of all parts."""
        return tuple(exercise for part in self.parts for exercise in part.exercises)


def read_lesson(file: str, text: str) -> Lesson:
    """The lesson in a file's text.

    Raises:
        FileFormatError: What is wrong, and where.

    >>> lesson = read_lesson("03-hidden.md", '+++\\ntitle = "A"\\nsummary = "B"\\n+++\\n\\n## One\\n\\nText.\\n')
    >>> lesson.number, lesson.name, lesson.parts[0].heading, lesson.parts[0].text
    (3, 'hidden', 'One', 'Text.')
    """
    named = re.fullmatch(r"(\d+)-([a-z-]+)\.md", file)
    if named is None:
        raise FileFormatError(f"{file} is no lesson's name: it needs a number, a dash and a word, as 03-hidden.md.")
    opened = re.match(r"\+\+\+\n(.*?)\n\+\+\+\n", text, re.DOTALL)
    if opened is None:
        raise FileFormatError(f"{file} does not begin with title and summary between two lines of +++.")
    front = _checked(file, _toml(file, opened[1]), {"title": str, "summary": str}, ("title", "summary"))
    before, *sections = re.split(r"^## (.+)$", text[opened.end() :], flags=re.MULTILINE)
    if before.strip() or not sections:
        raise FileFormatError(f"{file} has text before its first part: begin every part with a line '## heading'.")
    parts = tuple(_part(f"{file}, {head.strip()}", head.strip(), body) for head, body in _pairs(sections))
    if parts[0].keep:
        raise FileFormatError(f"{file}: the first part has keep = true, but there is nothing before it to keep.")
    return Lesson(named[2], int(named[1]), front["title"], front["summary"], parts)


def _pairs(sections: list[str]) -> list[tuple[str, str]]:
    return list(zip(sections[::2], sections[1::2], strict=True))


def _part(where: str, heading: str, body: str) -> Part:
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", body, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^```(?:studio|exercise)\n.*?^```$\n?", "", body, flags=re.MULTILINE | re.DOTALL).strip()
    studio = [content for kind, content in fences if kind == "studio"]
    if len(studio) > 1:
        raise FileFormatError(f"{where} has {len(studio)} studio blocks, but one state can be entered.")
    given = _checked(where, _toml(where, studio[0] if studio else ""), PART)
    check_links(where, text)
    enter, keep = given.get("enter", {}), given.get("keep", False)
    if keep and (enter or given.get("steps")):
        raise FileFormatError(f"{where} keeps the state, so nothing can be entered: take out keep, or enter and steps.")
    for key in enter:
        if key not in DEFAULTS:
            raise FileFormatError(f"{where}: {unknown_name('setting', key, DEFAULTS)}")
    for key in given.get("look", {}):
        if key not in LOOKS:
            raise FileFormatError(f"{where}: {unknown_name('way to look', key, LOOKS)}")
    for name in given.get("hide", []):
        if name not in INDEXED and not is_quantity(name):
            raise FileFormatError(f"{where}: {unknown_name('quantity', name, INDEXED)}")
    return Part(
        heading=heading,
        text=text,
        enter=enter,
        steps=given.get("steps", 0),
        keep=keep,
        look=given.get("look", {}),
        about=_about(where, given.get("about", {})),
        hide=tuple(given.get("hide", [])),
        done=_conditions(where, given.get("done", [])),
        exercises=tuple(_exercise(where, content) for kind, content in fences if kind == "exercise"),
    )


def _about(where: str, about: Mapping[str, Any]) -> Mapping[str, Any]:
    for kind, places in about.items():
        count = len(places) if isinstance(places, list) else 1
        if len(about) > 1 or kind == "row" or count != SELECTED.get(kind):
            raise FileFormatError(
                f"{where}: about is {dict(about)}, but one of weight = [0, 1, 5], bias = [0, 5], unit = [0, 3], "
                f"layer = 0, input = 1 is needed."
            )
    return about


def _conditions(where: str, given: list[Any]) -> tuple[Condition, ...]:
    found = []
    for entry in given:
        bounds = _checked(where, entry, {"quantity": str, "at_least": float, "at_most": float}, ("quantity",))
        if len(bounds) < 2:
            raise FileFormatError(
                f"{where}: the condition on {bounds['quantity']} has no bound: add at_least or at_most."
            )
        check_quantity(where, bounds["quantity"])
        found.append(Condition(**bounds))
    return tuple(found)


def _exercise(where: str, content: str) -> Exercise:
    raw = _toml(where, content)
    kind = raw.get("kind")
    if kind not in EXERCISE:
        raise FileFormatError(f"{where}: {unknown_name('kind of exercise', kind, EXERCISE)}")
    given = _checked(where, raw, COMMON | EXERCISE[kind], ("id", "kind", "question"))
    where = f"{where}, {given['id']}"
    for key in ("question", "explanation", "hint", "do"):
        check_links(where, given.get(key, ""))
    del given["kind"]
    return MAKERS[kind](where, given)


def _number(where: str, given: dict[str, Any]) -> Exercise:
    slips = [_checked(where, slip, {"answer": str, "says": str}, ("answer", "says")) for slip in given.pop("slips", [])]
    for formula in (given.get("answer", ""), *(slip["answer"] for slip in slips)):
        if not formula.strip():
            raise FileFormatError(f"{where} has no answer: give a formula, as answer = 'dh_0_5 * slope_0_5'.")
        for name in used(formula):
            check_quantity(where, name)
    for slip in slips:
        check_links(where, slip["says"])
    return NumberExercise(**given, slips=tuple(Slip(**slip) for slip in slips))


def _choice(where: str, given: dict[str, Any]) -> Exercise:
    options = []
    for entry in given.pop("options", []):
        option = _checked(where, entry, {"text": str, "right": bool, "says": str}, ("text", "says"))
        check_links(where, option["text"] + " " + option["says"])
        options.append(Option(option["text"], option.get("right", False), option["says"]))
    right = sum(option.right for option in options)
    if len(options) < 2 or right != 1 or len({option.text for option in options}) < len(options):
        raise FileFormatError(
            f"{where} has {len(options)} options, {right} of them right: at least two different ones are needed, and "
            f"exactly one with right = true."
        )
    return ChoiceExercise(**given, choices=tuple(options))


def _state(where: str, given: dict[str, Any]) -> Exercise:
    done = _conditions(where, given.pop("done", []))
    if not done or not given.get("do"):
        raise FileFormatError(
            f"{where} needs conditions, done = [{{quantity = …, at_least = …}}], and a do that helps."
        )
    return StateExercise(**given, done=done)


MAKERS: dict[str, Callable[[str, dict[str, Any]], Exercise]] = {
    "number": _number,
    "choice": _choice,
    "state": _state,
}


def _toml(where: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileFormatError(f"{where} has TOML that cannot be read: {error}.") from None


def _checked(
    where: str, given: Mapping[str, Any], known: Mapping[str, type], needed: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The entries, each of its type; texts without the blanks around them.

    Raises:
        FileFormatError: One that is unknown, missing or of another type.
    """
    found: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise FileFormatError(f"{where}: {unknown_name('key', key, known)}")
        wanted = known[key]
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise FileFormatError(f"{where}: {key} is {value!r}, but needs the type {wanted.__name__}.")
        found[key] = value.strip() if isinstance(value, str) else value
    for key in needed:
        if not found.get(key):
            raise FileFormatError(f"{where} has no {key}.")
    return found
