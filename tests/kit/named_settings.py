"""What the tests of single settings share: their values, and the one sentence that refuses."""

import pytest

from kit.settings import Settings, SettingsError

Values = dict[str, list[str]]


def cases(table: Values) -> list[tuple[str, str]]:
    """List each variable with each of its values."""
    return [(name, value) for name in table for value in table[name]]


def is_taken(patch: pytest.MonkeyPatch, name: str, value: str) -> bool:
    """Tell whether a value of a text arrives as it was set."""
    patch.setenv(name, value)
    return bool(getattr(Settings.from_environment(), name.lower()) == value)


def refusal(patch: pytest.MonkeyPatch, name: str, value: str) -> str:
    """Return the sentence with which a value is refused."""
    patch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment()
    sentence = str(caught.value)
    assert sentence.startswith(f"{name}: Must be ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "canary" not in sentence
    return sentence
