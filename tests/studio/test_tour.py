"""Lessons in the studio: every part is entered, shows what it speaks of, and can be finished."""

import pytest

from glassnet.lessons import ChoiceExercise, NumberExercise, StateExercise, lessons
from glassnet.studio.quantities import Quantities

PARTS = [(lesson.name, i) for lesson in lessons() for i in range(len(lesson.parts))]


@pytest.mark.parametrize(("name", "i"), PARTS)
def test_a_part_is_entered_and_its_questions_answered(page, name, i):
    part = next(lesson for lesson in lessons() if lesson.name == name).parts[i]
    if part.keep:  # it goes on from where the part before it was left
        before = next(j for j in range(i, -1, -1) if not _part(name, j).keep)
        page.ask("lesson", "lesson", name=name, part=before)
    told, _ = page.ask("lesson", "lesson", lambda told: told["part"] == i, name=name, part=i)
    assert told["heading"] == part.heading
    session = page.link.session
    assert session.run.settings == {**session.run.settings, **part.enter, "data": session.run.settings["data"]}
    if part.steps:
        assert session.run.state.epoch == part.steps
    if part.about:
        why, _ = page.ask("why", "why", about=dict(part.about))
        assert why["about"] == dict(part.about)
        if part.hide:
            assert any({"ask": True} in step["tokens"] for step in why["steps"])
    for exercise in part.exercises:
        if isinstance(exercise, StateExercise):
            said, _ = page.ask("reveal", "verdict", exercise=exercise.id)
            assert not said["right"]  # it is still to do
            continue
        quantities = Quantities(session.shown, session.pictures, session.tour.errors, False)
        if isinstance(exercise, NumberExercise):
            wrong = [repr(quantities.evaluate(slip.answer)) for slip in exercise.slips]
            right = repr(quantities.evaluate(exercise.answer))
        else:
            assert isinstance(exercise, ChoiceExercise)
            places = range(len(exercise.options))
            wrong = [str(place) for place in places if not exercise.options[place].right]
            right = next(str(place) for place in places if exercise.options[place].right)
        for answer in wrong:
            verdict, _ = page.ask("try", "verdict", exercise=exercise.id, answer=answer)
            assert not verdict["right"]
        verdict, _ = page.ask("try", "verdict", exercise=exercise.id, answer=right)
        assert verdict["right"]
    if part.hide and not any(isinstance(exercise, StateExercise) for exercise in part.exercises):
        why, _ = page.ask("why", "why", about=dict(part.about))
        assert not any({"ask": True} in step["tokens"] for step in why["steps"])  # the answer is shown now


def _part(name, i):
    return next(lesson for lesson in lessons() if lesson.name == name).parts[i]


def test_a_condition_that_comes_true_is_told(page):
    told, _ = page.ask("lesson", "lesson", name="hidden", part=0)
    waiting = next(
        (name, i) for name, i in PARTS if _part(name, i).done and not _part(name, i).keep and name == "hidden"
    )
    told, _ = page.ask("lesson", "lesson", lambda told: told["part"] == waiting[1], name=waiting[0], part=waiting[1])
    assert not told["done"]
    page.say("play", pace="full")
    done, _ = page.wait("done")
    assert (done["name"], done["part"]) == waiting


def test_a_lesson_can_be_left_and_what_there_is_not_is_refused(page):
    page.ask("lesson", "lesson", name="line", part=0)
    assert page.ask("lesson", "lesson", name=None)[0]["name"] is None
    page.ask("lesson", "notice", lambda notice: "hiden" in notice["text"], name="hiden")
    page.ask("lesson", "notice", lambda notice: "parts" in notice["text"], name="hidden", part=99)
    page.ask("try", "notice", lambda notice: "no exercise" in notice["text"], exercise="x", answer="1")


def test_the_constructed_network_stands_beside_the_trained_one(page):
    formula = {"kind": "formula", "text": "sin(6*x) + x", "noise": 0}
    page.ask("set", "run", changes={"data": formula, "layers": [{"units": 12, "activation": "relu"}]})
    frame, arrays = page.ask("look", "frame", lambda frame: frame.get("built"), construct=True)
    built = frame["built"]
    assert built["units"] <= 12
    assert arrays["built"].shape == arrays["curve"].shape == (256,)
    assert built["error"] <= built["certified"] * (1 + 1e-9)
    frame, _ = page.ask("unit", "frame", lambda frame: frame.get("built"), layer=0, add=True)
    for _ in range(6):
        frame, _ = page.ask("unit", "frame", lambda frame: frame.get("built"), layer=0, add=True)
    assert frame["built"]["error"] < built["error"]  # more units, a smaller error
