from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchone.chain.design.rules import Follows, RuleFault, Vocabulary, holds, parse

NUMBERS = Vocabulary(
    options={"wide": ("40", "60"), "deep": ("0.5", "1"), "count": ("0", "1", "2"), "sum": ("red", "blue"),
             "bag.red": ("yes", "no"), "bag.blue": ("yes", "no")},
    numbers={"wide": {"40": Decimal(40), "60": Decimal(60)}, "deep": {"0.5": Decimal("0.5"), "1": Decimal(1)},
             "count": {"0": Decimal(0), "1": Decimal(1), "2": Decimal(2)}},
    derived={
        "area": Follows(formula="wide * deep", unit="m^2"), "twice": Follows(formula="area * 2", unit="m^2"),
        "kind": Follows(("sum", "count"), {"red": "warm", "blue": {"0": "none", "1": "one", "2": "warm"}}),
        "ring": Follows(formula="ring + 1"),
    },
    units={"wide": "cm", "deep": "m"},
    several={"bag": ("red", "blue")},
)  # fmt: skip
ALL_NUMBERS = [dict(zip(NUMBERS.options, values, strict=True)) for values in product(*NUMBERS.options.values())]
WORDS = Vocabulary(
    options={"colour": ("red", "blue", "dark-blue"), "size": ("10", "20", "30.5"), "in_stock": ("no", "10in")},
    numbers={"size": {"10": Decimal(10), "20": Decimal(20), "30.5": Decimal("30.5")}},
    derived={"hue": Follows(("colour",), {"red": "warm", "blue": "cold", "dark-blue": "cold"})},
)
EVERYTHING = [dict(zip(WORDS.options, values, strict=True)) for values in product(*WORDS.options.values())]


def where(text: str) -> list[dict[str, str]]:
    expression = parse(text, WORDS)
    return [choices for choices in EVERYTHING if holds(expression, choices)]


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("colour = red", lambda c: c["colour"] == "red"),
        ("colour != dark-blue", lambda c: c["colour"] != "dark-blue"),
        ("hue = cold", lambda c: c["colour"] != "red"),
        ("size >= 20", lambda c: float(c["size"]) >= 20),
        ("size < 25", lambda c: float(c["size"]) < 25),
        ("size > -5", lambda c: True),
        ("size = 30.5", lambda c: c["size"] == "30.5"),
        ("colour in {red, dark-blue}", lambda c: c["colour"] in ("red", "dark-blue")),
        ("in_stock = 10in", lambda c: c["in_stock"] == "10in"),
        ("true", lambda c: True),
        ("not true", lambda c: False),
        ("not colour = red and size = 10", lambda c: c["colour"] != "red" and c["size"] == "10"),
        ("colour = red or hue = cold and size = 10", lambda c: c["colour"] == "red" or c["size"] == "10"),
        ("colour = red => size = 10", lambda c: c["colour"] != "red" or c["size"] == "10"),
        ("colour = red => size = 10 => false", lambda c: c["colour"] != "red" or c["size"] != "10"),
        ("(colour = red => size = 10) => false", lambda c: c["colour"] == "red" and c["size"] != "10"),
        ("colour = red <=> size = 10", lambda c: (c["colour"] == "red") == (c["size"] == "10")),
        ("false <=> colour = red => size = 10", lambda c: c["colour"] == "red" and c["size"] != "10"),
    ],
)
def test_a_rule_means_what_the_guide_says(text: str, python: object) -> None:
    assert callable(python)
    assert where(text) == [choices for choices in EVERYTHING if python(choices)]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "cannot be read at its end"),
        ("colour =", "cannot be read at its end"),
        ("colour = = red", "at character 10"),
        ("colour == red", "at character 9"),
        ("colour = Red", "at character 10"),
        ("colour in {}", "at character 12"),
        ("weight = red", "'weight' is no option"),
        ("colour = green", "'green' is no value of colour"),
        ("hue = red", "'red' is no value of hue"),
        ("colour < 5", "colour has no numbers"),
        ("hue < 5", "hue has no numbers"),
        ("weight < 5", "'weight' is no option"),
        ("size < red", "'red' is no number"),
        ("size = 25", "'25' is no value of size"),
        ("red = colour", "'red' is no option"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place_and_a_cure(text: str, what: str) -> None:
    with pytest.raises(RuleFault) as caught:
        parse(text, WORDS)
    assert what in caught.value.what
    assert caught.value.cure


def test_derived_attributes_follow_from_the_choices() -> None:
    assert WORDS.attributes({"colour": "blue", "size": "10"}) == {"colour": "blue", "size": "10", "hue": "cold"}
    assert WORDS.attributes({"size": "10"}) == {"size": "10"}


def leaf() -> st.SearchStrategy[tuple[str, object]]:
    """A text and what it should mean, made side by side."""
    domain: Mapping[str, tuple[str, ...]] = {**WORDS.options, "hue": ("warm", "cold")}

    def equality(attribute: str, symbol: str, value: str) -> tuple[str, object]:
        return f"{attribute} {symbol} {value}", lambda c: (WORDS.attributes(c)[attribute] == value) == (symbol == "=")

    def among(attribute: str, values: list[str]) -> tuple[str, object]:
        return f"{attribute} in {{{', '.join(values)}}}", lambda c: WORDS.attributes(c)[attribute] in values

    def sized(symbol: str, bound: int) -> tuple[str, object]:
        python = {"<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}[symbol]
        return f"size {symbol} {bound}", lambda c: getattr(Decimal(c["size"]), python)(Decimal(bound))

    one = st.sampled_from(sorted(domain)).flatmap(
        lambda a: (
            st.builds(equality, st.just(a), st.sampled_from(["=", "!="]), st.sampled_from(domain[a]))
            | st.builds(among, st.just(a), st.lists(st.sampled_from(domain[a]), min_size=1, max_size=3))
        )
    )
    return (
        one
        | st.builds(sized, st.sampled_from(["<", "<=", ">", ">="]), st.integers(-5, 40))
        | st.sampled_from([("true", lambda c: True), ("false", lambda c: False)])
    )


def tree(parts: st.SearchStrategy[tuple[str, object]]) -> st.SearchStrategy[tuple[str, object]]:
    connectives = {
        "and": lambda a, b: a and b,
        "or": lambda a, b: a or b,
        "=>": lambda a, b: not a or b,
        "<=>": lambda a, b: a == b,
    }

    def joined(word: str, one: tuple[str, object], other: tuple[str, object]) -> tuple[str, object]:
        first, second = one[1], other[1]
        assert callable(first)
        assert callable(second)
        return f"({one[0]}) {word} ({other[0]})", lambda c: connectives[word](first(c), second(c))

    def negated(part: tuple[str, object]) -> tuple[str, object]:
        meaning = part[1]
        assert callable(meaning)
        return f"not ({part[0]})", lambda c: not meaning(c)

    return st.builds(joined, st.sampled_from(sorted(connectives)), parts, parts) | st.builds(negated, parts)


rules = st.recursive(leaf(), tree, max_leaves=12)


@given(rules)
def test_any_rule_evaluates_as_it_was_built(rule: tuple[str, object]) -> None:
    text, meaning = rule
    assert callable(meaning)
    expression = parse(text, WORDS)
    assert [holds(expression, choices) for choices in EVERYTHING] == [meaning(choices) for choices in EVERYTHING]


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("wide + deep <= 1.4 m", lambda c: c["wide"] + c["deep"] * 100 <= 140),
        ("wide <= deep", lambda c: c["wide"] <= c["deep"] * 100),
        ("wide * 2 - deep >= 20", lambda c: c["wide"] * 2 - c["deep"] * 100 >= 20),
        ("-wide < -50 cm", lambda c: c["wide"] > 50),
        ("(count + 1) * 20 cm = wide", lambda c: (c["count"] + 1) * 20 == c["wide"]),
        ("wide = 0.6 m", lambda c: c["wide"] == 60),
        ("wide != 600 mm and count > 0", lambda c: c["wide"] != 60 and c["count"] > 0),
        ("area = 0.4 m^2", lambda c: c["wide"] * c["deep"] == 40),
        ("twice > 3000 cm^2 => count = 0", lambda c: c["wide"] * c["deep"] * 2 <= 30 or c["count"] == 0),
        ("count * count = count", lambda c: c["count"] < 2),
        ("kind = warm", lambda c: c["sum"] == "red" or c["count"] == 2),
        ("kind in {none, one}", lambda c: c["sum"] == "blue" and c["count"] < 2),
        (
            "at most 1 of {count = 1, sum = red, bag has blue}",
            lambda c: (c["count"] == 1) + (c["sum"] == "red") + c["blue"] <= 1,
        ),
        (
            "at least 2 of {count = 1, sum = red, bag has red}",
            lambda c: (c["count"] == 1) + (c["sum"] == "red") + c["red"] >= 2,
        ),
        ("exactly 0 of {count = 1, not sum = red}", lambda c: c["count"] != 1 and c["sum"] == "red"),
        ("count(bag) = 1", lambda c: c["red"] + c["blue"] == 1),
        ("count {bag has red, bag has blue} + count >= 3", lambda c: c["red"] + c["blue"] + c["count"] >= 3),
        ("sum = red or count = 2", lambda c: c["sum"] == "red" or c["count"] == 2),
        ("count >= 1 => sum = blue", lambda c: c["count"] < 1 or c["sum"] == "blue"),
    ],
)
def test_numbers_and_counts_mean_what_the_guide_says(text: str, python: object) -> None:
    assert callable(python)
    expression = parse(text, NUMBERS)

    def plain(choices: dict[str, str]) -> dict[str, object]:
        numbers = {option: float(choices[option]) for option in ("wide", "deep", "count")}
        return {**choices, **numbers, "red": choices["bag.red"] == "yes", "blue": choices["bag.blue"] == "yes"}

    assert [holds(expression, choices) for choices in ALL_NUMBERS] == [python(plain(choices)) for choices in ALL_NUMBERS]


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("wide + count <= 3", "A number in pieces cannot be compared with, or added to, one in cm.", 1),
        ("wide <= 3 kg", "A number in kg cannot be compared with", 1),
        ("count = 1 and wide <= 3 kg", "A number in kg cannot be compared with", 15),
        ("wide <= 3 cubits", "'cubits' is no unit", 9),
        ("wide = 50", "'50' is no value of wide", 1),
        ("count = 1 and sum > 3", "sum has no numbers", 15),
        ("bag = red", "bag may have several values", 1),
        ("sum has red", "sum has one value only", 1),
        ("count(sum) > 1", "sum has one value only", 1),
        ("bag has green", "'green' is no value of bag", 1),
        ("at most 1.5 of {count = 1}", "'1.5' is no count", 1),
        ("sum(bag: wide) > 3", "'bag' is no part that is held here", 1),
        ("every(shelf: true)", "'shelf' is no part that is held here", 1),
        ("kind > 3", "kind has no numbers", 1),
        ("area = red", "'red' is no number", 1),
        ("area in {1}", "area is a number that follows from others", 1),
        ("ring > 3", "The formula of ring needs itself: ring → ring.", 1),
        ("wide >= count {", "cannot be read at its end", 16),
    ],
)
def test_a_fault_in_numbers_says_what_where_and_how_to_cure_it(text: str, what: str, at: int) -> None:
    with pytest.raises(RuleFault) as caught:
        parse(text, NUMBERS)
    assert what in caught.value.what
    assert caught.value.at == at
    assert caught.value.cure


def test_what_was_expected_is_named() -> None:
    with pytest.raises(RuleFault) as caught:
        parse("wide <= ", NUMBERS)
    assert caught.value.cure.startswith("Expected a word, a number, (, -, sum(...) or count(...).")


def test_a_rule_beyond_all_measure_is_refused_before_it_is_read() -> None:
    with pytest.raises(RuleFault, match="are read"):
        parse("not " * 100_000 + "true", NUMBERS)


def test_a_product_with_too_many_cases_is_refused_by_a_stated_limit() -> None:
    values = tuple(map(str, range(300)))
    wide = Vocabulary(
        options={"a": values, "b": values}, numbers={o: {v: Decimal(v) for v in values} for o in "ab"}, derived={}
    )
    with pytest.raises(RuleFault, match="20000 are allowed"):
        parse("a * b > 5", wide)
