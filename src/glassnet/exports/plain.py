"""What a file of plain Python is made of: each function that a model needs is copied there as it stands here.

So nothing here knows of anything but the standard library's math, and annotations name built-in types alone.
"""
# mypy: disable-error-code="type-arg"

import math

# An exported file has its model's own in their place. Of a time zone: when its clock changes, in seconds since 1970 in
# UTC, and how far it is ahead of UTC before the first of these moments and from each on.
LEAK, FARTHEST = 0.01, 1e6
ZONES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {"": ((), (0.0,))}


def text_of(cell: object) -> str | None:
    """A cell as text without spaces around it, whole numbers without a point; None where it is missing."""
    if cell is None or cell != cell:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and abs(cell) < 2.0**53 and cell == int(cell):
        return str(int(cell))
    return str(cell).strip() or None


def number_of(cell: object, name: str) -> float | None:
    """A cell as a number; None where it is missing."""
    text = text_of(cell)
    if text is None:
        return None
    try:
        number = float(cell if isinstance(cell, int | float) else text)
    except ValueError:
        number = math.nan
    if not abs(number) <= 1e300 or "_" in text or not text.isascii():
        raise ValueError(f"Column {name!r} needs numbers, but holds {cell!r}.")
    return number


def quantity_features(column: dict, value: float | None) -> list[float]:
    """(value − mean) / scale, or how full each piece between two ends is; the median where it is missing."""
    known = column["median"] if value is None else value
    if "pieces" not in column:
        return [(known - column["mean"]) / column["scale"], *missing_flag(column, value)]
    ends, x = column["pieces"], []
    for low, high, filled in zip(ends[:-1], ends[1:], column["filled"], strict=True):
        x.append(min(max((known - low) / (high - low), 0.0), 1.0) - filled)
    return [*x, *missing_flag(column, value)]


def missing_flag(column: dict, value: object) -> list[float]:
    """1 where a cell is missing, if the column has that feature."""
    return [float(value is None)] if column["flags_missing"] else []


def number_features(column: dict, cell: object) -> list[float]:
    """A number as features."""
    return quantity_features(column, number_of(cell, column["name"]))


def count_features(column: dict, cell: object) -> list[float]:
    """A count as features, as a number is."""
    return number_features(column, cell)


def duration_features(column: dict, cell: object) -> list[float]:
    """A duration as features: a number of seconds, a text such as 1:23:45, or a timedelta."""
    if hasattr(cell, "total_seconds"):
        return quantity_features(column, cell.total_seconds())
    text = text_of(cell)
    if text is None or text.count(":") != 2:
        return quantity_features(column, number_of(cell, column["name"]))
    hours = text.lstrip("-").partition(":")[0]
    seconds = clock_seconds("0" + text.lstrip("-")[len(hours) :])
    if seconds is None or not hours.isdecimal():
        raise ValueError(f"Column {column['name']!r} needs durations, such as 1:23:45, or seconds, but holds {cell!r}.")
    return quantity_features(column, (-1 if text.startswith("-") else 1) * (int(hours) * 3600 + seconds))


def boolean_features(column: dict, cell: object) -> list[float]:
    """true, yes or 1 as 1, false, no or 0 as −1, a missing cell as 0."""
    text = text_of(cell)
    if text is None:
        return [0.0, *missing_flag(column, text)]
    if text.lower() in ("true", "yes", "1", "1.0"):
        return [1.0, *missing_flag(column, text)]
    if text.lower() in ("false", "no", "0", "0.0"):
        return [-1.0, *missing_flag(column, text)]
    raise ValueError(f"Column {column['name']!r} needs true or false (yes or no, 1 or 0), but holds {cell!r}.")


def category_features(column: dict, cell: object) -> list[float]:
    """1 for the value that the cell has, by its text or else its number; all 0, or "other", for one never seen."""
    text = text_of(cell)
    values = column["values"]
    x = [0.0] * (len(values) + column["pools_others"])
    if text is not None:
        place = values.get(text)
        if place is None:
            try:
                place = column["places_by_number"].get(number_of(text, column["name"]))
            except ValueError:
                place = None
        if place is None and column["pools_others"]:
            place = len(values)
        if place is not None:
            x[place] = 1.0
    return [*x, *missing_flag(column, text)]


def clock_seconds(text: str) -> float | None:
    """Seconds since midnight of a text such as 10:30 or 9:05:59.5; None where it is none."""
    parts = text.split(":")
    try:
        numbers = [int(parts[0]), int(parts[1]), float(parts[2]) if len(parts) == 3 else 0.0]
    except (ValueError, IndexError):
        return None
    fits = len(parts) in (2, 3) and 0 <= numbers[0] < 24 and 0 <= numbers[1] < 60 and 0 <= numbers[2] < 60
    return numbers[0] * 3600.0 + numbers[1] * 60 + numbers[2] if fits else None


def turn(part: float | None) -> list[float]:
    """sin and cos of a part of a whole turn; 0 where it is missing."""
    return [0.0, 0.0] if part is None else [math.sin(2 * math.pi * part), math.cos(2 * math.pi * part)]


def time_features(column: dict, cell: object) -> list[float]:
    """A time of day, as a text such as 10:30 or a datetime.time."""
    text = cell.isoformat() if hasattr(cell, "isoformat") else text_of(cell)
    seconds = None if text is None else clock_seconds(text)
    if text is not None and seconds is None:
        raise ValueError(f"Column {column['name']!r} needs times, such as 10:30, but holds {cell!r}.")
    return [*turn(None if seconds is None else seconds / 86400), *missing_flag(column, seconds)]


def days_before(year: int) -> int:
    """Days from 1970 began to a year's first day."""
    past = year - 1
    return past * 365 + past // 4 - past // 100 + past // 400 - 719162


def is_leap(year: int) -> bool:
    """Whether a year has 366 days."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def date_of(text: str, form: str) -> tuple[float, float | None] | None:
    """Seconds since 1970 of a date and clock as written, and how far ahead of UTC that clock is, if it says so.

    A form is what stands between day, month and year, and their order: ".dmy" is 31.12.2026.
    """
    day, _, clock = text.replace("T", " ").strip().partition(" ")
    ahead: float | None = None
    clock = clock.strip()
    if clock.endswith("Z"):
        clock, ahead = clock[:-1], 0.0
    for sign in "+-":
        if sign in clock:
            clock, _, zone = clock.partition(sign)
            digits = zone.replace(":", "")
            if len(digits) != 4 or not digits.isdecimal():
                return None
            ahead = (int(digits[:2]) * 3600.0 + int(digits[2:]) * 60) * (-1 if sign == "-" else 1)
    seconds = clock_seconds(clock.strip()) if clock else 0.0
    parts = day.split(form[0])
    if len(parts) != 3 or not all(part.isdecimal() for part in parts) or seconds is None:
        return None
    told = dict(zip(form[1:], parts, strict=True))
    year, month, number = int(told["y"]), int(told["m"]), int(told["d"])
    lengths = [31, 29 if is_leap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if len(told["y"]) != 4 or year < 1 or not 1 <= month <= 12 or not 1 <= number <= lengths[month - 1]:
        return None
    return (days_before(year) + sum(lengths[: month - 1]) + number - 1) * 86400 + seconds, ahead


def zone_ahead(zone: str, utc: float) -> float:
    """How far the clock of a zone is ahead of UTC, in seconds."""
    starts, ahead = ZONES[zone]
    return ahead[sum(start <= utc for start in starts)]


def utc_of(column: dict, cell: object) -> float | None:
    """Seconds since 1970 in UTC, or by the clock as written where training had no zone; None where it is missing."""
    text = cell.isoformat() if hasattr(cell, "isoformat") else text_of(cell)
    if text is None:
        return None
    found = date_of(text, column["form"]) or date_of(text, "-ymd")
    if found is None:
        raise ValueError(f"Column {column['name']!r} needs dates, such as {column['example']}, but holds {cell!r}.")
    written, ahead = found
    if not column["zone"]:
        if ahead is not None:
            raise ValueError(f"Column {column['name']!r} had no time zone in training, but holds {cell!r}.")
        return written
    if ahead is not None:
        return written - ahead
    # In the hour that a clock shows twice, the first; the one that it leaves out is no time.
    zone = column["zone"]
    possible = [written - one for one in set(ZONES[zone][1]) if zone_ahead(zone, written - one) == one]
    if not possible:
        raise ValueError(f"Column {column['name']!r} holds {cell!r}, which the clock of {zone} never shows.")
    return min(possible)


def date_features(column: dict, cell: object) -> list[float]:
    """A date as a trend, and sin and cos of where it stands in its year, week and day."""
    utc = utc_of(column, cell)
    x = [((column["median"] if utc is None else utc) - column["mean"]) / column["scale"]]
    for cycle in column["cycles"]:
        x += turn(None if utc is None else phase(cycle, utc + zone_ahead(column["zone"], utc)))
    return [*x, *missing_flag(column, utc)]


def phase(cycle: str, local: float) -> float:
    """Where a clock stands in its year, week or day, from 0 up to 1."""
    day = math.floor(local / 86400)
    if cycle == "hour of day":
        return local / 86400 - day
    if cycle == "day of week":
        return (day + 3) % 7 / 7  # 1970 began on a Thursday
    year = 1970 + math.floor(day / 365.2425)
    while days_before(year) > day:
        year -= 1
    while days_before(year + 1) <= day:
        year += 1
    return (day - days_before(year)) / (365 + is_leap(year))


def exp(z: float) -> float:
    """eᶻ, infinite where it leaves the numbers."""
    return math.exp(z) if z < 709.7 else math.inf


def identity(z: float) -> float:
    """h = z"""
    return z


def logistic(z: float) -> float:
    """h = 1 / (1 + e⁻ᶻ)"""
    return 1 / (1 + exp(-z))


def tanh(z: float) -> float:
    """h = tanh z"""
    return math.tanh(z)


def relu(z: float) -> float:
    """h = max(z, 0)"""
    return max(z, 0.0)


def silu(z: float) -> float:
    """h = z / (1 + e⁻ᶻ)"""
    return z / (1 + exp(-z))


def leaky_relu(z: float) -> float:
    """h = z where z > 0, else a small part of it"""
    return z if z > 0 else LEAK * z


def elu(z: float) -> float:
    """h = z where z > 0, else eᶻ − 1"""
    return z if z > 0 else math.expm1(z)


def selu(z: float) -> float:
    """h = λz where z > 0, else λα(eᶻ − 1)"""
    return 1.0507009873554805 * z if z > 0 else 1.7580993408473768 * math.expm1(z)


def softplus(z: float) -> float:
    """h = ln(1 + eᶻ)"""
    return max(z, 0.0) + math.log1p(exp(-abs(z)))


def mish(z: float) -> float:
    """h = z tanh(ln(1 + eᶻ))"""
    return z * math.tanh(softplus(z))


def gelu(z: float) -> float:
    """h = ½z(1 + tanh(√(2/π)(z + 0.044715 z³)))"""
    return 0.5 * z * (1 + math.tanh(0.7978845608028654 * (z + 0.044715 * (z * z * z))))


def sine(z: float) -> float:
    """h = sin z; far out z is held at a bound"""
    return math.sin(min(max(z, -FARTHEST), FARTHEST)) if math.isfinite(z) else math.nan


def square(z: float) -> float:
    """h = z²"""
    return z * z


def step(z: float) -> float:
    """h = 1 where z > 0, else 0"""
    return float(z > 0)


def p_identity(y: list[float]) -> list[float]:
    """p = y"""
    return y


def p_gaussian(y: list[float]) -> list[float]:
    """p = the means, then the variances, whose logarithms are the second half of y"""
    half = len(y) // 2
    return [*y[:half], *(exp(v) for v in y[half:])]


def p_logistic(y: list[float]) -> list[float]:
    """p = 1 / (1 + e⁻ʸ)"""
    return [1 / (1 + exp(-score)) for score in y]


def p_softmax(y: list[float]) -> list[float]:
    """p = eʸ / Σeʸ"""
    top = max(y)
    e = [math.exp(score - top) for score in y]
    total = sum(e)
    return [one / total for one in e]


def p_exponential(y: list[float]) -> list[float]:
    """p = eʸ"""
    return [exp(score) for score in y]


def dot(a: list[float], b: list[float]) -> float:
    """Σ aⱼ bⱼ"""
    if hasattr(math, "sumprod"):  # from Python 3.12 on, and several times as fast
        return math.sumprod(a, b)
    return sum([x * w for x, w in zip(a, b)])  # noqa: B905  # as long as each other; this is where time goes


def numbers(text: str) -> list[list[float]]:
    """The lines of a text as lists of numbers."""
    return [[float(number) for number in line.split()] for line in text.strip().splitlines()]


def scores(network: dict, x: list[float]) -> list[float]:
    """y of a network: h = f(xw + b), layer by layer; a line of w is what goes into one unit."""
    h = x
    for w, b, f in network["layers"]:
        filled = [j for j, one in enumerate(h) if one != 0.0]
        if 4 * len(filled) < len(h):  # as of categories: what is 0 adds nothing
            some = [h[j] for j in filled]
            h = [f(dot(some, [unit[j] for j in filled]) + bias) for unit, bias in zip(w, b, strict=True)]
        else:
            h = [f(dot(h, unit) + bias) for unit, bias in zip(w, b, strict=True)]
    if network["skip"]:
        h = [y + dot(x, unit) for y, unit in zip(h, network["skip"], strict=True)]
    return h
