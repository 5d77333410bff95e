from __future__ import annotations

import time
import tracemalloc
from decimal import Decimal
from pathlib import Path

import pytest

from batchone.chain.design.uvl import FEATURES_MAX, FeatureModel, Relation, UvlRefused, read, read_file
from batchone.chain.design.uvl.model import All, Attribute, Compare, Has, Implies, Not, Number, Some, Sum
from batchone.kernel.errors import NotFound, Refused


def names(model: FeatureModel, group: int) -> list[str]:
    return [model.features[member].name for member in model.groups[group].members]


def test_features_groups_and_constraints_are_read_with_their_lines() -> None:
    model = read(
        """namespace Shop.Bikes

features
\tBike
\t\tmandatory
\t\t\tFrame {abstract}
\t\t\t\talternative
\t\t\t\t\tSteel
\t\t\t\t\t"Carbon fibre" {price 900.50, 'x'}
\t\toptional
\t\t\tBell

constraints
\tBell => !"Carbon fibre"
""".replace(", 'x'", "")
    )
    assert model.namespace == "Shop.Bikes"
    assert [feature.name for feature in model.features] == ["Bike", "Frame", "Steel", "Carbon fibre", "Bell"]
    assert [feature.line for feature in model.features] == [4, 6, 8, 9, 11]
    assert [feature.parent for feature in model.features] == [-1, 0, 1, 1, 0]
    assert [feature.abstract for feature in model.features] == [False, True, False, False, False]
    assert model.features[3].number("price") == Decimal("900.50")
    assert [group.relation for group in model.groups] == [Relation.MANDATORY, Relation.ALTERNATIVE, Relation.OPTIONAL]
    assert names(model, 1) == ["Steel", "Carbon fibre"]
    assert model.constraints[0].formula == Implies(Has(4), Not(Has(3)))
    assert (model.constraints[0].line, model.constraints[0].text) == (14, 'Bell => !"Carbon fibre"')


@pytest.mark.parametrize(
    ("written", "bounds"),
    [("[2]", (2, 2)), ("[1..2]", (1, 2)), ("[1..*]", (1, 3)), ("[0..5]", (0, 5)), ("[ 1 .. 3 ]", (1, 3)), ("or", (1, 3)),
     ("alternative", (1, 1)), ("optional", (0, 3)), ("mandatory", (3, 3))],
)  # fmt: skip
def test_every_relation_has_its_bounds(written: str, bounds: tuple[int, int]) -> None:
    group = read(f"features\n\ta\n\t\t{written}\n\t\t\tb\n\t\t\tc\n\t\t\td\n").groups[0]
    assert (group.least, group.most) == bounds


def test_indentation_may_be_of_tabs_blanks_or_both() -> None:
    tabs = "features\n\ta\n\t\toptional\n\t\t\tb\n\t\t\tc\n"
    blanks = "features\n  a\n      optional\n        b\n        c\n"
    both = "features\n\ta\n\t\toptional\n                        b\n\t\t\tc\n"
    assert read(blanks).features == read(tabs).features == read(both).features


def test_comments_blank_lines_and_line_ends_of_windows_change_nothing() -> None:
    plain = read('features\n\t"a//b"\n\t\toptional\n\t\t\tc\nconstraints\n\tc => "a//b"\n')
    told = read(
        '// a model\r\n\r\nfeatures // here\r\n\t"a//b" /* the\r\nroot */\r\n\r\n\t\toptional\r\n\t\t\t// c\r\n\t\t\tc\r\n'
        'constraints\r\n\tc => /* always */ "a//b"\r\n'
    )
    assert [feature.name for feature in told.features] == [feature.name for feature in plain.features]
    assert [constraint.formula for constraint in told.constraints] == [constraint.formula for constraint in plain.constraints]


def test_attributes_of_every_kind_are_read_and_may_reach_over_lines() -> None:
    feature = read("""features
\ta {
\t\tabstract, price -2.5, on true, off false, text 'a.b c', "a key" 3,
\t\tlist [1, 'x', [true]],
\t\tdeep {inner 4, more {most 5}}
\t}
\t\toptional
\t\t\tb
""").features[0]
    assert feature.attributes == {
        "abstract": None, "price": Decimal("-2.5"), "on": True, "off": False, "text": "a.b c", "a key": Decimal(3),
        "list": (Decimal(1), "x", (True,)), "deep": {"inner": Decimal(4), "more": {"most": Decimal(5)}},
    }  # fmt: skip
    assert feature.number("deep.more.most") == 5
    assert feature.number("text") is None


def test_constraints_among_attributes_are_constraints_of_the_model() -> None:
    model = read("features\n\ta\n\t\toptional\n\t\t\tb {constraint b => c, price 1, constraints [!c, (b | c)]}\n\t\t\tc\n")
    assert [constraint.formula for constraint in model.constraints] == [
        Implies(Has(1), Has(2)), Not(Has(2)), Some((Has(1), Has(2))),
    ]  # fmt: skip
    assert model.features[1].attributes == {"price": Decimal(1)}


TREE = "features\n\ta\n\t\toptional\n\t\t\tb {w 2}\n\t\t\tc {w 3}\n\t\t\td\nconstraints\n\t"


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("a => b => c", Implies(Implies(Has(0), Has(1)), Has(2))),
        ("a & b | c & d", Some((All((Has(0), Has(1))), All((Has(2), Has(3)))))),
        ("!a & b", All((Not(Has(0)), Has(1)))),
        ("!(a & b) | !!c", Some((Not(All((Has(0), Has(1)))), Not(Not(Has(2)))))),
        ("a | b => c & d", Implies(Some((Has(0), Has(1))), All((Has(2), Has(3))))),
        ("(a => b) => c", Implies(Implies(Has(0), Has(1)), Has(2))),
        ("a => (b => c)", Implies(Has(0), Implies(Has(1), Has(2)))),
        ("b.w > 1", Compare(">", Attribute(1, "w"), Number(Decimal(1)))),
        ("sum(w) <= 4", Compare("<=", Sum("w"), Number(Decimal(4)))),
        ("sum(a, w) == sum(w, b)", Compare("==", Sum("w", 0), Sum("w", 1))),
        ("a => b.w != -1", Implies(Has(0), Compare("!=", Attribute(1, "w"), Number(Decimal(-1))))),
    ],
)
def test_constraints_bind_as_the_language_says(text: str, formula: object) -> None:
    assert read(TREE + text + "\n").constraints[0].formula == formula


@pytest.mark.parametrize(
    ("text", "line", "column", "what", "expected"),
    [
        ("", 1, 1, "no features", "section 'features'"),
        ("feature\n", 1, 1, "'feature' stands here", "features"),
        ("features\n", 2, 1, "no features", "root"),
        ("features\n\ta\n\tb\n", 3, 2, "second root", "one root"),
        ("features\n\ta\n\t\tb\n", 3, 3, "'b' stands here", "relation"),
        ("features\n\toptional\n", 2, 2, "'optional' stands here", "a feature"),
        ("features\n\ta\n\t\toptional\n\t\t\tor\n", 4, 4, "'or' stands here", "a feature"),
        ("features\n\ta\n\t\toptional\n", 3, 3, "empty", "a feature below"),
        ("features\n\ta\n\t\toptional\n\t\t\tb\n\t  or\n\t\t\tc\n", 5, 4, "indentation", "a line above"),
        ("features\n\ta\n\t\toptional\n\t\t\tb\n\t\t\tb\n", 5, 4, "stands already in line 4", "another name"),
        ("features\n\ta\n\t\t[3..1]\n\t\t\tb\n", 3, 8, "3 to 1", "smaller number first"),
        ("features\n\ta\n\t\t[x]\n\t\t\tb\n", 3, 4, "'x' stands here", "whole number"),
        ("features\n\ta\n\t\t[1.5]\n\t\t\tb\n", 3, 4, "'1.5'", "whole number"),
        ("features\n\ta {price}}\n", 2, 11, "'}'", "end of the line"),
        ("features\n\ta {price 1\n", 3, 1, "ends here", "',' or '}'"),
        ("features\n\ta {price 1, price 2}\n", 2, 14, "twice", "once"),
        ("features\n\ta {price =}\n", 2, 11, "'=' is no word", "a name"),
        ('features\n\t"a.b"\n', 2, 2, "no word", "a name"),
        ('features\n\t"a\n', 2, 2, "no word", "a name"),
        ("features\n\t7a\n", 2, 2, "'7' stands here", "a feature"),
        ("features\n\ttrue\n", 2, 2, "word of the language", "in quotes"),
        ("features\n\tInteger a\n", 2, 2, "type level", "chosen or not"),
        ("features\n\ta\n\t\toptional\n\t\t\tReal b {w 1}\n", 4, 4, "type level", "chosen or not"),
        ("features\n\ta cardinality [1..5]\n", 2, 4, "Feature cardinalities", "one feature for each copy"),
        ("imports\n\tother as o\nfeatures\n\ta\n", 1, 1, "several files", "one file"),
        ("include\n\tMagic.level\nfeatures\n\ta\n", 2, 2, "no level", "Boolean, Arithmetic or Type"),
        ("constraints\n\ta\nfeatures\n\ta\n", 1, 1, "before 'features'", "features first"),
        ("features\n\ta\nfeatures\n\tb\n", 3, 1, "'features' stands here", "namespace"),
        ("features x\n\ta\n", 1, 10, "'x' stands here", "end of the line"),
        (TREE + "a =>\n", 8, 6, "ends here", "a feature, a comparison"),
        (TREE + "a => => b\n", 8, 7, "'=>' stands here", "a feature, a comparison"),
        (TREE + "a b\n", 8, 4, "'b' stands here", "connective"),
        (TREE + "(a & b\n", 9, 1, "ends here", "')'"),
        (TREE + "a & bb\n", 8, 6, "no feature 'bb'", "such as b"),
        (TREE + "a = b\n", 8, 4, "'=' is no word", "sign"),
        (TREE + "b.x > 1\n", 8, 2, "no number 'x'", "it has w"),
        (TREE + "sum(v) > 1\n", 8, 6, "No feature has a number 'v'", "attribute"),
        (TREE + "avg(w) > 1\n", 8, 2, "'avg' is not read", "sum"),
        (TREE + "twice(w) > 1\n", 8, 2, "no function", "sum"),
        (TREE + "a > 1\n", 8, 2, "type level", "an attribute"),
        (TREE + "b.w == 'red'\n", 8, 9, "type level", "boolean"),
        (TREE + "b.w\n", 8, 2, "begins a number", "a comparison"),
        (TREE + "(a & b) > 1\n", 8, 2, "begins a condition", "a number"),
        (TREE + "(" * 70 + "a" + ")" * 70 + "\n", 8, 62, "too deep", "brackets"),
        (TREE + " => ".join(["a"] * 5_000) + "\n", 8, 2, "too deep", "links of a chain"),
    ],
)  # fmt: skip
def test_a_fault_has_its_line_its_column_and_what_was_expected(
    text: str, line: int, column: int, what: str, expected: str
) -> None:
    with pytest.raises(UvlRefused) as refused:
        read(text, "bikes.uvl")
    fault = refused.value.faults[0]
    assert what in fault.what
    assert expected in fault.expected
    assert (fault.line, fault.column) == (line, column)
    assert refused.value.what.startswith(f"bikes.uvl:{line}:{column}: ")


def test_faults_of_constraints_are_told_all_at_once() -> None:
    with pytest.raises(UvlRefused) as refused:
        read(TREE + "a => x\n\tb & c\n\ty\n\ta &\n")
    assert [(fault.line, fault.column) for fault in refused.value.faults] == [(8, 7), (10, 2), (11, 5)]


def test_a_file_that_is_not_there_or_is_no_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_file(tmp_path / "no.uvl")
    with pytest.raises(Refused, match="cannot be read"):
        read_file(tmp_path)
    spoilt = tmp_path / "spoilt.uvl"
    spoilt.write_bytes(b"features\n\ta\xff\n")
    with pytest.raises(UvlRefused) as refused:
        read_file(spoilt)
    assert (refused.value.faults[0].line, refused.value.faults[0].column) == (2, 3)
    marked = tmp_path / "marked.uvl"
    marked.write_text("features\n\ta\n", encoding="utf-8-sig")
    assert read_file(marked).features[0].name == "a"


def flat(many: int) -> str:
    return "features\n\troot\n\t\toptional\n" + "".join(f"\t\t\tf{number}\n" for number in range(many))


def test_a_model_of_a_million_features_is_refused_by_its_limit_before_it_takes_memory() -> None:
    text = flat(1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(Refused, match="too large") as refused:
            read(text)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert f"{FEATURES_MAX:,}" in refused.value.cure
    assert most < 1_000_000


def test_one_feature_above_the_limit_is_refused() -> None:
    with pytest.raises(Refused, match="more than 200,000 features"):
        read(flat(FEATURES_MAX))


def test_a_file_above_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "large.uvl"
    with file.open("wb") as large:
        large.truncate(10**12)
    with pytest.raises(Refused, match="too large"):
        read_file(file)


def test_lines_that_almost_fit_take_no_longer_than_others() -> None:
    begun = time.process_time()
    with pytest.raises(UvlRefused):
        read(TREE + "a" * 200_000 + " (\n")
    with pytest.raises(UvlRefused):
        read(TREE + " | ".join(["abcdefghij"] * 5_000) + " (\n")
    assert time.process_time() - begun < 10
