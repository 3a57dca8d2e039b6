"""Large ledgers to measure with: made once, by the ledger's own code, and kept in .cache; each run takes a copy."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import ringpost.ledger.sqlite
from ringpost.access.sealing import open_vault
from ringpost.clock import wall_clock
from ringpost.integrations.registry import Registry
from ringpost.ledger.ledger import Ledger
from ringpost.ledger.open import open_ledger
from ringpost.settings import Settings

_CACHE: Final = Path(__file__).parents[1] / ".cache" / "bench"


def prepared(name: str, what: str, make: Callable[[Path], Coroutine[Any, Any, None]]) -> Path:
    """The data folder of this name, made if it is not there for this form of the ledger. what: it holds, in words."""
    tables = b"".join(
        file.read_bytes() for file in sorted(Path(ringpost.ledger.sqlite.__path__[0]).glob("migrations/*"))
    )
    folder = _CACHE / f"{name}-{hashlib.sha256(tables).hexdigest()[:12]}"
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        print(f"Making a ledger with {what} in {folder} (once) …", flush=True)
        began = time.monotonic()
        asyncio.run(make(part))
        part.rename(folder)
        print(f"… done in {time.monotonic() - began:.0f} s", flush=True)
    return folder


@asynccontextmanager
async def opened(data: Path, now: Callable[[], int] = wall_clock) -> AsyncIterator[tuple[Ledger, Registry]]:
    """now: the clock that the ledger goes by (ms)."""
    settings = Settings(data=str(data), allow_networks=("127.0.0.0/8",))
    ledger = await open_ledger(settings.ledger_path, now=now)
    try:
        vault = open_vault(settings.sealing_key_path, make=True)
        registry = Registry(ledger, vault, settings, now, on_change=lambda _: None)
        await registry.load()
        yield ledger, registry
    finally:
        await ledger.close()
