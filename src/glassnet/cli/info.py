"""`glassnet info`: everything that a model file holds."""

from typing import Any

import rich_click as click

from glassnet.cli.console import heading, line, paragraph, print_json, table
from glassnet.cli.inputs import check_model_place
from glassnet.cli.options import json_option, options_panel

SHOWN_VALUES, SHOWN_FEATURES = 12, 24


@click.command(no_args_is_help=True)
@options_panel
@click.argument("model")
@json_option
def info(model: str, as_json: bool) -> None:
    """Show everything that the file MODEL holds: columns, network, training.

    Long lists are cut on the screen and whole with --json.

    \b
    glassnet info penguins.safetensors
    glassnet info penguins.safetensors --json
    """
    from glassnet.formats.safetensors import describe

    check_model_place(model)
    content = describe(model)
    if as_json:
        print_json(content)
    else:
        _show(content)


def _show(content: dict[str, Any]) -> None:
    """The description for people."""
    from glassnet.cli.report import show_columns, show_training
    from glassnet.estimators.ensemble import VIEWS
    from glassnet.formats.safetensors import load

    loaded: Any = load(content["path"])
    size = content["file_size_bytes"]
    line(content["path"], "bold")
    line(f"{content['kind']}, {size:,} bytes, written by glassnet {content['glassnet']} (format {content['format']})")
    if content.get("target"):
        targets = content["target"].get("targets", [content["target"]])
        heading("Target" if len(targets) == 1 else f"Targets, {len(targets)}")
        for target in targets:
            paragraph(_target(target))
    if content.get("columns"):
        heading("Columns")
        show_columns(loaded.preprocessor_.columns, SHOWN_VALUES, medians=True)
    if content.get("features"):
        heading(f"Features, {len(content['features'])}")
        paragraph(_cut(content["features"], SHOWN_FEATURES))
    architecture = content["architecture"]
    heading(f"Network, {architecture['n_parameters']:,} parameters in {architecture['dtype']}")
    line(str(getattr(loaded, "network_", loaded)))
    if content.get("loss") and isinstance(content["loss"], str):
        line(f"loss: {content['loss']}")
    if content.get("history"):
        heading("Training")
        metric = getattr(loaded, "metric", None) or getattr(loaded, "scoring", None)
        show_training(loaded.history_, metric=metric)
    if len(content.get("networks") or ()) > 1:
        heading(f"Networks, {len(content['networks'])}: the first is shown, the mean of all is the answer")
        table(
            ["network", "sees", "fold", "weight", "temperature", "epochs"],
            [
                [
                    str(number),
                    VIEWS[one["view"]],
                    str(one["fold"]),
                    f"{one['weight']:.3f}",
                    f"{one['temperature']:.2f}",
                    str(one["epochs"]),
                ]
                for number, one in enumerate(content["networks"])
            ],
        )
    if content.get("parameters"):
        heading("Parameters")
        table(["name", "value"], [[name, _value(value)] for name, value in sorted(content["parameters"].items())])


def _target(target: dict[str, Any]) -> str:
    """What is predicted."""
    if "classes" in target:
        return f"{target['name']}: {len(target['classes'])} classes: {_cut(target['classes'], SHOWN_VALUES)}"
    return (
        f"{target['name']}: a quantity, {target['minimum']:.6g} to {target['maximum']:.6g}, mean {target['mean']:.6g}"
    )


def _cut(values: list[Any], limit: int) -> str:
    """Values with commas between, cut where they are many."""
    from glassnet.data.cells import elided

    return elided([str(value) for value in values], limit)


def _value(value: Any) -> str:
    """A parameter in one line."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "" if value is None else str(value)
