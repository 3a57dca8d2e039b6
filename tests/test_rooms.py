"""What import-linter cannot see: pure modules await nothing, and what calls itself pure is checked as that."""

from __future__ import annotations

import ast
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
PURE = next(contract["source_modules"] for contract in CONTRACTS if contract["id"] == "pure")


def files(module: str) -> list[Path]:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None, f"{module} is in the contract and not in the source"
    path = Path(spec.origin)
    return sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_has_nothing_asynchronous(module: str) -> None:
    for path in files(module):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith), path


def test_every_module_that_calls_itself_pure_is_held_to_it() -> None:
    held = {path for module in PURE for path in files(module)}
    source = ROOT / "src" / "ringpost"
    for path in source.rglob("*.py"):
        promise = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        if "Pure." in promise or "Pure:" in promise:
            assert path in held, f"{path.relative_to(source)} says it is pure: add it to the contract in pyproject.toml"
