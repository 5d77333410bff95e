from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchone.chain.design.rules import Follows, RuleFault, Vocabulary, holds, parse

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
