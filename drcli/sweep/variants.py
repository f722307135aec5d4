"""From the file of a sweep to its variants: every combination of its list, its grid and its random sample. Pure."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import PurePath
from typing import Any

from drcli.errors import UsageError
from drcli.sweep.sweep_file import Span, SweepFile
from drcli.sweep.variant_keys import SEEDS, file_of

_LONGEST = 40  # characters of a name that is made from values
_MOST = 1000
_ONLY_SEEDS = "model"  # the group of variants that differ in their seed alone, whose names are just s1, s2


@dataclass(frozen=True)
class Choice:
    """One value of a variant, and the line that it comes from."""

    value: Any
    where: str


@dataclass(frozen=True)
class Variant:
    """One model to train. group: its name without the seed; variants of a group differ in nothing else."""

    name: str
    group: str
    choices: Mapping[str, Choice] = field(default_factory=dict)

    @property
    def seed(self) -> int | None:
        """Its seed; None if the sweep does not vary it."""
        return next((int(self.choices[key].value) for key in SEEDS if key in self.choices), None)


_Part = tuple[str, dict[str, Choice]]  # what it is called, and its values


def variants_of(file: SweepFile) -> list[Variant]:
    """The variants, in the order of the file, the last keys changing fastest.

    Raises:
        UsageError: two of them are the same, or there are too many.
    """
    number = math.prod(
        (max(1, len(file.list_)), *(len(values) for values in file.grid.values()), _count(file))
    )
    if number > _MOST:
        raise UsageError(f"{file.where()}: that makes {number:,} variants; {_MOST:,} are the most.")
    found = []
    for combination in product(list(_listed(file)), list(_grid(file)), list(_drawn(file))):
        choices = {key: choice for _, part in combination for key, choice in part.items()}
        found.append(
            Variant("", "-".join(filter(None, (label for label, _ in combination))) or _ONLY_SEEDS, choices)
        )
    return _distinct(found)


def probes_of(file: SweepFile) -> list[Variant]:
    """The base of a search, and each of the values that it may try (of a range both ends), to check them."""
    found = [Variant("base", "base")]
    for key, values in file.search.items():
        those = (values.low, values.high) if isinstance(values, Span) else values
        for value in those:
            name = f"{key.replace('.', '-')}-{len(found)}"
            found.append(Variant(name, name, {key: Choice(value, file.where("search", key))}))
    return found


def draw(span: Span, fraction: float) -> int | float:
    """A number of the range, for a fraction in [0, 1)."""
    low, high = (math.log(span.low), math.log(span.high)) if span.log else (span.low, span.high)
    if span.is_whole and not span.log:
        return int(low + math.floor(fraction * (high - low + 1)))
    value = low + fraction * (high - low)
    value = math.exp(value) if span.log else value
    return round(value) if span.is_whole else float(f"{value:.4g}")


def _count(file: SweepFile) -> int:
    return file.random.count if file.random is not None else 1


def _listed(file: SweepFile) -> Iterator[_Part]:
    for number, entry in enumerate(file.list_):
        values = {
            key: Choice(value, file.where("list", number, key))
            for key, value in entry.items()
            if key != "name"
        }
        yield str(entry.get("name", "")) or _label(values), values
    if not file.list_:
        yield "", {}


def _grid(file: SweepFile) -> Iterator[_Part]:
    axes = (
        [(key, Choice(value, file.where("grid", key, n))) for n, value in enumerate(values)]
        for key, values in file.grid.items()
    )
    for combination in product(*axes):
        values = dict(combination)
        yield _label(values), values


def _drawn(file: SweepFile) -> Iterator[_Part]:
    sample = file.random
    if sample is None:
        yield "", {}
        return
    source = random.Random(sample.seed)
    for number in range(1, sample.count + 1):
        values = {
            key: Choice(_draw(those, source.random()), file.where("random", "values", key))
            for key, those in sample.values.items()
        }
        yield f"r{number:0{len(str(sample.count))}d}", values


def _draw(values: Sequence[Any] | Span, fraction: float) -> Any:
    return draw(values, fraction) if isinstance(values, Span) else values[int(fraction * len(values))]


def _label(values: Mapping[str, Choice]) -> str:
    """Words for values except the seed: `centerline`, `lr0.001`, `drcli_oval`."""
    words = [_word(key, choice.value) for key, choice in values.items() if key not in SEEDS]
    return "-".join(words)[:_LONGEST].strip("-.")


def _word(key: str, value: Any) -> str:
    if file_of(key) is not None:
        return _safe(PurePath(value).stem)
    text = _safe(str(value)) if not isinstance(value, list | dict) else ""
    name = key.rpartition(".")[2].removeprefix("DR_").lower()
    if key in ("track", "DR_WORLD_NAME"):
        return text
    short = "".join(word[0] for word in name.split("_")) if "_" in name else name
    return f"{short}{text}"


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-.")


def _distinct(variants: Sequence[Variant]) -> list[Variant]:
    """The same variants with their names, made to differ. Raises UsageError if two of them have the same values."""
    groups: dict[str, list[dict[str, str]]] = {}
    found: dict[str, Variant] = {}
    for variant in variants:
        bare = {key: repr(choice.value) for key, choice in variant.choices.items() if key not in SEEDS}
        same = groups.setdefault(variant.group, [])
        if bare not in same:
            same.append(bare)
        number = same.index(bare)
        group = f"{variant.group}.{number + 1}" if number else variant.group
        name = group if variant.seed is None else f"{group}-s{variant.seed}".removeprefix(f"{_ONLY_SEEDS}-")
        if name in found:
            where = next(reversed(list(variant.choices.values()))).where
            raise UsageError(f"{where}: {name} is there twice: two variants have the same values.")
        found[name] = Variant(name, group, variant.choices)
    return list(found.values())
