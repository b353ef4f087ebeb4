"""A wheel with a kernel: run it where the wheel is installed, without pytest and away from the sources."""

import tempfile
from pathlib import Path

import numpy as np

import glassnet as gn
from glassnet import _kernel


def main() -> None:
    """Fit, save, load, export, and give the same answers throughout."""
    assert "site-packages" in (gn.__file__ or ""), f"this is no installed wheel: {gn.__file__}"
    table = gn.data.example("circles")
    model = gn.TableClassifier(n_estimators=2, hidden_layer_sizes=(16,), max_iter=60, random_state=0)
    p = model.fit(table, target="label").predict_proba(table)
    assert model.score(table) > 0.8, f"accuracy on the data it was fitted to: {model.score(table)}"
    again = gn.TableClassifier(n_estimators=2, hidden_layer_sizes=(16,), max_iter=60, random_state=0, n_jobs=1)
    assert (again.fit(table, target="label").predict_proba(table) == p).all(), "threads changed the result"
    with tempfile.TemporaryDirectory() as folder:
        gn.save(model, Path(folder, "model.safetensors"))
        assert (gn.load(Path(folder, "model.safetensors")).predict_proba(table) == p).all(), "the file changed it"
        done = gn.export(model, Path(folder, "model.py"))
    assert done.difference is not None
    assert np.isfinite(done.difference)
    print(f"glassnet {gn.__version__} runs on its kernel, level {_kernel.level}.")


if __name__ == "__main__":
    main()
