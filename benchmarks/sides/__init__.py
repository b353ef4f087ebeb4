"""The contestants, a module each, so that a process imports the one that it runs.

A module has what it can do of:

    training(workload, threads)   → run(epochs), which trains the networks of a workload; `run.note` says how
    learning(problem)             → run(epochs, seed, watch), which trains anew and yields held-out predictions
    predictor(layers, threads)    → functions of a row as a list, of a row as an array, and of many rows

`FRESH` says that each run begins anew with a whole `fit`; the others go on where they stopped, without set-up.
"""

SIDES = {
    "glassnet": "ours",
    "scikit-learn": "scikit_learn",
    "PyTorch": "pytorch",
    "PyTorch, compiled": "pytorch_compiled",
    "JAX": "jax_scan",
    "JAX, NumPy's shuffle": "jax_host",
    "Keras on JAX": "keras_jax",
    "onnxruntime": "onnx_runtime",
    "NumPy": "plain_numpy",
    "FMA peak": "peak",
}
