"""K networks of one table, each with its own split, side by side on the processors, and what they say together."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from glassnet.estimators.checkpoints import Checkpoints
from glassnet.estimators.recipe import FEWEST_EPOCHS, Fade, Recipe
from glassnet.estimators.splits import Split
from glassnet.nn import Data, Engine, Loss, Network, State, get_engine
from glassnet.nn.elementary import Array
from glassnet.nn.threads import thread_count
from glassnet.training import Callback, History, Plan, Report, closing, train
from glassnet.training.trainer import Score, heard_interrupt

TRIED_STEPS = 12  # from which the time of a training is told
LIMIT_USED = 0.9  # share of a time limit that trainings are planned for
MEASURED = 1.3  # how much longer an epoch takes than its steps: what is measured after it
SURE = 1e-7  # as near to 0 or 1 as a probability of classes is taken, and to 0 a count as a share of the mean
VIEWS = ("numbers as they are", "numbers in pieces")  # what each view sees; the second of categories fewer values
WEIGHTS = np.linspace(0, 1, 21)
# Never below 1: the rows have chosen the epoch, too, and where all are right they would make it sure of everything.
TEMPERATURES = (1.0, 5.0)


@dataclass(frozen=True)
class Member:
    """One network of an ensemble.

    Attributes:
        network: With the temperature in its last layer.
        view: Which preparation of the columns it sees: 0 for numbers as they are, 1 for numbers in pieces.
        weight: Its part in the mean, all of which add up to 1.
        history: Losses of every epoch.
        fold: Which of the splits it left out, from 0.
        temperature: What its scores were divided by.
    """

    network: Network
    view: int
    weight: float
    history: History
    fold: int = 0
    temperature: float = 1.0


@dataclass(frozen=True)
class OutOfFold:
    """Rows that networks chose their epochs by, and did not train on, as those networks predict them.

    Attributes:
        rows: Their places among the training rows, or in the table given to validate on, (m,), fold after fold.
        p: Predictions, (m, k).
        t: Targets, (m, k).
        s: Weights, (m,), or None.
    """

    rows: Array
    p: Array
    t: Array
    s: Array | None


@dataclass(frozen=True)
class Job:
    """A network to train: on which view, by which split, from which seed."""

    view: int
    fold: int
    split: Split
    seed: int


# The rows that a job trains on, and those that it chooses its epoch by.
Parts = Callable[[Job], tuple[Data, Data | None]]
# What a training watches, of its engine, its state before the first step, and its job; None: it chooses by nothing.
Watch = Callable[[Engine, State, Job], Score | None]
Trained = tuple[Job, Network, History]


def train_members(
    jobs: Sequence[Job],
    parts: Parts,
    watch: Watch,
    recipe: Recipe,
    loss: Loss,
    *,
    engine: str,
    n_jobs: int | None,
    time_limit_seconds: float | None,
    callbacks: Sequence[Callback],
    kept: Checkpoints | None = None,
) -> list[Trained]:
    """Train them all, as many at once as there are threads; each gets the same bits however many those are.

    Args:
        jobs: What to train.
        parts: The rows of each.
        watch: What each training watches.
        recipe: How each is trained.
        loss: What is made small.
        engine: Which.
        n_jobs: Threads at the most.
        time_limit_seconds: For all together. Fewer epochs, and then fewer networks, are trained where it needs be.
        callbacks: Told of every epoch of every network, one at a time and in the thread that called; one that returns
            True ends all.
        kept: Checkpoints of the same jobs, to go on from and to keep. What a time limit decided at first stays decided.

    Returns:
        The trained ones, in the order of `jobs`. Those that Ctrl-C, the limit or a callback left no time for are not
        there, but the first always is.
    """
    began = time.perf_counter()
    threads = thread_count(n_jobs) if get_engine(engine, n_jobs).name == "kernel" else 1
    workers = min(threads, len(jobs))
    shortened = False
    if time_limit_seconds is not None:
        wanted = recipe.epochs
        if kept is not None and "planned" in kept.record:
            number, epochs = kept.record["planned"]
            jobs, recipe = jobs[:number], _shortened(recipe, epochs)
        else:
            jobs, recipe = _in_time(jobs, parts, recipe, loss, engine, workers, time_limit_seconds)
            if kept is not None:
                kept.note(planned=[len(jobs), recipe.epochs])
        shortened = recipe.epochs < wanted
        workers = min(workers, len(jobs))
    # Those of a fit that a callback has ended are fewer.
    finished: dict[int, str] = dict(kept.record.get("finished", ())) if kept is not None else {}
    places = sorted(finished) or range(len(jobs))
    lock, started, ended, cut_short = threading.Lock(), 0, False, False
    asked = _Desk(callbacks)

    def one(place: int) -> Trained | None:
        nonlocal started, cut_short
        job = jobs[place]
        limit = None
        with lock:
            if place and (ended or interrupt.is_set()):
                return None
            if time_limit_seconds is not None:
                left = time_limit_seconds - (time.perf_counter() - began)
                if left <= 0 and place:
                    cut_short = True
                    return None
                rounds = -(-(len(jobs) - started) // workers)
                limit = max(left / max(rounds, 1), 1e-3)
            started += 1
        runner = get_engine(engine, max(1, threads // workers))
        rows, validation = parts(job)
        spec = recipe.spec(rows.x.shape[1], rows.t.shape[1], loss)
        state = runner.init(spec, [job.seed])
        score, fade = watch(runner, state, job), Fade(recipe)
        checkpoint = None if kept is None else kept.of(place)
        if checkpoint is not None and checkpoint.stand is not None:
            state.spec = fade.spec_after(spec, checkpoint.stand.counters["epoch"], recipe.epochs)

        def anyone(report: Report) -> bool:
            nonlocal ended
            wanted = asked.tell(replace(report, training=place, trainings=len(jobs)))
            if not asked.open:
                raise KeyboardInterrupt  # an error ends all, and no callback has wanted it
            ended = wanted or ended
            return ended

        plan = Plan(
            max_epochs=recipe.epochs,
            patience=np.inf,  # Fade looks after it
            tol=0.0,
            keep_best=validation is not None,
            time_limit_seconds=limit,
        )
        history = train(
            runner,
            state,
            rows,
            plan,
            validation=validation,
            score=score,
            callbacks=[fade, anyone],
            interrupt=interrupt,
            checkpoint=checkpoint,
        )
        cut_short = cut_short or history.stopped_by in ("time limit", "interrupt")
        if history.stopped_by == "callback" and not ended:
            history.stopped_by = "patience"  # Fade ended it
        if history.stopped_by == "max_epochs" and shortened:
            history.stopped_by = "time limit"
        history.stopped_by = finished.get(place, history.stopped_by)
        if history.stopped_by == "interrupt":
            interrupt.set()  # a callback may have raised it
        return job, Network.from_parameters(spec.architecture, state.parameters[0].copy()), history

    with closing(callbacks), heard_interrupt() as interrupt:
        if workers == 1:
            trained = [one(place) for place in places]
        else:
            pool = ThreadPoolExecutor(workers)
            try:
                futures = [pool.submit(one, place) for place in places]
                asked.answer(futures)
                if _failed(futures):
                    interrupt.set()  # an error of one ends all, soon
                    asked.close()
                trained = [future.result() for future in futures]
            except BaseException:
                interrupt.set()
                raise
            finally:
                asked.close()
                # After a second Ctrl-C nobody waits for a callback that does not return.
                pool.shutdown(wait=not interrupt.is_set(), cancel_futures=True)
        found = [result for result in trained if result is not None]
        if kept is not None and not finished and not cut_short and not interrupt.is_set():
            ends = zip(places, trained, strict=True)
            kept.note(finished=[[place, result[2].stopped_by] for place, result in ends if result is not None])
        if interrupt.is_set():
            found[0][2].stopped_by = "interrupt"
    return found


def _failed(work: Sequence[Future[Any]]) -> bool:
    """Whether some of it has ended with an error."""
    return any(future.done() and future.exception() for future in work)


class _Desk:
    """Where threads ask the one that called `fit` to tell its callbacks, which may be used to no other.

    A notebook's output, MLflow's active run, a window: much that callbacks touch belongs to one thread.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.callbacks = callbacks
        self.open = True
        self._home = threading.current_thread()
        self._requests: SimpleQueue[tuple[Report, Future[bool]] | None] = SimpleQueue()

    def tell(self, report: Report) -> bool:
        """Whether a callback wants to end; all are told."""
        if threading.current_thread() is self._home:
            answers = [bool(callback(report)) for callback in self.callbacks]
            return any(answers)
        if not self.callbacks:
            return False
        answer: Future[bool] = Future()
        self._requests.put((report, answer))
        if not self.open:  # nobody may come to answer
            self.close()
        return answer.result()

    def answer(self, work: Sequence[Future[Any]]) -> None:
        """Tell what threads ask for, until all their work is done, or some has failed."""
        for future in work:
            future.add_done_callback(lambda _: self._requests.put(None))
        while any(not future.done() for future in work) and not _failed(work):
            request = self._requests.get()
            if request is None:
                continue
            report, answer = request
            try:
                answer.set_result(self.tell(report))
            except BaseException as error:  # it is raised where it was asked for, and ends that training
                answer.set_exception(error)

    def close(self) -> None:
        """Who still asks is told to end."""
        self.open = False
        while not self._requests.empty():
            request = self._requests.get()
            if request is not None:
                request[1].set_result(True)


def _in_time(
    jobs: Sequence[Job], parts: Parts, recipe: Recipe, loss: Loss, engine: str, workers: int, limit: float
) -> tuple[Sequence[Job], Recipe]:
    """Fewer epochs, and then fewer networks, so that all end within the limit, as far as a few steps can tell."""
    began = time.perf_counter()
    seconds = 0.0  # of an epoch of the slowest view
    for view in sorted({job.view for job in jobs}):
        job = next(job for job in jobs if job.view == view)
        data, _ = parts(job)
        spec = recipe.spec(data.x.shape[1], data.t.shape[1], loss)
        runner = get_engine(engine, 1)
        state = runner.init(spec, [job.seed])
        rows = data.take(slice(TRIED_STEPS * spec.batch_size)).astype(spec.dtype)
        runner.advance(state, rows, 2)
        start = time.perf_counter()
        runner.advance(state, rows, TRIED_STEPS)
        seconds = max(seconds, (time.perf_counter() - start) / TRIED_STEPS * spec.batches(len(data)))
    budget = LIMIT_USED * limit - (time.perf_counter() - began)
    affordable = budget / (seconds * MEASURED)  # epochs in all
    rounds = -(-len(jobs) // workers)
    if affordable >= rounds * recipe.epochs:
        return jobs, recipe
    least = min(FEWEST_EPOCHS, recipe.epochs)
    while rounds > 1 and affordable / rounds < least:
        rounds -= 1
    epochs = int(min(max(affordable / rounds, 1), recipe.epochs))
    return jobs[: rounds * workers], _shortened(recipe, epochs)


def _shortened(recipe: Recipe, epochs: int) -> Recipe:
    return replace(recipe, epochs=epochs, patience=min(recipe.patience, epochs))


def combine(
    trained: Sequence[Trained], judged: Callable[[Job], Data | None], loss: Loss, engine: Engine, *, cools: bool
) -> tuple[list[Member], OutOfFold | None]:
    """The trained networks with their temperatures and weights, and what they say of rows that they did not train on.

    Args:
        trained: The networks.
        judged: The rows that each chose its epoch by.
        loss: What they were trained on.
        engine: What evaluates them.
        cools: Whether scores have a temperature: those of classes do.
    """
    members = [Member(network, job.view, 1 / len(trained), history, job.fold) for job, network, history in trained]
    rows = [judged(job) for job, _, _ in trained]
    known = [data for data in rows if data is not None]
    if not known or len(known) < len(rows):
        return members, None
    y = [engine.forward(m.network, data.x).astype(np.float64) for m, data in zip(members, known, strict=True)]
    views = [[i for i, m in enumerate(members) if m.view == view] for view in sorted({m.view for m in members})]
    for mine in views if cools else ():
        degrees = temperature(loss, *_joined([y[i] for i in mine], [known[i] for i in mine]))
        for i in mine:
            members[i] = replace(members[i], network=cooled(members[i].network, degrees), temperature=degrees)
            y[i] = y[i] / degrees
    # Views are weighed on the rows of folds that a network of each has left out.
    by_fold = [{members[i].fold: i for i in mine} for mine in views]
    folds = sorted(set.intersection(*(set(found) for found in by_fold)))
    if not folds:  # they were ended early: nothing to weigh them on
        folds, by_fold = sorted(by_fold[0]), by_fold[:1]
    places = by_fold[0]
    joined = [_joined([y[found[f]] for f in folds], [known[found[f]] for f in folds]) for found in by_fold]
    p = [loss.predict(scores) for scores, _, _ in joined]
    _, t, s = joined[0]
    weights = view_weights(lambda q: float(np.average(loss.rows(scores_of(loss, q), t), weights=s)), p)
    if len(weights) < len(views):
        weights = np.full(len(views), 1 / len(views))
    members = [replace(m, weight=float(weights[m.view] / len(views[m.view]))) for m in members]
    chosen = [trained[places[f]][0].split.choose for f in folds]
    where = np.concatenate([c if len(c) else np.arange(len(known[0])) for c in chosen])
    return members, OutOfFold(
        where, sum(w * q for w, q in zip(weights, p, strict=False)) / weights[: len(p)].sum(), t, s
    )


def _joined(y: Sequence[Array], rows: Sequence[Data]) -> tuple[Array, Array, Array | None]:
    """Scores, targets and weights of the rows of several networks, one after the other."""
    s = None if rows[0].s is None else np.concatenate([data.s for data in rows if data.s is not None])
    return np.concatenate(y), np.concatenate([data.t for data in rows]), s


def mean_prediction(
    members: Sequence[Member], x: Sequence[Any], loss: Loss, engine: Engine, fold: int | None = None
) -> Array:
    """Σ weight · p / Σ weight, (n, k), float64, of the features of each view: of all, or of those of one fold."""
    chosen = [member for member in members if fold is None or member.fold == fold]
    p: Any = sum(m.weight * loss.predict(engine.forward(m.network, x[m.view]).astype(np.float64)) for m in chosen)
    return p / sum(member.weight for member in chosen) if fold is not None else p


def scores_of(loss: Loss, p: Array) -> Array:
    """The scores y (…, k) of predictions p: what the last function of the loss makes p of."""
    if loss.name == "binary_cross_entropy":
        p = np.clip(p, SURE, 1 - SURE)
        return np.log(p) - np.log1p(-p)
    return np.log(np.maximum(p, SURE)) if loss.name in ("cross_entropy", "poisson") else p


def temperature(loss: Loss, y: Array, t: Array, s: Array | None) -> float:
    """T that makes the loss of scores y / T smallest on rows that were not trained on; 1 where it would not help.

    Guo, Pleiss, Sun and Weinberger 2017, On Calibration of Modern Neural Networks, section 4.2. Scores (n, k) are those
    before the last function, so that the most probable class stays the same.
    """

    def mean_loss(log_t: float) -> float:
        return float(np.average(loss.rows(y / np.exp(log_t), t), weights=s))

    found = minimize_scalar(mean_loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    return float(np.exp(found.x)) if found.fun < mean_loss(0.0) else 1.0


def cooled(network: Network, degrees: float) -> Network:
    """The same network, its scores divided by a temperature: v/T and c/T in the last layer."""
    if degrees == 1.0:
        return network
    copy = Network.from_parameters(network.architecture, network.parameters.copy())
    last = copy.layers[-1]
    last.w[...] /= degrees
    if last.b is not None:
        last.b[...] /= degrees
    return copy


def one_output(network: Network, j: int) -> Network:
    """The same network with one of its outputs alone: v and c in the last layer, and what skips to it, of that."""
    architecture = replace(network.architecture, sizes=(*network.architecture.sizes[:-1], 1))
    *hidden, last = network.layers
    arrays = [array for layer in hidden for array in (layer.w, layer.b)]
    arrays += [last.w[:, j], None if last.b is None else last.b[[j]]]
    arrays.append(None if network.skip is None else network.skip[:, j])
    return Network.from_parameters(architecture, np.concatenate([a.ravel() for a in arrays if a is not None]))


def view_weights(losses: Callable[[Array], float], p: Sequence[Array]) -> Array:
    """How much each of one or two views counts, by the loss of their mean on rows that they were not trained on.

    Halfway between the best weights and equal ones, since the best are chosen on few rows.
    """
    if len(p) == 1:
        return np.ones(1)
    found = [losses(a * p[0] + (1 - a) * p[1]) for a in WEIGHTS]
    best = float(WEIGHTS[int(np.argmin(found))])
    return np.array([0.5 * best + 0.25, 0.75 - 0.5 * best])
