"""How good a connector is: rules by tier, and what the `quality.yaml` in a connector's folder answers to each; pure.

A rule is `done`, with the place that shows it; `todo`, with what is missing; or `exempt`, with why it does not apply. A tier is
reached when nothing of it and of those below is left to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from batchone.contracts.sources import Connector, Tier
from batchone.kernel import yamltext

RULES: Mapping[Tier, Mapping[str, str]] = {
    "bronze": {
        "decodes": "pure functions read what machines send; what cannot be read is counted and told",
        "refuses": "settings and addresses that make no sense are refused before anything is opened",
        "returns": "a far side that is lost is found again by a new driver",
        "guide": "url, settings and addresses stand in the guide",
    },
    "silver": {
        "fuzzed": "no bytes and no text break its parsers",
        "columns": "it makes no object for each sample where the protocol carries many",
        "quality": "what the far side does not know is a bad or an uncertain sample",
        "pressed": "it takes less while the buffer behind fills",
    },
    "gold": {
        "probes": "a probe looks at what answers and proposes signals",
        "units": "the probe tells the units that the far side knows",
        "source_time": "samples have the far side's own time",
        "foreign": "it was tried against a program that shares no code with it",
    },
    "platinum": {
        "gapless": "what was told while the connection was down is taken afterwards, once",
        "secured": "the connection is signed and encrypted, and says who it is",
        "measured": "a benchmark tells how many samples a second it carries",
    },
}
"""What is asked of a connector, the lowest tier first."""

Text = Annotated[str, Field(min_length=10, max_length=300)]


class Done(BaseModel):
    """A rule that is kept, and the file that shows it: a path, and after `::` what stands there."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    done: Text


class Todo(BaseModel):
    """A rule that is not kept, and what is missing."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    todo: Text


class Exempt(BaseModel):
    """A rule that does not apply, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    exempt: Text


class Answer(RootModel[Done | Todo | Exempt]):
    """What is answered to a rule."""

    model_config = ConfigDict(frozen=True)


class Quality(BaseModel):
    """A connector's own word: the tier that it claims (`none` below bronze), and its answers by rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    tier: Tier | Literal["none"]
    rules: Mapping[str, Answer]

    @property
    def todo(self) -> Mapping[str, str]:
        """What is missing, by rule."""
        return {rule: each.root.todo for rule, each in self.rules.items() if isinstance(each.root, Todo)}

    @property
    def reached(self) -> Tier | Literal["none"]:
        """The tier that follows from the answers; a rule without an answer is not kept."""
        reached: Tier | Literal["none"] = "none"
        for tier, rules in RULES.items():
            if any(rule not in self.rules or rule in self.todo for rule in rules):
                break
            reached = tier
        return reached


def read(folder: Path) -> Quality:
    """The answers of the connector in a folder; `Refused` with every fault of their text."""
    return yamltext.read((folder / "quality.yaml").read_text(encoding="utf-8"), Quality, "quality")


def connectors(schemes: Mapping[str, str], drivers: Mapping[str, str]) -> tuple[Connector, ...]:
    """Every connector by name: `schemes` are protocols by the beginning of urls, `drivers` makers by protocol."""
    folders = {maker.partition(".")[0] for maker in drivers.values()}
    of = {scheme: drivers[protocol].partition(".")[0] for scheme, protocol in schemes.items()}
    found = []
    for name in sorted(folders):
        quality = read(Path(__file__).parent / name)
        own = tuple(sorted(scheme for scheme, folder in of.items() if folder == name))
        found.append(Connector(name, own, quality.reached, quality.todo))
    return tuple(found)
