"""What must hold for every valid configuration, proved by the solver or refuted with a counterexample."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import combinations

from batchone.chain.design.explosion import OWN, words_of
from batchone.chain.design.model import Words, boundaries, rules_on
from batchone.chain.design.packs.cheapest import below_zero, lists_on
from batchone.chain.design.packs.faults import Place
from batchone.chain.design.packs.reading import Reading
from batchone.chain.design.solver import Space
from batchone.contracts.pack import BomRule, Check, Law, Operation, Pack

_CASES_MAX = 5_000


@dataclass(frozen=True)
class Origins:
    """Where in its file each laid out line, operation and check was written: the number of the entry."""

    bom: tuple[int, ...]
    routing: tuple[int, ...]
    checks: tuple[int, ...]


def prove(reading: Reading, pack: Pack, words: Words, origins: Origins) -> None:
    """Every fault of the rules, the bill of materials, the routing and the prices that only shows in whole configurations.

    What is in force changes from day to day; the proofs are led for every stretch of days in which it does not. A value
    that no configuration has on any day is told as a warning, or as a fault where it is its option's default; a line or an
    operation that none has is told as a warning.
    """
    days = [date.min, *boundaries(pack)]
    alive: set[tuple[str, str]] = set()
    used: set[Place] = set()
    for day in days:
        space = Space(words.vocabulary, rules_on(pack, words, day))
        if not space.possible({}):
            _contradiction(reading, pack, space, day)
        else:
            proofs = _Proofs(reading, pack, words, space, day if len(days) > 1 else None, origins)
            alive |= proofs.run()
            used |= proofs.used
        space.close()
        if reading.faults:
            return
    _dead_values(reading, pack, words, alive)
    _never_used(reading, pack, origins, used)


def _contradiction(reading: Reading, pack: Pack, space: Space, day: date) -> None:
    _, rules = space.conflict({})
    written = [index for index, rule in enumerate(pack.rules) if rule.id in rules]
    place = reading.at("rule", written[-1], "rule") if written else Place("options.yaml", 1)
    since = f" from {day} on" if day > date.min else ""
    what = f"No configuration keeps these rules together{since}: {', '.join(rules)}."
    reading.fault(place, what, "Change or drop one of them.")


def _dead_values(reading: Reading, pack: Pack, words: Words, alive: set[tuple[str, str]]) -> None:
    """Values that nobody can ever have; one told once, where it is written, whatever the number of slots."""
    space: Space | None = None
    told: set[Place] = set()
    for option in pack.options:
        for value in option.values:
            if (option.id, value.id) in alive or (option.of and value.id == "no"):
                continue
            place = _place_of(reading, option.id, option.slot, value.id)
            if place in told or _slot_is_alive(pack, alive, option.id, option.slot, value.id):
                continue
            told.add(place)
            space = space or Space(words.vocabulary, rules_on(pack, words, _day_of(value.since, value.until)))
            _, rules = space.conflict({}, space.atom(option.id, value.id))
            because = f", because of {', '.join(rules)}" if rules else ""
            what = f"No valid configuration has {option.id} = {value.id}{because}."
            defaults = {option.default, *(each.value for each in option.defaults)}
            if value.id in defaults and any((option.id, other.id) in alive for other in option.values):
                reading.fault(place, f"{what} It is a default of {option.id}.", "Take another default, or loosen a rule.")
            else:
                reading.warn(place, what, "Take the value out, or loosen a rule.")
    if space is not None:
        space.close()


def _never_used(reading: Reading, pack: Pack, origins: Origins, used: set[Place]) -> None:
    """Lines and operations that nobody can ever have; of a part, where no slot of it has them."""
    told = {reading.at("bom", origins.bom[number]): f"the line of {line.module}" for number, line in enumerate(pack.bom)}
    told |= {
        reading.at("operation", origins.routing[number]): f"operation {each.op.partition('.')[0]}"
        for number, each in enumerate(pack.routing)
    }
    for place, name in told.items():
        if place not in used:
            reading.warn(place, f"No valid configuration has {name}.", "Take it out, or loosen 'when:' or a rule.")


def _day_of(since: date | None, until: date | None) -> date:
    return since or until or date.min


def _place_of(reading: Reading, option: str, slot: str, value: str) -> Place:
    part = _part_of(slot)
    own = option.removeprefix(f"{slot}.") if slot else option
    return reading.places.get(("value", part, own, value)) or Place("options.yaml", 1)


def _part_of(slot: str) -> str:
    return slot.split(".")[-2] if slot else ""


def _slot_is_alive(pack: Pack, alive: set[tuple[str, str]], option: str, slot: str, value: str) -> bool:
    """Whether the value can be had in another slot of the same part."""
    own, part = option.removeprefix(f"{slot}."), _part_of(slot)
    return bool(slot) and any(
        (each.id, value) in alive
        for each in pack.options
        if each.slot and _part_of(each.slot) == part and each.id.removeprefix(f"{each.slot}.") == own
    )


class _Proofs:
    """The proofs for one stretch of days; `day` is its first, none where all days are alike."""

    def __init__(
        self, reading: Reading, pack: Pack, words: Words, space: Space, day: date | None, origins: Origins
    ) -> None:  # fmt: skip
        self._reading = reading
        self._pack = pack
        self._words = words
        self._space = space
        self._day = day
        self._origins = origins
        self._told: set[Place] = set()
        self.used: set[Place] = set()
        """Where lines and operations are written that some configuration has."""

    def _tell(self, place: Place, what: str, cure: str) -> None:
        """A fault, once for each place: what is wrong in one slot of a part is wrong in all of them."""
        if place not in self._told:
            self._told.add(place)
            self._reading.fault(place, what, cure)

    def run(self) -> set[tuple[str, str]]:
        """All proofs; the values that are alive."""
        known = self._reading.declared.get("operation", {})
        operations = {operation.op: operation for operation in self._pack.routing}
        self._some_work()
        for number, line in enumerate(self._pack.bom):
            index = self._origins.bom[number]
            self._exactly_one(index, line)
            if line.at in operations and line.at.partition(".")[0] in known:
                self._within(index, line, operations[line.at].when, operations[line.at].slot)
            self._above_zero(line.quantity, line.slot, line.when, self._reading.at("bom", index, "quantity"), "A quantity")
            self._use(line.when, line.slot, self._reading.at("bom", index))
        for number, operation in enumerate(self._pack.routing):
            place = self._reading.at("operation", self._origins.routing[number], "cycle")
            self._above_zero(operation.cycle_s, operation.slot, operation.when, place, "A cycle time")
            self._words_are_there(self._origins.routing[number], operation)
            self._use(operation.when, operation.slot, self._reading.at("operation", self._origins.routing[number]))
        for number, check in enumerate(self._pack.checks):
            again = [operations[op] for op in check.redo if op in operations]
            if check.reaction == "rework" and check.op in operations and again:
                self._something_to_redo(self._origins.checks[number], check, operations[check.op], again)
        self._prices()
        return self._alive()

    def _use(self, when: str, slot: str, place: Place) -> None:
        if place not in self.used and self._space.possible({}, self._literal(when, slot)):
            self.used.add(place)

    def _alive(self) -> set[tuple[str, str]]:
        space = self._space
        atoms = {
            space.atom(option.id, value.id): (option.id, value.id) for option in self._pack.options for value in option.values
        }
        return {atoms[atom] for atom in space.among({}, atoms)}

    def _exactly_one(self, index: int, line: BomRule) -> None:
        here = self._literal(line.when, line.slot)
        choices = [self._literal(choice.when, line.slot) for choice in line.choose]
        place = self._reading.at("bom", index, "choose")
        without = self._space.example({}, here, *(-choice for choice in choices))
        if without is not None:
            what = f"No variant of {line.module} is chosen for {self._written(without)}."
            self._tell(place, what, "Add a choice for it, or 'when:' to the line.")
        for (one, first), (other, second) in combinations(enumerate(choices), 2):
            both = self._space.example({}, here, first, second)
            if both is not None:
                names = f"{line.choose[one].variant} and {line.choose[other].variant}"
                what = f"Both {names} are chosen for {self._written(both)}."
                place = self._reading.at("bom", index, "choose", other, "when")
                self._tell(place, what, "Make the conditions exclude one another.")

    def _within(self, index: int, line: BomRule, operation: str, slot: str) -> None:
        outside = self._space.example({}, self._literal(line.when, line.slot), -self._literal(operation, slot))
        if outside is not None:
            what = f"{line.module} is consumed by operation {line.at}, which is skipped for {self._written(outside)}."
            self._tell(self._reading.at("bom", index, "at"), what, "Make 'when:' as narrow as the operation's.")

    def _some_work(self) -> None:
        idle = self._space.example({}, *(-self._literal(each.when, each.slot) for each in self._pack.routing))
        if idle is not None:
            what = f"No operation is left on the routing for {self._written(idle)}."
            self._tell(self._reading.at("operation", 0), what, "Let at least one operation be done, whatever is chosen.")

    def _words_are_there(self, index: int, operation: Operation) -> None:
        """A template may name an option of a slot by its full id; it must be there wherever the operation is."""
        texts = {"program": operation.program, "setup": operation.setup or ""}
        texts |= {key: text for key, text in operation.parameters.items() if isinstance(text, str)}
        for key, text in texts.items():
            path = (key,) if key in ("program", "setup") else ("parameters",)
            for word in words_of(text):
                slots = self._slots_of(word.removesuffix(OWN), operation.slot)
                missing = [-self._space.literal(self._words.vocabulary.presence(slot)) for slot in slots]
                without = next(
                    (found for each in missing if (found := self._space.example({}, self._here(operation), each))), None
                )
                if without is not None:
                    what = f"Operation {operation.op} names {{{word}}}, which is not there for {self._written(without)}."
                    cure = "Name an option of its own part or of what holds it, or make 'when:' narrower."
                    self._tell(self._reading.at("operation", index, *path), what, cure)

    def _slots_of(self, word: str, slot: str) -> set[str]:
        """The slots of the options that a word of a template stands for."""
        vocabulary = self._words.vocabulary
        attribute = vocabulary.scoped(slot).resolve(word)
        follows = vocabulary.derived.get(attribute)
        if follows is None:
            return {vocabulary.slot_of(attribute)} - {""}
        own = attribute.rpartition(".")[0]
        return {own, *(vocabulary.slot_of(option) for option in follows.of)} - {""}

    def _something_to_redo(self, index: int, check: Check, operation: Operation, again: list[Operation]) -> None:
        nothing = self._space.example({}, self._here(operation), *(-self._here(each) for each in again))
        if nothing is not None:
            what = f"Nothing of {', '.join(each.op for each in again)} is there to redo for {self._written(nothing)}."
            cure = f"Add an operation that is, such as {check.op}, or hold the item."
            self._tell(self._reading.at("check", index, "redo"), what, cure)

    def _prices(self) -> None:
        day = self._day if self._day is not None else date.min
        for prices in lists_on(self._pack, day):
            found = below_zero(self._pack, self._words, self._space, day, prices)
            if found is not None:
                choices, amount, blamed = found
                listed = f" in the list {prices.id}" if prices is not None else ""
                what = f"The price is {amount:.2f} {self._pack.currency}{listed} for {self._written(choices)}."
                place = self._reading.declared["price rule"][blamed] if blamed else self._reading.at("product", "base_price")
                self._tell(place, what, "Take less off, or raise the base price.")

    def _here(self, operation: Operation) -> int:
        return self._literal(operation.when, operation.slot)

    def _above_zero(self, law: Law, slot: str, when: str, place: Place, name: str) -> None:
        """The least that a law can come to is looked for only where its negative parts could take it to zero."""
        least = Fraction(law.base)
        terms: list[list[tuple[int, Fraction]]] = []
        for each in law.add:
            terms.extend(self._cases(self._literal(each.when, slot), Fraction(each.by), slot, each.of))
        least += sum(min(amount for _, amount in cases) for cases in terms)
        if least > 0:
            return
        self._left = _CASES_MAX
        self._search(Fraction(law.base), terms, [self._literal(when, slot)], place, name)
        if self._left <= 0:
            what = f"{name} follows from more than {_CASES_MAX} cases, and may fall to zero."
            self._tell(place, what, "Write it with fewer negative additions.")

    def _cases(self, literal: int, by: Fraction, slot: str, of: str | None) -> list[list[tuple[int, Fraction]]]:
        """What an addition comes to: terms to add up, each in cases that exclude one another."""
        if of is None:
            return [[(literal, by), (-literal, Fraction(0))]]
        number = self._words.numbers[slot, of]
        fixed = [[(literal, by * number.constant), (-literal, Fraction(0))]] if number.constant else []
        both, within = self._space.both, self._space.literal
        return fixed + [
            [(-literal, Fraction(0)), *((both(literal, within(case)), by * amount) for case, amount in term.cases)]
            for term in number.terms
        ]

    def _search(
        self, amount: Fraction, terms: list[list[tuple[int, Fraction]]], assumed: list[int], place: Place, name: str
    ) -> bool:
        """Look at every combination of the cases that a valid configuration can have; stop at the first fault."""
        self._left -= 1
        example = self._space.example({}, *assumed) if self._left > 0 else None
        if example is None:
            return False
        if not terms:
            if amount <= 0:
                self._tell(place, f"{name} is {float(amount):g} for {self._written(example)}.", "Keep it above zero.")
            return amount <= 0
        cases, *rest = terms
        return any(self._search(amount + by, rest, [*assumed, literal], place, name) for literal, by in cases)

    def _literal(self, condition: str, slot: str) -> int:
        return self._space.literal(self._words.conditions[slot, condition])

    def _written(self, choices: dict[str, str]) -> str:
        told = ", ".join(f"{option} = {value}" for option, value in choices.items())
        return told if self._day is None or self._day == date.min else f"{told} (from {self._day} on)"
