"""The configurator as another site's page shows it: plain data in one language, with nothing of whoever is signed in."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from batchone.contracts.design import ConfigurationState, OptionState, Standing, ValueState
from batchone.contracts.pack import Text


def embedded(state: ConfigurationState, drawing: str, language: str, words: Mapping[str, str]) -> dict[str, object]:
    """What the widget draws; `shop` is the path, from the platform's root, on which the same choices can be ordered."""
    query = urlencode(sorted(state.choices.items()))
    chosen = {
        option.id: f"{_in(option.name, language)}{'：' if language == 'zh' else ': '}{_called(option, value, language)}"
        for option in state.options
        for value in option.values
        if state.choices.get(option.id) == value.id
    }
    return {
        "product": state.product,
        "choices": dict(state.choices),
        "completion": dict(state.completion),
        "options": [_option(option, language, chosen) for option in state.options],
        "price": {"amount": str(state.price.amount), "currency": state.price.currency},
        "drawing": drawing,
        "shop": f"/shop/{state.product}" + (f"?{query}" if query else ""),
        "words": dict(words),
    }


def _option(option: OptionState, language: str, chosen: Mapping[str, str]) -> dict[str, object]:
    return {
        "id": option.id,
        "name": _in(option.name, language),
        "completed": option.completed,
        "values": [_value(option, value, language, chosen) for value in option.values],
    }


def _value(option: OptionState, value: ValueState, language: str, chosen: Mapping[str, str]) -> dict[str, object]:
    """A value; a blocked one with the fewest choices to give up for it, by option and as they are called."""
    blocked = value.standing is Standing.EXCLUDED
    given_up = (value.reason.give_up or ()) if blocked and value.reason else ()
    return {
        "id": value.id,
        "name": _called(option, value, language),
        "blocked": blocked,
        "give_up": {each: chosen[each] for each in given_up},
        "reason": _in(value.reason.text, language) if blocked and value.reason else "",
        "change": "" if value.price_difference is None else str(value.price_difference.amount),
    }


def _called(option: OptionState, value: ValueState, language: str) -> str:
    name = _in(value.name, language)
    return f"{name} {option.unit}" if option.unit and option.unit not in name else name


def _in(text: Text, language: str) -> str:
    return text.get(language) or next(iter(text.values()), "")
