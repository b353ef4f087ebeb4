"""The parts of a file of plain Python that are not functions of `plain`."""

HEADER = '''\
"""{kind} in plain Python, exported by glassnet {version}. It needs the standard library alone.

    from {name} import predict, predict_many
    predict({example})
    predict_many(rows)  # of a list of such rows

{gives}
A cell that is missing is None, "" or NaN. In a terminal, `python {name}.py rows.csv` prints the predictions of a
CSV with commas as a CSV.
"""
'''

TABLE_INPUT = '''

def features(row, view):
    """What the networks of a view see of a row, a dict of cells by column."""
    x = []
    for column in VIEWS[view]:
        if column["name"] not in row:
            raise ValueError(f"The row has no column {column['name']!r}.")
        x += FEATURES[column["kind"]](column, row[column["name"]])
    return x


def all_features(row):
    """What the networks see of a row, by view."""
    return [features(row, view) for view in range(len(VIEWS))]
'''

ARRAY_INPUT = '''

def all_features(row):
    """A row, a dict of numbers by NAMES or a list of them in that order, as the networks see it."""
    if isinstance(row, dict):
        absent = [name for name in NAMES if name not in row]
        if absent:
            raise ValueError(f"The row has no column {absent[0]!r}.")
        row = [row[name] for name in NAMES]
    x = [number_of(cell, name) for cell, name in zip(row, NAMES)]
    if len(row) != len(NAMES) or None in x:
        raise ValueError(f"A row needs {len(NAMES)} numbers, and none may be missing.")
    return [x]
'''

MEAN = '''

def mean_prediction(row):
    """Σ weight · p of the networks."""
    x = all_features(row)
    total = None
    for network in NETWORKS:
        p = [network["weight"] * one for one in p_{function}(scores(network, x[network["view"]]))]
        total = p if total is None else [a + b for a, b in zip(total, p)]
    return total
'''

SCORES = '''

def predict(row):
    """The scores y of a row."""
    return mean_prediction(row)
'''

TWO_LABELS = '''

def predict_proba(row):
    """The probability of each of CLASSES."""
    p = mean_prediction(row)[0]
    return [1 - p, p]


def label_of(p):
    """The label that probabilities say."""
    return CLASSES[int(p[1] > THRESHOLDS[0])]
'''

MANY_LABELS = '''

def predict_proba(row):
    """The probability of each of CLASSES."""
    return mean_prediction(row)


def label_of(p):
    """The most probable label."""
    return CLASSES[p.index(max(p))]
'''

SEVERAL_LABELS = '''

def predict_proba(row):
    """The probability of the second class of each target."""
    return mean_prediction(row)


def label_of(p):
    """The label of each target."""
    return [labels[int(one > threshold)] for labels, one, threshold in zip(CLASSES, p, THRESHOLDS)]
'''

LABELS = '''

def predict(row):
    """The label of a row."""
    return label_of(predict_proba(row))
'''

QUANTITIES = '''

def in_units(p, mean, scale, form):
    """A prediction in the units of its target."""
    value = p * scale + mean
    if form == "log":
        return math.exp(value) if value < 709.7 else math.inf
    return max(value, 0.0) if form == "counts" else value


def predict(row):
    """The quantity, or a list of them where there are several."""
    said = [in_units(p, *unit) for p, unit in zip(mean_prediction(row), UNITS)]
    return said[0] if len(said) == 1 else said
'''

SPREAD = '''

def predict_std(row):
    """The standard deviation, or a list of them where there are several quantities."""
    said = [math.sqrt(variance) for variance in mean_prediction(row)[len(UNITS):]]
    return said[0] if len(said) == 1 else said
'''

MAIN = '''

def predict_many(rows):
    """The prediction of each row."""
    return [predict(row) for row in rows]


MISSING = {missing}


def main():
    """Print the predictions of a CSV."""
    import csv
    import sys

    if len(sys.argv) != 2:
        sys.exit(f"Usage: python {{sys.argv[0]}} rows.csv")
    beside, names = {header}
    out = csv.writer(sys.stdout, lineterminator="\\n")
    with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            row = {{name: None if cell in MISSING else cell for name, cell in row.items()}}
            try:
                said = predict(row)
                said = said if isinstance(said, list) else [said]
                p = beside(row) if beside else []
            except ValueError as error:
                sys.exit(f"Row {{number + 1}}: {{error}}")
            if number == 0:
                many = ["prediction"] if len(said) == 1 else [f"prediction_{{j + 1}}" for j in range(len(said))]
                out.writerow([*many, *(names or [f"p_{{j + 1}}" for j in range(len(p))])])
            out.writerow([*said, *p])


if __name__ == "__main__":
    main()
'''
