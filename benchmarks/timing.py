"""Rounds between processes, and what is said of them: medians, quartiles, ratios within a round."""

import json
import os
import selectors
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 180.0  # for one answer; torch.compile can take most of a minute
FOUGHT = 0.9  # a share of its core below this: a side on one core fought for it
OTHERS = 0.15  # cores that other processes kept busy above this: sides on all cores fought for them


class SideError(Exception):
    """What a side could not do; it is shown in its place."""


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def environment(threads: int) -> dict[str, str]:
    """Of a child with so many threads, for every library that there is."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
    one = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"} if threads == 1 else {}
    return {
        **os.environ,
        **dict.fromkeys(names, str(threads)),
        **one,
        "JAX_PLATFORMS": "cpu",
        "KERAS_BACKEND": "jax",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }


def pin() -> None:
    """To one processor, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def child(module: str, *arguments: str, threads: int = 1) -> Any:
    """What `python -m benchmarks.MODULE` prints as JSON, in a process of its own.

    Raises:
        SideError: it failed.
    """
    command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.{module}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(threads), cwd=ROOT)
    if done.returncode:
        raise SideError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"status {done.returncode}")
    return json.loads(done.stdout.strip().splitlines()[-1])


class Worker:
    """A side in its process."""

    def __init__(self, side: str, threads: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", side, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what libraries print; an error comes back as an answer
            text=True,
            env=environment(threads),
            start_new_session=True,  # Ctrl-C is for the parent, which ends its children
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer.

        Raises:
            SideError: the side said that it cannot, died, or took too long.
        """
        assert self.process.stdout is not None
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
        except (BrokenPipeError, ValueError):  # ValueError: closed, after an answer that did not come
            raise SideError("its process has ended") from None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(PATIENCE_SECONDS):
                self.close()
                raise SideError(f"no answer within {PATIENCE_SECONDS:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            raise SideError(f"its process ended, status {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SideError(answer["error"])
        return answer

    def close(self) -> None:
        """End it, and what it has started."""
        with suppress(ProcessLookupError):  # what it has started may outlive it
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]


class Workers:
    """The sides that take part, as a context: at its end none is left running.

    >>> with Workers([], threads=1) as workers:
    ...     workers.prepare(do="train")
    {}
    """

    def __init__(self, sides: Iterable[str], threads: int) -> None:
        self.threads, self.others = threads, 0.0
        self.all = {side: Worker(side, threads) for side in sides}
        self.able: dict[str, Worker] = {}

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for worker in self.all.values():
            worker.close()

    def prepare(self, sides: Sequence[str] | None = None, **request: Any) -> dict[str, dict[str, Any]]:
        """What each side says to it, one after the other; the ones that cannot are left out of the rounds."""
        self.able, answers = {}, {}
        for side, worker in self.all.items():
            if sides is not None and side not in sides:
                continue
            try:
                answers[side] = worker.ask(**request)
                self.able[side] = worker
            except SideError as error:
                answers[side] = {"error": str(error)}
                say(f"    {side}: {error}")
        return answers

    def rounds(self, number: int, **each: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        """`number` answers of each side to "go", in turn.

        A round in which cores were fought for is made again, up to twice as many in all; if calm ones are still too
        few, the calmest others count. `others` is then the most cores that other processes kept busy in a round.
        """
        made: list[tuple[float, float, dict[str, dict[str, Any]]]] = []
        calm = 0
        while calm < number and len(made) < 2 * number:
            before, began = self._others(), time.perf_counter()
            answers = {}
            for side, worker in list(self.able.items()):
                try:
                    answers[side] = worker.ask(do="go", **each.get(side, {}))
                except SideError as error:
                    say(f"    {side}: {error}")
                    del self.able[side]
            others = (self._others() - before) / (time.perf_counter() - began)
            lost = 1 - min((answer["share"] for answer in answers.values()), default=1.0)
            # An idle second thread is no sign of a busy machine, so with several threads the system is asked.
            trouble = lost / (1 - FOUGHT) if self.threads == 1 else others / OTHERS
            made.append((trouble, others, answers))
            calm += trouble <= 1
        made = sorted(made, key=lambda one: one[0])[:number]
        self.others = max(others for _, others, _ in made)
        return {side: [answers[side] for _, _, answers in made] for side in self.able}

    def _others(self) -> float:
        """Seconds of processor time that processes beside the workers have used so far, and what a host has stolen."""
        try:
            fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
            user, nice, system, _, _, irq, softirq, steal = map(int, fields)
            busy = user + nice + system + irq + softirq + steal
            for worker in self.all.values():
                stat = Path(f"/proc/{worker.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                busy -= sum(map(int, stat[11:15]))  # its own and its children's, user and system
        except (OSError, ValueError):
            return 0.0
        return busy / os.sysconf("SC_CLK_TCK")


def summary(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles.

    >>> summary([3.0, 1.0, 2.0])
    {'median': 2.0, 'low': 1.5, 'high': 2.5}
    """
    if len(values) == 1:
        return {"median": values[0], "low": values[0], "high": values[0]}
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "low": low, "high": high}


def ratio(slow: Sequence[float], fast: Sequence[float]) -> dict[str, float]:
    """Of times in the same round: the median and the extremes.

    >>> ratio([4.0, 9.0, 6.0], [2.0, 3.0, 1.0])
    {'median': 3.0, 'low': 2.0, 'high': 6.0}
    """
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    return {"median": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}


def strongest(medians: dict[str, float], ours: str = "glassnet") -> str:
    """The quickest of the others.

    >>> strongest({"glassnet": 1.0, "slow": 9.0, "quick": 3.0})
    'quick'
    """
    return min((side for side in medians if side != ours), key=medians.__getitem__)
