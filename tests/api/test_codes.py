"""Every error code that is raised anywhere is one that the catalogue explains."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import ringpost
from ringpost.errors import ERRORS

SOURCES = Path(ringpost.__file__).parent


def codes(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and code of every `RingpostError("code", …)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RingpostError":
            first = node.args[0] if node.args else None
            branches = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
            for branch in branches:
                if isinstance(branch, ast.Constant) and isinstance(branch.value, str):
                    yield node.lineno, branch.value


def test_every_code_that_is_raised_exists() -> None:
    raised = 0
    for file in SOURCES.rglob("*.py"):
        for line, code in codes(ast.parse(file.read_text("utf-8"))):
            assert code in ERRORS, f"{file.relative_to(SOURCES)}:{line}: {code}"
            raised += 1
    assert raised > 50


def test_every_code_has_a_status_a_meaning_and_a_help() -> None:
    for code, kind in ERRORS.items():
        assert 400 <= kind.status < 600, code
        assert kind.meaning.endswith("."), code
        assert kind.help.endswith("."), code
