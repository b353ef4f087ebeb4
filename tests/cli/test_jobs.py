"""-j, --jobs: how many threads may work, for every command that works long."""

import pytest

import glassnet as gn

COMMANDS = {
    "fit": ("fit", "train.csv", "-t", "kind", "-o", "new.safetensors", "--max-epochs", 20),
    "cross-validate": ("cross-validate", "train.csv", "-t", "kind", "--folds", 2, "--max-epochs", 20),
    "predict": ("predict", "m.safetensors", "test.csv", "-o", "p.csv"),
    "score": ("score", "m.safetensors", "test.csv"),
}
every_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())


@pytest.fixture
def asked(monkeypatch):
    """The n_jobs that the kernel is asked for, one after the other."""
    seen = []
    own = pytest.importorskip("glassnet.nn.kernel").thread_count

    def note(n_jobs=None):
        seen.append(n_jobs)
        return own(n_jobs)

    monkeypatch.setattr("glassnet.nn.kernel.thread_count", note)
    return seen


def in_one_line(result):
    """What was printed, without the frame around it."""
    return " ".join(result.output.replace("│", " ").split())


@every_command
def test_jobs_is_how_many_threads_the_kernel_has(run, model, asked, command):
    del asked[:]
    run.well(*command, "-j", 2)
    run.well(*command, "--jobs", -1)
    assert {2, -1} <= set(asked) <= {2, -1, 1}  # 1 is for each of several networks, that train at once
    del asked[:]
    run.well(*command)
    assert None in asked
    assert not {2, -1} & set(asked)


@every_command
@pytest.mark.parametrize("value", ["0", "many", "1.5"])
def test_what_is_no_number_of_threads_is_told(run, model, command, value):
    result = run(*command, "--jobs", value)
    assert result.exit_code == 2
    assert f"'{value}' is no number of threads: give 1 or more, or -1 for all processors" in in_one_line(result)


@every_command
def test_without_it_the_environment_counts(run, model, kernel, monkeypatch, command):
    monkeypatch.setenv("GLASSNET_NUM_THREADS", "none")
    result = run(*command)
    assert result.exit_code == 2
    assert "GLASSNET_NUM_THREADS is 'none', but it needs a number of threads" in in_one_line(result)
    run.well(*command, "-j", 1)


def test_a_file_of_options_may_say_it(run, model, asked):
    del asked[:]
    command = ("predict", "m.safetensors", "test.csv", "-o", "p.csv", "--config", "options.toml")
    (model.parent / "options.toml").write_text("jobs = 2")
    run.well(*command)
    assert set(asked) == {2}
    (model.parent / "options.toml").write_text("jobs = true")
    assert run(*command).exit_code == 2


def test_any_number_of_jobs_makes_the_same_network(run, folder):
    for jobs in (1, 2, 8):
        run.well("fit", "train.csv", "-t", "price", "-o", f"{jobs}.safetensors", "--max-epochs", 20, "-q", "-j", jobs)
    one, *others = (gn.load(f"{jobs}.safetensors").network_.parameters.tobytes() for jobs in (1, 2, 8))
    assert others == [one, one]
