"""`batchone configure`: what a feature model allows, told at the terminal. A pack's folder may stand for a file in UVL."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from batchone.cli import output
from batchone.cli.app import app

if TYPE_CHECKING:
    from batchone.chain.design.space import OptionSpace, Reason
    from batchone.chain.design.uvl import FeatureModel

configure = App(name="configure", help="Feature models in UVL, and packs: check, click, measure.")
app.command(configure)


@dataclass(frozen=True)
class Loaded:
    """A model, the space of its configurations with its first answer, and the seconds from file to answer."""

    model: FeatureModel
    space: OptionSpace
    possible: bool
    load_s: float


def load(file: Path) -> Loaded:
    """A file in UVL, or a pack's folder with what is sold and in force today, made ready to answer."""
    from batchone.chain.design.exchange import model_of
    from batchone.chain.design.packs import load_pack
    from batchone.chain.design.space import OptionSpace
    from batchone.chain.design.uvl import read_file
    from batchone.kernel.clock import SystemClock

    begun = time.perf_counter()
    model = model_of(load_pack(file), SystemClock().now().date()) if file.is_dir() else read_file(file)
    space = OptionSpace(model)
    possible = space.possible({})
    return Loaded(model, space, possible, time.perf_counter() - begun)


@configure.command
def check(
    file: Path,
    /,
    *,
    json: bool = False,
    branchings: Annotated[int, Parameter(validator=Number(gte=0, lte=10_000_000))] = 5_000,
) -> int:
    """What a model has: core, dead and false-optional features, the number of configurations; exit code 1 if there is none.

    Parameters
    ----------
    file:
        A file in UVL, or the folder of a pack.
    json:
        The result as JSON.
    branchings:
        How long configurations are counted: beyond so many branchings the number is told between two bounds.
    """
    from batchone.chain.design.space import Reasons, count

    loaded = load(file)
    model, names = loaded.model, [feature.name for feature in loaded.model.features]
    told: dict[str, Any] = {
        "file": str(file), "features": len(model.features), "groups": len(model.groups),
        "constraints": len(model.constraints), "load_s": round(loaded.load_s, 4), "satisfiable": loaded.possible,
    }  # fmt: skip
    if not loaded.possible:
        reason = Reasons(model).against({})
        assert reason is not None
        told["contradiction"] = _reason(model, reason)["statements"]
        if json:
            output.result_json(told)
        else:
            output.result(f"{file.name}: no configuration is possible; these contradict one another:")
            for said in reason.said:
                output.result(f"  {file.name}:{said.line}: {said.text}")
        return 1
    prepared = loaded.space.prepared
    counted = count(model, branchings)
    told |= {
        "core": len(prepared.core), "dead": len(prepared.dead), "core_features": [names[each] for each in prepared.core],
        "dead_features": [names[each] for each in prepared.dead],
        "false_optional_features": [names[each] for each in loaded.space.false_optional()],
        "configurations": {
            "exact": counted.exact, "log10_least": round(counted.log10[0], 4), "log10_most": round(counted.log10[1], 4),
            "number": str(counted.least) if counted.exact else None,
        },
    }  # fmt: skip
    if json:
        output.result_json(told)
        return 0
    low, high = counted.log10
    many = (
        f"{counted.least:,}"
        if counted.exact and low < 15
        else f"10^{low:.1f}"
        if counted.exact
        else f"10^{low:.0f} to 10^{high:.0f}"
    )
    rows = [
        ("features", len(names)), ("constraints", told["constraints"]), ("core", told["core"]), ("dead", told["dead"]),
        ("false optional", len(told["false_optional_features"])), ("configurations", many),
        ("loaded in", f"{loaded.load_s:.3f} s"),
    ]  # fmt: skip
    for name, value in rows:
        output.result(f"{name:<16}{value}")
    for feature in prepared.dead:
        output.warn(f"{file.name}:{model.features[feature].line}: no configuration has {names[feature]}")
    return 0


@configure.command
def click(file: Path, /, *, choose: str = "", json: bool = False) -> int:
    """The exact state of every option after some choices, and why each excluded one is; exit code 1 for what cannot be.

    Parameters
    ----------
    file:
        A file in UVL, or the folder of a pack.
    choose:
        Names joined by commas; one after '!' is chosen to be left out. Around one with a comma stand double quotes.
    json:
        The result as JSON.
    """
    from batchone.chain.design.space import Reasons, State
    from batchone.chain.design.space.clicking import chosen, refuse_excluding

    loaded = load(file)
    model, space = loaded.model, loaded.space
    choices = chosen(model, choose)
    reasons = Reasons(model)
    refuse_excluding(space, reasons, choices)
    prepared = space.prepared
    begun = time.perf_counter()
    states = space.states(choices)
    took_s = time.perf_counter() - begun
    assert states is not None
    core, dead = set(prepared.core), set(prepared.dead)
    options: list[dict[str, Any]] = []
    for number, state in states.listed().items():
        feature = model.features[number]
        option: dict[str, Any] = {"option": feature.name, "state": str(state), "chosen": choices.get(number)}
        option |= {"abstract": feature.abstract, "always": number in core or number in dead}
        if state is State.EXCLUDED:
            reason = reasons.against(choices, number)
            assert reason is not None
            option["explanation"] = _reason(model, reason)
        options.append(option)
    counts = {str(state): states.count(state) for state in State}
    if json:
        named = {model.features[number].name: wanted for number, wanted in choices.items()}
        output.result_json({"file": str(file), "choices": named, "click_s": round(took_s, 5), **counts, "options": options})
        return 0
    output.result(f"{counts['selectable']} selectable, {counts['forced']} forced, {counts['excluded']} excluded")
    for option in options:
        mark = "" if option["chosen"] is None else "  (chosen)" if option["chosen"] else "  (left out)"
        output.result(f"{option['state']:<11}{option['option']}{mark}")
        for line in _lines(option["explanation"]) if "explanation" in option else ():
            output.result(f"             {line}")
    return 0


@configure.command
def bench(
    file: Path,
    /,
    *,
    clicks: Annotated[int, Parameter(validator=Number(gte=1, lte=1_000_000))] = 200,
    seed: int = 1,
    page: Annotated[int, Parameter(validator=Number(gte=1, lte=100_000))] = 60,
    json: bool = False,
) -> int:
    """Measure clicks of people who choose ten times each among what is selectable on pages that they look at.

    Parameters
    ----------
    file:
        A file in UVL, or the folder of a pack.
    clicks:
        How many clicks.
    seed:
        The same seed clicks the same.
    page:
        How many options are on a page.
    json:
        The result as JSON.
    """
    from batchone.chain.design.space.clicking import measure

    loaded = load(file)
    found = measure(loaded.space, clicks, seed, page)
    told = {"file": str(file), "features": len(loaded.model.features), "load_s": round(loaded.load_s, 4), **found.told()}
    if json:
        output.result_json(told)
    else:
        for name, value in told.items():
            output.result(f"{name:<24}{value}")
    return 0


def _reason(model: FeatureModel, reason: Reason) -> dict[str, Any]:
    names = {model.features[number].name: wanted for number, wanted in reason.choices.items()}
    return {"choices": names, "statements": [{"line": said.line, "text": said.text} for said in reason.said]}


def _lines(explanation: dict[str, Any]) -> list[str]:
    chosen = [f"chosen: {name}" if wanted else f"left out: {name}" for name, wanted in explanation["choices"].items()]
    return [*chosen, *(f"line {said['line']}: {said['text']}" for said in explanation["statements"])]
