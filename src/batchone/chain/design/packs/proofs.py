"""What must hold for every valid configuration, proved by the solver or refuted with a counterexample."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations

from batchone.chain.design.packs.faults import Place
from batchone.chain.design.packs.reading import Reading
from batchone.chain.design.rules import Expression
from batchone.chain.design.solver import Space
from batchone.contracts.pack import BomRule, Law, Pack


def prove(reading: Reading, pack: Pack, space: Space, conditions: dict[str, Expression]) -> None:
    """Every fault of the rules, the bill of materials and the routing that only shows in whole configurations."""
    if not space.possible({}):
        _, rules = space.conflict({})
        index = next(i for i, rule in enumerate(pack.rules) if rule.id == rules[-1])
        what = f"No configuration keeps these rules together: {', '.join(rules)}."
        reading.fault(reading.at("rule", index, "rule"), what, "Change or drop one of them.")
        return
    _Proofs(reading, pack, space, conditions).run()


class _Proofs:
    def __init__(self, reading: Reading, pack: Pack, space: Space, conditions: dict[str, Expression]) -> None:
        self._reading = reading
        self._pack = pack
        self._space = space
        self._conditions = conditions

    def run(self) -> None:
        """All proofs."""
        self._dead_values()
        known = self._reading.declared.get("operation", {})
        when = {operation.op: operation.when for operation in self._pack.routing}
        for index, line in enumerate(self._pack.bom):
            self._exactly_one(index, line)
            if line.at in known:
                self._within(index, line, when[line.at])
            self._above_zero(line.quantity, self._reading.at("bom", index, "quantity"), "A quantity")
        for index, operation in enumerate(self._pack.routing):
            self._above_zero(operation.cycle_s, self._reading.at("operation", index, "cycle"), "A cycle time")

    def _dead_values(self) -> None:
        for index, option in enumerate(self._pack.options):
            for number, value in enumerate(option.values):
                if not self._space.possible({option.id: value.id}):
                    _, rules = self._space.conflict({}, self._space.atom(option.id, value.id))
                    what = f"No valid configuration has {option.id} = {value.id}, because of {', '.join(rules)}."
                    place = self._reading.at("option", index, "values", number, "id")
                    self._reading.fault(place, what, "Take the value out, or loosen a rule.")

    def _exactly_one(self, index: int, line: BomRule) -> None:
        here = self._literal(line.when)
        choices = [self._literal(choice.when) for choice in line.choose]
        place = self._reading.at("bom", index, "choose")
        without = self._space.example({}, here, *(-choice for choice in choices))
        if without is not None:
            what = f"No variant of {line.module} is chosen for {_written(without)}."
            self._reading.fault(place, what, "Add a choice for it, or 'when:' to the line.")
        for (one, first), (other, second) in combinations(enumerate(choices), 2):
            both = self._space.example({}, here, first, second)
            if both is not None:
                names = f"{line.choose[one].variant} and {line.choose[other].variant}"
                what = f"Both {names} are chosen for {_written(both)}."
                place = self._reading.at("bom", index, "choose", other, "when")
                self._reading.fault(place, what, "Make the conditions exclude one another.")

    def _within(self, index: int, line: BomRule, operation: str) -> None:
        outside = self._space.example({}, self._literal(line.when), -self._literal(operation))
        if outside is not None:
            what = f"{line.module} is consumed by operation {line.at}, which is skipped for {_written(outside)}."
            self._reading.fault(self._reading.at("bom", index, "at"), what, "Make 'when:' as narrow as the operation's.")

    def _above_zero(self, law: Law, place: Place, name: str) -> None:
        if law.base + sum((each.by for each in law.add if each.by < 0), Decimal(0)) > 0:
            return
        terms = [(self._literal(each.when), each.by) for each in law.add]
        self._search(law.base, terms, [], place, name)

    def _search(self, amount: Decimal, terms: list[tuple[int, Decimal]], assumed: list[int], place: Place, name: str) -> bool:
        """Look at every combination of the conditions that a valid configuration can have; stop at the first fault."""
        example = self._space.example({}, *assumed)
        if example is None:
            return False
        if not terms:
            if amount <= 0:
                self._reading.fault(place, f"{name} is {amount} for {_written(example)}.", "Keep it above zero.")
            return amount <= 0
        (literal, by), *rest = terms
        return self._search(amount + by, rest, [*assumed, literal], place, name) or self._search(
            amount, rest, [*assumed, -literal], place, name
        )

    def _literal(self, condition: str) -> int:
        return self._space.literal(self._conditions[condition])


def _written(choices: dict[str, str]) -> str:
    return ", ".join(f"{option} = {value}" for option, value in choices.items())
