"""The package as its users get it: any Python from 3.9 on, nothing else needed, its README true."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ringpost_receive import explain
from tests.receive.sent import BODY, NOW, SECRET, sent

PACKAGE = Path(__file__).parents[2] / "packages" / "ringpost-receive"
SOURCE = PACKAGE / "src" / "ringpost_receive"
README = (PACKAGE / "README.md").read_text("utf-8")
OTHERS = {"flask": {"flask"}, "django": {"django"}, "starlette": {"starlette"}, "sqs": {"boto3"}}
SAMPLE = """
import json, sys
from ringpost_receive import MemoryStore, Once, explain, verify
import ringpost_receive.asgi, ringpost_receive.sqs, ringpost_receive.wsgi
row = json.loads(sys.argv[1])
delivery = verify(row["body"].encode(), row["headers"], row["secret"], now_s=row["now"])
with Once(MemoryStore())(delivery) as is_new:
    print(sys.version_info[:2], is_new, delivery.event.call.caller.name)
print(explain(row["body"].encode() + b" ", row["headers"], row["secret"], now_s=row["now"]).code)
"""


def pythons() -> list[str]:
    """Those of this machine from 3.9 on: on the path, or pyenv's."""
    named = [shutil.which(f"python3.{minor}") for minor in range(9, 15)]
    kept = sorted(str(path) for path in Path.home().glob(".pyenv/versions/3.*/bin/python3"))
    asked = [sys.executable, *(path for path in named if path), *kept]
    return list({found: path for path in asked if (found := version(path)) >= (3, 9)}.values())


def version(python: str) -> tuple[int, ...]:
    """(0,) for one that does not run, as a name of pyenv that leads nowhere."""
    told = subprocess.run(
        [python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=False
    )
    return tuple(map(int, told.stdout.split())) if told.returncode == 0 else (0,)


def test_it_imports_nothing_but_the_standard_library_and_the_framework_that_a_module_is_for() -> None:
    for file in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = {(node.module or "").partition(".")[0]}
            else:
                continue
            assert names <= sys.stdlib_module_names | OTHERS.get(file.stem, set()), file.name


@pytest.mark.slow
@pytest.mark.parametrize("python", pythons())
def test_it_runs_on_each_python_that_is_here(python: str) -> None:
    import json

    row = {"body": BODY.decode(), "headers": sent().headers, "secret": SECRET, "now": NOW}
    code = f"import sys; sys.path.insert(0, {str(SOURCE.parent)!r})\n{SAMPLE}"
    told = subprocess.run(
        [python, "-I", "-W", "error", "-c", code, json.dumps(row)], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[0].endswith("True Bianchi Srl")
    assert told.stdout.splitlines()[1] == "body_changed"


def test_the_explanation_in_the_readme_is_what_it_says() -> None:
    import json

    again = json.dumps(json.loads(BODY)).encode()
    told = str(explain(again, sent().headers, SECRET, now_s=NOW)).replace(f"{len(again):,} bytes", "731 bytes")
    [shown] = re.findall(r"^    ok     headers.*?(?=^\S)", README, re.MULTILINE | re.DOTALL)
    assert " ".join(shown.split()) == " ".join(told.split())


def test_every_name_that_the_readme_imports_is_there() -> None:
    for line in re.findall(r"^from ringpost_receive\S* import .*$", README, re.MULTILINE):
        exec(line, {})
