"""A JSON object from an untrusted sender, read field by field with its type and range."""

import math
from collections.abc import Sequence
from typing import TypeVar

Choice = TypeVar("Choice", str, int)


class MalformedRecord(ValueError):
    """A field is missing, has the wrong type, or lies outside its range."""


class Record:
    """Reads fields of `fields`; every reader returns a value in its stated range or raises MalformedRecord."""

    def __init__(self, fields: object) -> None:
        if not isinstance(fields, dict):
            raise MalformedRecord("not a JSON object")
        self._fields: dict[object, object] = fields

    def value(self, name: str) -> object:
        """Whatever the field holds."""
        if name not in self._fields:
            raise MalformedRecord(f"{name} is missing")
        return self._fields[name]

    def integer(self, name: str, low: int, high: int) -> int:
        """An integer, low…high inclusive; a boolean is none."""
        value = self.value(name)
        if type(value) is not int or not low <= value <= high:
            raise MalformedRecord(f"{name} is not an integer from {low} to {high}")
        return value

    def number(self, name: str, low: float, high: float) -> float:
        """A finite number, low…high inclusive."""
        return _number(name, self.value(name), low, high)

    def numbers(self, name: str, count: int, low: float, high: float) -> tuple[float, ...]:
        """Exactly `count` finite numbers, each low…high inclusive."""
        value = self.value(name)
        if not isinstance(value, list | tuple) or len(value) != count:
            raise MalformedRecord(f"{name} is not a list of {count} numbers")
        return tuple(_number(name, item, low, high) for item in value)

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.value(name)
        if not isinstance(value, bool):
            raise MalformedRecord(f"{name} is not a boolean")
        return value

    def choice(self, name: str, choices: Sequence[Choice]) -> Choice:
        """One of `choices`, of the same type."""
        value = self.value(name)
        for choice in choices:
            if type(value) is type(choice) and value == choice:
                return choice
        raise MalformedRecord(f"{name} is none of {', '.join(map(str, choices))}")

    def text(self, name: str, longest: int) -> str:
        """Text of at most `longest` characters."""
        value = self.value(name)
        if not isinstance(value, str) or len(value) > longest:
            raise MalformedRecord(f"{name} is not text of at most {longest} characters")
        return value

    def texts(self, name: str, longest: dict[str, int]) -> dict[str, str]:
        """An object whose keys are among those of `longest` and whose values are texts no longer than it says."""
        value = self.value(name)
        if not isinstance(value, dict) or not value.keys() <= longest.keys():
            raise MalformedRecord(f"{name} is not an object of known keys")
        inner = Record(value)
        return {key: inner.text(key, longest[key]) for key in longest if key in value}

    def absent(self, name: str) -> bool:
        """Whether the field is missing or null."""
        return self._fields.get(name) is None


def _number(name: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MalformedRecord(f"{name} is not a number")
    if not math.isfinite(value) or not low <= value <= high:
        raise MalformedRecord(f"{name} is not a number from {low} to {high}")
    return float(value)
