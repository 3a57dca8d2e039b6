"""No value that holds a secret shows it when it is printed: a log, a traceback or an error text could be next."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import Struct

import ringpost

# Names of fields that hold secrets somewhere; a Struct that has one of them must say by its own repr what it shows.
SECRET_FIELDS = {"secret", "secrets", "standard_secret", "previous", "headers", "credentials", "sealed", "hash"}
# What has such a field and holds nothing secret in it: only ciphertext, digests, numbers of events, or
# types whose own repr hides them.
HARMLESS = {"Integration", "ApiKey", "Sending", "Go", "Waiting", "_Waiting", "Inspection", "_Link"}


def structs() -> Iterator[type[Struct]]:
    for module in pkgutil.walk_packages(ringpost.__path__, "ringpost."):
        if not module.name.endswith("__main__"):
            found: dict[str, Any] = vars(importlib.import_module(module.name))
            for value in found.values():
                if isinstance(value, type) and issubclass(value, Struct) and value.__module__ == module.name:
                    yield value


@pytest.mark.parametrize("struct", list(structs()), ids=lambda struct: struct.__name__)
def test_a_struct_with_a_secret_hides_it(struct: type[Struct]) -> None:
    if SECRET_FIELDS & set(struct.__struct_fields__) and struct.__name__ not in HARMLESS:
        assert struct.__repr__ is not Struct.__repr__, f"{struct.__name__} would print a secret"
