"""A model as C99 with libc and libm alone: constants, buffers of fixed size, and no malloc."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.data.cells import elided
from glassnet.data.schema import Column
from glassnet.errors import InputError
from glassnet.exports.c_text import (
    ACTIVATION,
    ACTIVATIONS,
    ADD,
    ARRAY_VIEW,
    DENSE,
    DRIVER,
    FUNCTIONS,
    HEADER,
    LOG_ONE_PLUS_EXP,
    MANY,
    MEAN,
    MEAN_CALL,
    NUMBER,
    PIECES,
    TWO,
)
from glassnet.exports.content import FARTHEST, Content, Labels, Quantities
from glassnet.nn import Network
from glassnet.nn.elementary import Array

COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-std=c99", "-O1", "-Wall", "-Wextra", "-pedantic", "-Werror")
COMPILE_SECONDS, RUN_SECONDS = 120, 60
LINE = 5  # numbers of an array in one line


def to_c(content: Content, dtype: np.dtype[Any], name: str) -> str:
    """The text of the file, which is called `name`.c and whose functions begin with that.

    Raises:
        InputError: Columns that are no numbers.
    """
    other = [column.name for view in content.views[:1] for column in view if column.kind not in ("number", "count")]
    if other:
        raise InputError(
            f"C files are for models of numbers alone, but these columns are none: {elided(other)}; write .onnx or .py."
        )
    prefix, real = prefix_of(name), {"float32": "float", "float64": "double"}[dtype.name]
    d, k = len(content.names), content.parts[0].network.architecture.sizes[-1]
    networks = [_network(part.network, number) for number, part in enumerate(content.parts)]
    views = [_view(view, number) for number, view in enumerate(content.views)] or [ARRAY_VIEW.format(d=d)]
    widths = [part.network.architecture.sizes[0] for part in content.parts]
    calls = [MEAN_CALL.format(n=n, view=part.view, weight=repr(part.weight)) for n, part in enumerate(content.parts)]
    used = {layer.f.name for part in content.parts for layer in part.network.layers}
    functions = [
        ACTIVATION.format(name=f, formula=formula.replace("FARTHEST", repr(FARTHEST[content.dtype.name])))
        for f, formula in ACTIVATIONS.items()
        if f in used and formula
    ]
    parts = [
        HEADER.format(
            kind=content.kind,
            version=version("glassnet"),
            usage=_usage(content, prefix),
            names=_comment(content.names),
            missing="NAN is a missing cell." if content.views else "None may be NAN.",
            real=real,
        ),
        *([LOG_ONE_PLUS_EXP] if used & {"softplus", "mish"} else []),
        *functions,
        DENSE,
        *networks,
        *([NUMBER] if any(not c.pieces for view in content.views for c in view) else []),
        *([PIECES] if any(c.pieces for view in content.views for c in view) else []),
        *views,
        ADD.format(k=k, function=FUNCTIONS[content.function].format(k=k)),
        MEAN.format(k=k, width=max(widths), calls="".join(calls)),
        _answer(content, prefix),
    ]
    return "\n".join(parts)


def prefix_of(name: str) -> str:
    """What the names in a file begin with.

    >>> prefix_of("2-penguins")
    'model_2_penguins'
    """
    word = re.sub(r"\W", "_", name, flags=re.ASCII)
    return word if word[:1].isalpha() else f"model_{word}"


def declaration(content: Content, prefix: str) -> str:
    """The function of the file, as C declares it."""
    x, answer = f"const double x[{len(content.names)}]", content.answer
    if answer is None:
        return f"void {prefix}_predict({x}, double y[{content.parts[0].network.architecture.sizes[-1]}])"
    if isinstance(answer, Quantities):
        k = len(answer.units)
        std = f", double std[{k}]" if answer.spread else ""
        return f"void {prefix}_predict({x}, double prediction[{k}]{std})"
    if answer.several:
        k = len(answer.classes)
        return f"void {prefix}_predict({x}, double probabilities[{k}], int labels[{k}])"
    return f"int {prefix}_predict({x}, double probabilities[{len(answer.classes[0])}])"


def c_types(content: Content) -> tuple[dict[str, str], dict[str, str]]:
    """Types of a row's numbers and of what is given for it, by their names."""
    types = {"label": "int"}
    return dict.fromkeys(content.names, "double"), {name: types.get(name, "double") for name in content.outputs}


def compiler() -> str | None:
    """A C compiler of this machine."""
    return next((found for found in map(shutil.which, COMPILERS) if found), None)


def run_c(content: Content, data: bytes, cells: Mapping[str, Array], flags: tuple[str, ...] = ()) -> list[Array] | None:
    """What the text makes of rows, compiled here: its outputs in their order; None where there is no compiler.

    Raises:
        InputError: It does not compile without a warning, or does not run.
    """
    found = compiler()
    if found is None:
        return None
    x = np.hstack(list(cells.values())).astype(np.float64)
    codes, numbers = _counts(content)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "model.c").write_bytes(data)
        (place / "try.c").write_text(DRIVER.format(d=x.shape[1], n=codes + numbers, call=_call(content)))
        (place / "rows").write_bytes(np.ascontiguousarray(x).tobytes())
        prefix = re.search(rb"^(?:void|int) (\w+)_predict\(", data, re.MULTILINE)
        assert prefix is not None
        named = f"-DPREDICT={prefix[1].decode()}_predict"
        _done([found, *FLAGS, *flags, named, "-o", "try", "try.c", "-lm"], place, COMPILE_SECONDS)
        _done([str(place / "try"), "rows", "out"], place, RUN_SECONDS)
        out = np.frombuffer((place / "out").read_bytes(), np.float64).reshape(len(x), -1)
    return _split(content, out, codes)


def _done(command: list[str], folder: Path, seconds: int) -> None:
    """Run a command, or an InputError with what it complained of."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"The exported C could not be tried, so it was not written: {error}.") from None
    if done.returncode:
        told = (done.stderr.strip() or f"status {done.returncode}").splitlines()[:4]
        raise InputError("The exported C could not be tried, so it was not written: " + " ".join(told))


def _counts(content: Content) -> tuple[int, int]:
    """How many codes of labels and how many numbers there are for a row."""
    answer = content.answer
    if answer is None:
        return 0, content.parts[0].network.architecture.sizes[-1]
    if isinstance(answer, Quantities):
        return 0, len(answer.units) * len(content.outputs)
    return (len(answer.classes),) * 2 if answer.several else (1, len(answer.classes[0]))


def _call(content: Content) -> str:
    """How the driver has a row predicted."""
    codes, _ = _counts(content)
    if not isinstance(content.answer, Labels):
        spread = content.answer is not None and content.answer.spread
        return f"PREDICT(x, out{f', out + {len(content.answer.units)}' if content.answer and spread else ''});"
    if not content.answer.several:
        return "out[0] = PREDICT(x, out + 1);"
    return f"int c[{codes}]; PREDICT(x, out + {codes}, c); for (int j = 0; j < {codes}; ++j) out[j] = c[j];"


def _split(content: Content, out: Array, codes: int) -> list[Array]:
    """The outputs as `predict` and `predict_proba` give them."""
    answer = content.answer
    if answer is None:
        return [out]
    if isinstance(answer, Quantities):
        k = len(answer.units)
        return [out[:, 0] if k == 1 else out[:, :k], *([out[:, k] if k == 1 else out[:, k:]] if answer.spread else [])]
    said = out[:, :codes].astype(int)
    labels = [[own[code] for own, code in zip(answer.classes, row, strict=True)] for row in said.tolist()]
    types = {type(label) for own in answer.classes for label in own}
    found = np.array(labels, dtype=object if len(types) > 1 or types == {str} else None)
    return [found if answer.several else found[:, 0], out[:, codes:]]


def _network(network: Network, number: int) -> str:
    """One network: its constants, and its layers one after another."""
    constants, lines, x = [], [], "x"
    widest = max(network.architecture.sizes[1:])
    for i, layer in enumerate(network.layers):
        last = i == len(network.layers) - 1
        z = "y" if last else "ab"[i % 2]
        constants.append(_array(f"w{number}_{i}", layer.w))
        if layer.b is not None:
            constants.append(_array(f"b{number}_{i}", layer.b))
        d, m = layer.w.shape
        b = "0" if layer.b is None else f"b{number}_{i}"
        lines.append(f"  dense({x}, {d}, {m}, w{number}_{i}, {b}, 0, {z});")
        if layer.f.name != "identity":
            lines.append(f"  apply_{layer.f.name}({z}, {m});")
        x = z
    if network.skip is not None:
        constants.append(_array(f"u{number}", network.skip))
        d, k = network.skip.shape
        lines.append(f"  dense(x, {d}, {k}, u{number}, 0, 1, y);")
    buffers = ["a", "b"][: len(network.layers) - 1]
    if buffers:
        lines.insert(0, "  GLASSNET_REAL " + ", ".join(f"{name}[{widest}]" for name in buffers) + ";")
    head = f"static void network{number}(const GLASSNET_REAL *x, GLASSNET_REAL *y) {{"
    return "\n".join([*constants, "", head, *lines, "}", ""])


def _view(view: tuple[Column, ...], number: int) -> str:
    """The features of one view, column by column."""
    constants, lines, at = [], [], 0
    for j, column in enumerate(view):
        cell = f"row[{j}]"
        if column.pieces:
            m = len(column.filled)
            constants.append(_array(f"ends{number}_{j}", np.array(column.pieces), "double"))
            constants.append(_array(f"filled{number}_{j}", np.array(column.filled), "double"))
            names = f"ends{number}_{j}, filled{number}_{j}"
            lines.append(f"  pieces({cell}, {float(column.median)!r}, {m}, {names}, x + {at});")
            at += m
        else:
            told = ", ".join(repr(float(one)) for one in (column.median, column.mean, column.scale))
            lines.append(f"  x[{at}] = number({cell}, {told});")
            at += 1
        if column.n_missing:
            lines.append(f"  x[{at}] = (GLASSNET_REAL)(isnan({cell}) ? 1 : 0);")
            at += 1
    head = f"static void view{number}(const double *row, GLASSNET_REAL *x) {{"
    return "\n".join([*constants, head, *lines, "}", ""])


def _array(name: str, array: Array, type_: str = "GLASSNET_REAL") -> str:
    """A constant."""
    numbers = [repr(number) for number in array.astype(np.float64).ravel().tolist()]
    lines = (", ".join(numbers[i : i + LINE]) for i in range(0, len(numbers), LINE))
    return f"static const {type_} {name}[{len(numbers)}] = {{\n  " + ",\n  ".join(lines) + "};"


def _answer(content: Content, prefix: str) -> str:
    """What the file gives to others."""
    head, answer = declaration(content, prefix), content.answer
    if answer is None:
        return f"{head};\n\n{head} {{ mean_prediction(x, y); }}\n"
    if isinstance(answer, Quantities):
        k = len(answer.units)
        lines = [f"  double p[{k * (2 if answer.spread else 1)}];", "  mean_prediction(x, p);"]
        for j, unit in enumerate(answer.units):
            value = f"p[{j}] * {unit.scale!r} + {unit.mean!r}"
            value = {"": value, "log": f"exp({value})", "counts": f"fmax({value}, 0.0)"}[unit.form]
            lines.append(f"  prediction[{j}] = {value};")
            lines += [f"  std[{j}] = sqrt(p[{k + j}]);"] if answer.spread else []
        return "\n".join([f"{head};\n", f"{head} {{", *lines, "}", ""])
    lines = [_labels(f"{prefix}_label{j if answer.several else ''}", own) for j, own in enumerate(answer.classes)]
    lines += [f"{head};\n", f"{head} {{"]
    if answer.several:
        lines.append("  mean_prediction(x, probabilities);")
        lines += [f"  labels[{j}] = probabilities[{j}] > {t!r};" for j, t in enumerate(answer.thresholds)]
    elif answer.binary:
        lines.append(TWO.format(threshold=repr(answer.thresholds[0])))
    else:
        lines.append(MANY.format(k=len(answer.classes[0])))
    return "\n".join([*lines, "}", ""])


def _labels(name: str, labels: tuple[Any, ...]) -> str:
    """The labels as a constant that others may use."""
    writers: dict[type, Callable[[Any], str]] = {str: _text, bool: lambda label: repr(int(label))}
    write = writers.get(type(labels[0]), repr)
    told, head = [write(label) for label in labels], _label_head(name, labels)
    return f"extern {head};\n{head} = {{{', '.join(told)}}};\n"


def _label_head(name: str, labels: tuple[Any, ...]) -> str:
    """How the labels are declared."""
    types = {str: "char *const ", float: "double "}
    return f"const {types.get(type(labels[0]), 'long long ')}{name}[{len(labels)}]"


def _text(label: str) -> str:
    """A string of C: UTF-8, in octal what is not plain ASCII, and no trigraph."""
    plain = (chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in label.encode())
    return '"' + "".join(plain) + '"'


def _comment(names: tuple[str, ...]) -> str:
    """Names that end no comment, one a line with its place."""
    lines = []
    for j, name in enumerate(names):
        safe = re.sub(r"[\x00-\x1f\x7f]", " ", name).replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")
        lines.append(f"       x[{j}]  {safe}".replace("\\", "/"))
    return "\n".join(lines)


def _usage(content: Content, prefix: str) -> str:
    """How to declare and call it, in the header comment."""
    d, answer = len(content.names), content.answer
    lines = [f"{declaration(content, prefix)};"]
    if isinstance(answer, Labels):
        names = [f"{prefix}_label{j if answer.several else ''}" for j in range(len(answer.classes))]
        lines += [f"extern {_label_head(name, own)};" for name, own in zip(names, answer.classes, strict=True)]
    codes, numbers = _counts(content)
    lines += ["", f"double x[{d}];", f"double p[{numbers}];"]
    if isinstance(answer, Labels):
        several = answer.several
        call = f"int c[{codes}]; {prefix}_predict(x, p, c);" if several else f"int c = {prefix}_predict(x, p);"
        place = "c[0], c[1], ... are places in" if several else "c is a place in"
        lines += [f"{call}  ({place} {', '.join(names)})"]
    else:
        spread = isinstance(answer, Quantities) and answer.spread
        lines += [f"{prefix}_predict(x, p{f', p + {numbers // 2}' if spread else ''});"]
    return "\n".join(f"       {line}".rstrip() for line in lines)
