"""Hostile text in every field that someone outside of the console fills: callers, directories, receivers, integrations,
PBXs, keys. `plant` puts it there, `address_of` is where each screen shows it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any, Final

from ringpost.api.services import Services
from ringpost.calls.observation import Snapshot
from ringpost.console.screen import Screen
from ringpost.errors import RingpostError
from ringpost.intake.notices import notice_event
from ringpost.integrations.requests import InstallRequest
from ringpost.ledger.ledger import Result
from ringpost.model.data import PARTY_KEYS
from ringpost.model.delivery import Attempt, delivery_id
from ringpost.model.directory import Person
from ringpost.model.event import decode_seq
from ringpost.model.notice import Notice
from ringpost.sources.source import Say, SourceStatus
from ringpost.work.selection import Selection

COMPANY: Final = "acme_gmbh"
SERIAL: Final = "PBX2"
EXTENSION: Final = "1001"
# `zqx` is in no page of ours: an element, an attribute or a variable of that name came out of one of these.
TEXTS: Final[Mapping[str, str]] = {
    "a script": "<script>window.zqx=1</script>",
    "out of an attribute": "\"'><img src=x zqx onerror=window.zqx=1><zqx>",
    "an attribute": '" zqx autofocus onfocus="window.zqx=1',
    "out of a text area": "</textarea></pre></title></select></code><zqx onclick=window.zqx=1>",
    "a comment": "--><zqx><!--",
    "an address": "javascript:window.zqx=1",
    "another site": "//zqx.example/<base href=//zqx.example><link rel=stylesheet href=//zqx.example/a.css>",
    "a template": "{{7*7}}{% raw %}${window.zqx=1}<%= 7*7 %><zqx>",
    "htmx": '<div hx-get="/keys" hx-trigger=load zqx hx-on::load=window.zqx=1>',
    "a picture": "<svg/onload=window.zqx=1><math><mtext><zqx>",
    "a form": "<form id=again action=//zqx.example><button name=all zqx><input data-live=call data-dialog zqx>",
    "from right to left": "\u202e<zqx>\u2066\u200f abc \u202d",
    "beyond the usual": "\U0001f98a\U0001f9d1\u200d\U0001f4bb<zqx>&lt;zqx&gt;&#60;zqx&#62; \u2028 \ufeff",
    "control characters": "\x00<\x00zqx>\x1b[31m\x07\x0b<zqx>",
    "very long": "<zqx>" + "W" * 1_990,
    "long words": "Donaudampfschifffahrtsgesellschaft" * 40 + "<zqx>",
}


class Planted:
    """The ids of what is there."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}


async def plant(services: Services, mean: str, *, url: str = "https://hooks.example.com/calls") -> Planted:
    """Put the text wherever it is taken. url: of the receiver."""
    planted = Planted()
    await _integration(services, planted, mean, url)
    await _directory(services, planted, mean)
    await _calls(services, planted, mean)
    for kind in ("notice:failing", "notice:pbx-lost", "notice:paused"):
        notice = Notice(
            company=COMPANY, type=kind, time=services.now(), message=mean, pbx=mean, reason=mean,
            integration=planted.ids["integration"],
        )  # fmt: skip
        await services.ledger.commit([notice_event(notice, ())])
    key, _ = await services.keys.create(company=COMPANY, role="viewer", name=mean)
    planted.ids["key"] = key.id
    return planted


async def _integration(services: Services, planted: Planted, mean: str, url: str) -> None:
    """One with the text in its name, URL and headers, each as far as it is taken."""
    base = {"type": "webhook", "url": url}
    first, _ = await services.registry.install(COMPANY, InstallRequest(**base, name=mean[:100]))  # type: ignore[arg-type]
    planted.ids["integration"] = first.id
    for more in (
        {"url": f"{url}/{mean}"[:2_048]},
        {"headers": {mean: "a value"}},
        {"filter": [mean]},
    ):
        with contextlib.suppress(RingpostError):  # a text that is not taken is nowhere
            await services.registry.install(COMPANY, InstallRequest(**{**base, **more}))  # type: ignore[arg-type]


async def _directory(services: Services, planted: Planted, mean: str) -> None:
    person = Person(
        extension=EXTENSION, name=mean, email=f"{mean}@example.com", user_id=mean, department=mean, group=mean,
        group_id=mean, company=mean,
    )  # fmt: skip
    await services.directories.enter(COMPANY, person)  # as a PBX or an older version may have told it: unchecked
    file = f'extension,name,department\n1002,"{mean.replace(chr(34), chr(34) * 2)}",Sales\n'
    for mode in ("merge", "replace"):
        with contextlib.suppress(RingpostError):
            await services.directories.take_file(COMPANY, file.encode(), mode, dry_run=mode == "replace")


async def _calls(services: Services, planted: Planted, mean: str) -> None:
    """A call with the text in all that a caller and a PBX may say, and what a receiver answered to its events."""
    party = dict.fromkeys(PARTY_KEYS, mean) | {"type": "LOCAL", "userExtension": EXTENSION}
    known: dict[str, Any] = {
        "status": mean, "caller": party, "callee": {**party, "type": "REMOTE"}, "service": mean, "destination": mean,
        "trunkName": mean, "queueName": mean, "queueId": mean, "tags": [mean], "flags": [mean], mean: mean,
    }  # fmt: skip
    call = f"of.{planted.ids['integration']}"
    end = {"endCause": mean, "endCauseStr": mean, "endBy": "CALLER"}
    answers = [("delivered", None), ("pending", "status"), ("exhausted", "tls"), ("exhausted", "sqs")]
    events = [("call:start", {}), ("call:update", {"service": f"2{mean}"}), ("call:update", {}), ("call:end", end)]
    for (kind, more), (state, error) in zip(events, answers, strict=True):
        sent = {"id": call, "type": kind, "data": known | more}
        answer = await services.intake.accept_event(json.dumps(sent).encode(), lambda _: COMPANY)
        assert answer.status == 202, answer
        seq = decode_seq(json.loads(answer.body)["result"]["event"][4:]) or 0
        attempt = Attempt(
            company=COMPANY, seq=seq, integration=planted.ids["integration"], number=1, time=services.now(), duration=9,
            status=503 if error == "status" else None if error else 200, error=error, detail=mean, reply=mean,
        )  # fmt: skip
        due = services.now() + 60_000 if state == "pending" else None
        await services.ledger.record([Result(attempt=attempt, state=state, due=due)])  # type: ignore[arg-type]
        planted.ids |= {"call": f"{COMPANY}_{call}", "delivery": delivery_id(seq, planted.ids["integration"])}
    selection = Selection(
        integration=planted.ids["integration"], call=None, state="exhausted", type=None, since=None, until=None,
        never_owed=False,
    )  # fmt: skip
    plan = await services.replays.plan(COMPANY, selection, services.registry.of(COMPANY))
    work = services.replays.work(COMPANY, selection, plan)
    await services.ledger.add_work(work)
    planted.ids["replay"] = work.id


class Lost:
    """A PBX that says the text of itself and of why it is not there. It has no call."""

    def __init__(self, mean: str) -> None:
        self.mean = mean

    async def run(self, say: Say) -> None:
        say(Snapshot())
        await asyncio.Event().wait()

    def status(self) -> SourceStatus:
        return SourceStatus(error="pbx_login_refused", message=self.mean, version=self.mean, attempts=3)


def address_of(screen: Screen, planted: Planted) -> str:
    """Where a screen shows what was planted. A page with a new varying part needs its place here."""
    ids = planted.ids
    first = screen.path.split("/")[1]
    parts = {
        "{id}": {"keys": ids["key"], "integrations": ids["integration"], "calls": ids["call"], "replays": ids["replay"]}
        .get(first, ids["delivery"]),
        "{delivery}": ids["delivery"], "{number}": "1", "{serial}": SERIAL, "{extension}": EXTENSION,
    }  # fmt: skip
    path = screen.path
    for part, value in parts.items():
        path = path.replace(part, value)
    assert "{" not in path, f"{path}: tell in tests/console/hostile.py what stands there"
    return f"{path}?company={COMPANY}"
