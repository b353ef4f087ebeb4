"""What `gn.studio` is given → the hub that shows it."""

import os
from pathlib import Path
from typing import Any

from glassnet.data.table import Table
from glassnet.errors import InputError
from glassnet.estimators.table_rows import split_one_target
from glassnet.nn import Network
from glassnet.studio.hub import Hub

MODEL_SUFFIX = ".safetensors"


def hub_of(model: Any, X: Any, y: Any) -> Hub:
    """A hub that begins with a model and its rows, with a table, or with an example."""
    name = _name(model)
    if isinstance(model, str | os.PathLike) and name.endswith(MODEL_SUFFIX):
        from glassnet.formats.safetensors import load

        model = load(model)
    if model is None or not _is_model(model):
        return _hub_of_table(model, X, y, name)
    if X is None:
        if y is not None:
            raise InputError("y came without rows: give both, as in studio(model, X, y), or the model alone.")
        return Hub(model=(name, model))
    if y is None:
        return Hub(model=(name, model), table=(_name(X), Table.read(X)))
    if isinstance(y, str):
        table = Table.read(X)
        table.require(y)
        return Hub(model=(name, model), rows=(table.without(y), table[y].to_numpy()))
    return Hub(model=(name, model), rows=(X, y))


def _hub_of_table(table: Any, X: Any, y: Any, name: str) -> Hub:
    if table is not None and X is not None:
        raise InputError(
            f"X came beside a {type(table).__name__}, which is no model. For a table and its answers, write "
            f"studio(X=table, y=answers), or name the column: studio(X=table, y='column')."
        )
    table, name = (X, _name(X)) if table is None else (table, name)
    if table is None:
        if y is not None:
            raise InputError("y came without a table: give both, as in studio(X=table, y='column').")
        return Hub()
    if y is None or isinstance(y, str):
        return Hub(table=(name, Table.read(table)), target=y)
    rows, answers, target = split_one_target(table, y, None)
    if target in rows.names:
        raise InputError(
            f"The table has a column {target!r} already: name it with y={target!r}, or rename the answers."
        )
    return Hub(table=(name, Table.read({**{c: rows[c] for c in rows.names}, target: answers})), target=target)


def _is_model(thing: Any) -> bool:
    return isinstance(thing, Network) or hasattr(type(thing), "predict")  # a dataframe may have a column of that name


def _name(thing: Any) -> str:
    """What the page calls it."""
    if isinstance(thing, str | os.PathLike):
        return Path(thing).name
    return type(thing).__name__ if _is_model(thing) else "table"
