"""What a page may ask for: one function for each type of message."""

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from glassnet.errors import InputError, unknown_name
from glassnet.studio.describe import describe_history, layer_names
from glassnet.studio.pictures import LOOKS
from glassnet.studio.run import Run
from glassnet.studio.settings import MOST_UNITS, checked, listed, number, one_of, text, whole
from glassnet.studio.why import answer

if TYPE_CHECKING:
    from glassnet.studio.session import Session

PACES = ("even", "epoch", "full")
BACK_EPOCHS, SLOWER = 20, 10  # after a divergence
TABLE = {"features": [], "batch": 32, "rate": 0.005}  # what a table begins with: all its columns, and small steps
MOST_LISTED = 100_000  # events; of a run that has more than it can keep, `Run.apply` tells
REPLAY_STEPS = 2_000_000  # at a time, between two looks into the queue
Asked = dict[str, Any]


def open_run(session: "Session", asked: Asked) -> None:
    """A run from settings and events, as a link holds them."""
    if asked.get("settings") is None:
        session.everything()
        return
    start_over(session, asked["settings"], listed("events", asked.get("events") or [], MOST_LISTED))


def start_over(session: "Session", settings: Any, events: Any = ()) -> None:
    """Another run, with events replayed; the picture comes as they go."""
    run = Run(settings, session.shelf)
    look = session.look
    session.begin(run)
    session.look.most, session.look.maps = look.most, look.maps
    session.look.lines, session.look.hidden = look.lines, look.hidden
    session.everything()
    queued = [tuple(listed("an event", event, 1_000_000)) for event in listed("events", list(events), MOST_LISTED)]
    if queued:
        _replay(
            session,
            run,
            queued,
            sum(e[1] for e in queued if e[:1] == ("advance",) and len(e) == 2 and isinstance(e[1], int)),
        )
    else:
        session.follow_up()


def _replay(session: "Session", run: Run, events: list[tuple[Any, ...]], total: Any) -> None:
    """Some of the events now, the rest when the queue has been looked into; another run ends it."""
    if session.run is not run:
        return
    while events:
        event = events[0]
        if event[:1] == ("advance",) and len(event) == 2:
            steps = whole("steps", event[1], 0, 10**12)
            part = min(steps, REPLAY_STEPS, max(int(0.2 / max(session._per_step, 1e-8)), 1))
            session.train(part)
            events[0] = ("advance", steps - part)
            if steps > part and not session.diverged:
                session.remember()
                session.send("replaying", step=run.steps, of=total)
                session.picture(always=False)
                session.post(lambda: _replay(session, run, events, total))
                return
        else:
            run.apply(event)
            session.remember()
        events.pop(0)
        if session.diverged:
            break
    session.send("replaying", step=None, of=total)
    session.remember()
    session.announce()
    session.send("history", **describe_history(session.history))
    session.picture()
    session.follow_up()


def play(session: "Session", asked: Asked) -> None:
    """Train on, from the end."""
    session.pace = one_of("pace", asked.get("pace", session.pace), PACES)
    if session.diverged is not None:
        raise InputError("The weights ran away: go back and take a smaller rate, or start over.")
    session.look_back(None)
    session.announce()
    session.playing, session.stage = True, None
    session.send("stage", name=None)
    session.picture()


def pause(session: "Session", asked: Asked) -> None:
    """Rest."""
    session.playing = False
    if session.run.steps > session.history.moments[-1].steps:  # between two pictures
        session.remember()
    rest(session)


def set_pace(session: "Session", asked: Asked) -> None:
    """How far it trains from picture to picture."""
    session.pace = one_of("pace", asked.get("pace"), PACES)


def rest(session: "Session") -> None:
    """The picture of a run that does not move, and all that is worked out of it."""
    session.announce()
    session.picture()
    session.follow_up()


def step(session: "Session", asked: Asked) -> None:
    """One epoch, minibatch or stage."""
    unit = one_of("unit of a step", asked.get("unit", "epoch"), ("epoch", "batch", "stage"))
    session.playing = False
    if session.past_moment is not None:
        later = [m for m in session.history.moments if m.steps > session.past_moment.steps]
        session.look_back(later[0] if later else None)
        rest(session)
        return
    if session.diverged is not None:
        raise InputError("The weights ran away: go back and take a smaller rate, or start over.")
    if unit == "stage":
        from glassnet.studio.stages import Walk

        if session.stage is None:
            session.stage = Walk(session.run)
        told = session.stage.next()
        if told is None:  # the last stage: the update itself
            session.stage = None
            session.train(1)
            session.remember()
            session.send("stage", name=None)
            rest(session)
        else:
            session.send("stage", **told)
            session.picture()
        return
    if session.stage is not None:
        session.stage = None
        session.send("stage", name=None)
    state = session.run.state
    session.train(1 if unit == "batch" else session.run.per_epoch - state.batch)
    session.remember()
    rest(session)


def seek(session: "Session", asked: Asked) -> None:
    """Look at the past."""
    session.look_back(session.history.near(number("the step", asked.get("step"), 0, 1e15)))
    rest(session)


def back(session: "Session", asked: Asked) -> None:
    """One picture back."""
    now = session.past_moment.steps if session.past_moment is not None else session.run.steps
    before = session.history.before(now)
    if before:
        session.look_back(before[-1])
    session.send("stage", name=None)
    rest(session)


def live(session: "Session", asked: Asked) -> None:
    """To the end."""
    session.look_back(None)
    rest(session)


def branch(session: "Session", asked: Asked) -> None:
    """Train on from where the page looks."""
    moment = session.past_moment
    if moment is None:
        raise InputError("A branch begins in the past: move the history's knob first.")
    session.history.branch(moment)
    session.go_on_from(moment)
    session.send("history", **describe_history(session.history))
    rest(session)


def over(session: "Session", asked: Asked) -> None:
    """The same settings as they are now, from first weights."""
    start_over(session, deepcopy(session.run.settings))


def undo(session: "Session", asked: Asked) -> None:
    """Before the last change."""
    if not session.undone:
        raise InputError("There is nothing to undo.")
    moment = session.undone.pop()
    session.history.branch(moment)
    session.go_on_from(moment)
    session.remember()
    session.send("history", **describe_history(session.history))
    rest(session)


def recover(session: "Session", asked: Asked) -> None:
    """After a divergence some epochs back, at a smaller rate."""
    if session.diverged is None:
        raise InputError("Nothing has diverged.")
    target = max(session.run.steps - BACK_EPOCHS * session.run.per_epoch, 0)
    moment = session.history.near(target)
    session.history.branch(moment)
    session.go_on_from(moment)
    session.change("rate", max(session.run.settings["rate"] / SLOWER, 1e-6))
    session.send("history", **describe_history(session.history))
    rest(session)


def change_settings(session: "Session", asked: Asked) -> None:
    """Some settings: those that can change as it trains do, others start over."""
    changes = asked.get("changes")
    if not isinstance(changes, dict) or not changes:
        raise InputError('changes must be an object of settings, as {"rate": 0.1}.')
    for name in changes:
        if name not in session.run.settings:
            raise unknown_name("setting", name, session.run.settings)
    data = changes.get("data")
    if isinstance(data, dict) and data.get("kind") == "table" != session.run.settings["data"]["kind"]:
        changes = {**TABLE, **changes}
    whole_settings = checked({**session.run.settings, **changes})
    events = _as_events(session.run, whole_settings, changes)
    if events is None:
        start_over(session, whole_settings)
        return
    for event in events:
        session.change(*event)
    rest(session)


def _as_events(run: Run, new: Asked, changes: Asked) -> list[tuple[Any, ...]] | None:
    """The events that turn the run's settings into the new ones; None where it must start over."""
    old = run.settings
    events: list[tuple[Any, ...]] = []
    for name in changes:
        if new[name] == old[name]:
            continue
        if name == "rate" and "optimizer" not in changes:
            events.append(("rate", new["rate"]))
        elif name in ("l1", "l2"):
            events.append(("penalty", name, new[name]))
        elif name == "batch":
            events.append(("batch", new["batch"]))
        elif name == "optimizer":
            events.append(("optimizer", new["optimizer"], new["rate"]))
        elif name == "features":
            added = [f for f in new["features"] if f not in old["features"]]
            gone = [f for f in old["features"] if f not in new["features"]]
            events += [("input", f, True) for f in added] + [("input", f, False) for f in gone]
        elif name == "layers" and _units(new) == _units(old):
            pairs = zip(new["layers"], old["layers"], strict=True)
            events += [("activation", i, a["activation"]) for i, (a, b) in enumerate(pairs) if a != b]
        elif name == "data" and old["data"]["kind"] == new["data"]["kind"] == "points":
            events.append(("rows", new["data"]))
        elif name != "rate":
            return None
    return events


def _units(settings: Asked) -> list[int]:
    return [layer["units"] for layer in settings["layers"]]


def feature(session: "Session", asked: Asked) -> None:
    """One feature on or off; two in quick succession do not undo each other, as whole lists would."""
    session.change("input", text("the feature", asked.get("name")), bool(asked.get("on")))
    rest(session)


def edit(session: "Session", asked: Asked) -> None:
    """Another value for one parameter."""
    place = _place(asked)
    session.change("edit", *place, number("the value", asked.get("value"), -1e6, 1e6))
    session.announce()
    session.picture()
    session.why()
    session.tour.watch()


def _place(asked: Asked) -> tuple[Any, Any, Any]:
    if "weight" in asked:
        layer, i, j = (*listed("a weight", asked["weight"], 3), None, None, None)[:3]
        return layer, i, j
    layer, j = (*listed("a bias", asked.get("bias"), 2), None, None)[:2]
    return layer, "b", j


def freeze(session: "Session", asked: Asked) -> None:
    """Parameters that stay as they are, or no longer do."""
    about = asked.get("about")
    if not isinstance(about, dict):
        raise InputError("about must name a weight, a bias, a unit or a layer.")
    session.change("freeze", session.run.places_of(about), bool(asked.get("on", True)))
    rest(session)


def unit(session: "Session", asked: Asked) -> None:
    """A unit more or less in a hidden layer, or as many as a slider says; one undo takes all of it back."""
    layer = session.run.hidden(asked.get("layer"))
    if asked.get("units") is not None:
        wanted = whole("units", asked["units"], 1, MOST_UNITS)
        now = session.run.settings["layers"][layer]["units"]
        events = [("add_unit", layer)] * (wanted - now) + [
            ("remove_unit", layer, j - 1) for j in range(now, wanted, -1)
        ]
        for place, event in enumerate(events):
            session.change(*event, undo=place == 0)
    elif asked.get("add"):
        session.change("add_unit", layer)
    else:
        before = session.run.losses(session.run.state)[0]
        which = asked.get("remove")
        units = session.run.settings["layers"][layer]["units"]
        session.change("remove_unit", layer, units - 1 if which is None else which)
        cost = session.run.losses(session.run.state)[0] - before
        session.notice(f"Without that unit the training loss is {abs(cost):.3g} {'higher' if cost >= 0 else 'lower'}.")
    session.about = {}
    rest(session)


def collapse(session: "Session", asked: Asked) -> None:
    """Fold the layers that have the identity between them, or part them; the identity is set where there is none."""
    on = bool(asked.get("on", True))
    if on and not session.run.foldable:
        last = len(session.run.settings["layers"]) - 1
        which = asked.get("layer")
        session.change("activation", last if which is None else which, "identity")
        session.look.folded = True
        session.collapsed_by = len(session.run.events)
    elif not on and session.look.folded and session.collapsed_by == len(session.run.events):
        session.look.folded = False
        undo(session, {})
        return
    session.look.folded, session.about = on, {}
    session.stage = None
    session.send("stage", name=None)
    rest(session)


def layer(session: "Session", asked: Asked) -> None:
    """A hidden layer more or less; the network starts over, since its other weights were learned for another place."""
    settings = deepcopy(session.run.settings)
    layers = settings["layers"]
    if asked.get("add"):
        layers.append({"units": 4, "activation": layers[-1]["activation"] if layers else "tanh"})
    else:
        layers.pop(session.run.hidden(asked.get("remove")))
    start_over(session, settings)


def point(session: "Session", asked: Asked) -> None:
    """A row drawn or taken away by hand; drawn data become points."""
    run = session.run
    problem = run.problem
    if problem.preprocessor is not None or problem.model is not None or len(problem.names) != 2:
        raise InputError("Points can be drawn where there are two features, x1 and x2.")
    points = run.settings["data"].get("points")
    if points is None:
        codes = problem.answers if len(problem.classes) == 2 else (problem.answers > problem.answers.mean())
        rows = zip(problem.raw.tolist(), codes.tolist(), strict=True)
        points = [[a, b, int(c)] for (a, b), c in rows]
    if "add" in asked:
        points = [*points, listed("a point", asked["add"], 3)]
    elif asked.get("clear"):
        points = [[0.0, 0.0, 1], [0.8, 0.8, 0]]
    else:
        points = list(points)
        del points[whole("the point", asked.get("remove"), 0, len(points) - 1)]
    data = {"kind": "points", "points": points, "share": run.settings["data"]["share"]}
    change_settings(session, {"changes": {"data": data | {"seed": run.settings["data"]["seed"]}}})


def look(session: "Session", asked: Asked) -> None:
    """Another slice, row or kind of line."""
    shown = session.shown
    before = session.look.held, session.look.plane
    session.look.change(shown, asked)
    if (session.look.held, session.look.plane) != before:
        session.pictures.refresh()
    if "most" in asked or "about" in asked:
        session.pictures.rank(shown.network)
    session.pictures.lines_scale = None if "lines" in asked else session.pictures.lines_scale
    session.announce()
    session.picture()
    if {"row", "at", "output"} & asked.keys():
        session.why()


def why(session: "Session", asked: Asked) -> None:
    """Why is this number what it is?"""
    about = LOOKS["about"](session.shown, asked.get("about") or {})
    if about:  # what is not there is refused
        answer(session.shown, session.pictures, about, (), layer_names(session.shown))
    session.about = session.look.about = about
    session.why()


def panel(session: "Session", asked: Asked) -> None:
    """An explanation that takes a while, worked out beside the training."""
    session.tour.panel(one_of("panel", asked.get("panel"), session.tour.PANELS), asked.get("id"))


def lesson(session: "Session", asked: Asked) -> None:
    """Enter a part of a lesson, or leave."""
    name = asked.get("name")
    if name is None:
        session.tour.leave()
    else:
        session.tour.enter(text("the lesson", name, 100), whole("part", asked.get("part", 0), 0, 100))


def attempt(session: "Session", asked: Asked) -> None:
    """An answer to an exercise."""
    session.tour.attempt(text("the exercise", asked.get("exercise"), 100), str(asked.get("answer", ""))[:200])


def reveal(session: "Session", asked: Asked) -> None:
    """The answer itself."""
    session.tour.reveal(text("the exercise", asked.get("exercise"), 100))


def restore_file(session: "Session", asked: Asked) -> None:
    """A whole state from a file that the studio wrote."""
    from glassnet.studio.takeaway import read_state

    settings, events = read_state(asked.get("file"), session.shelf)
    start_over(session, settings, events)


COMMANDS: dict[str, Callable[["Session", Asked], None]] = {
    "open": open_run,
    "restore": restore_file,
    "play": play,
    "pause": pause,
    "pace": set_pace,
    "step": step,
    "seek": seek,
    "back": back,
    "live": live,
    "branch": branch,
    "over": over,
    "undo": undo,
    "recover": recover,
    "set": change_settings,
    "edit": edit,
    "feature": feature,
    "freeze": freeze,
    "unit": unit,
    "layer": layer,
    "collapse": collapse,
    "point": point,
    "look": look,
    "why": why,
    "panel": panel,
    "lesson": lesson,
    "try": attempt,
    "reveal": reveal,
    "ack": lambda session, asked: None,
}
