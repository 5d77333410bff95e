import pytest

from plantsim.rules import RuleFault, parse_rule, plain

FACTS = {"layout": "cross", "volume_l": 560.0, "screen": "21in", "smart": True}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("layout = cross", True),
        ("layout != cross", False),
        ("volume_l >= 560", True),
        ("volume_l < 480", False),
        ("volume_l in {480, 560}", True),
        ("layout in {single, double}", False),
        ("screen = 21in", True),
        ("not layout = cross", False),
        ("layout = single or volume_l > 500 and layout = cross", True),
        ("(layout = single or volume_l > 500) and layout = double", False),
        ("layout = single => volume_l < 300", True),
        ("layout = cross => volume_l < 300", False),
        ("layout = cross <=> volume_l = 560", True),
        ("layout = cross <=> volume_l = 480", False),
        ("smart", True),
        ("smart = false", False),
        ("true", True),
        ("layout > 3", False),
        ("volume_l > -25", True),
    ],
)
def test_a_rule_holds_exactly_where_it_says(text: str, holds: bool) -> None:
    assert parse_rule(text)(FACTS) is holds


@pytest.mark.parametrize(
    "text", ["", "layout =", "layout = cross)", "in {a}", "a in {}", "a in b", "a = b c", "a ; b", "(a = b"]
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(RuleFault):
        parse_rule(text)


def test_facts_compare_as_numbers_where_they_read_as_numbers() -> None:
    assert plain("330") == plain(330) == 330.0
    assert plain("21in") == "21in"
    assert plain(True) is True
