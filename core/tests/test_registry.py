"""Registries keep the order of registration and refuse a second entry of the same name."""

from dataclasses import dataclass

import pytest

from core.registry import Registry


@dataclass(frozen=True)
class Colour:
    name: str
    label: str = ""


@pytest.fixture
def colours() -> Registry[Colour]:
    registry: Registry[Colour] = Registry("colour")
    registry.register(Colour("red"), Colour("blue"))
    return registry


def test_entries_keep_the_order_of_registration(colours: Registry[Colour]) -> None:
    colours.register(Colour("amber"))

    assert [colour.name for colour in colours] == ["red", "blue", "amber"]


def test_an_entry_is_found_by_its_name(colours: Registry[Colour]) -> None:
    assert colours.get("blue") == Colour("blue")
    assert "blue" in colours


def test_an_unknown_name_has_no_entry(colours: Registry[Colour]) -> None:
    assert colours.get("green") is None
    assert "green" not in colours


def test_a_second_entry_of_the_same_name_is_refused(colours: Registry[Colour]) -> None:
    with pytest.raises(ValueError, match="two colour entries called 'red'"):
        colours.register(Colour("red", label="another"))

    assert colours.get("red") == Colour("red")


def test_an_equal_entry_may_be_registered_again(colours: Registry[Colour]) -> None:
    colours.register(Colour("red"))

    assert len(colours.all()) == 2
