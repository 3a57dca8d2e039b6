"""The URL of an SQS queue, taken apart: where requests go, for which region they are signed, which kind of queue.

Pure. Called when an integration is installed, and by the SQS transport. AWS's own hosts are known; any other host
needs the operator's word (`allow_sqs_hosts`), which then covers the addresses of that host as well: an allowance by
name is a decision of the operator, and endpoints of one's own (VPC endpoints, LocalStack) are on private addresses.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from msgspec import Struct

from ringpost.errors import RingpostError

from .egress import Target, parse_url

DEFAULT_REGION: Final = "us-east-1"

_REGION: Final = r"(?P<region>[a-z]{2,4}(?:-[a-z]+){1,2}-[0-9]{1,2})"
# https://docs.aws.amazon.com/general/latest/gr/sqs-service.html: standard, FIPS, dual-stack and legacy endpoints;
# China, GovCloud (as standard) and the European Sovereign Cloud.
_AWS_HOSTS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"sqs(?:-fips)?\.{_REGION}\.amazonaws\.(?:com|com\.cn|eu)",
        rf"sqs(?:-fips)?\.{_REGION}\.api\.(?:aws|amazonwebservices\.com\.cn|amazonwebservices\.eu)",
        rf"(?:{_REGION}\.)?queue\.amazonaws\.com(?:\.cn)?",
    )
)
# Of a VPC endpoint, or of LocalStack, which may have it in the path (https://docs.localstack.cloud/aws/services/sqs/)
_ANY_REGION: Final = re.compile(rf"(?:^|[./]){_REGION}[./]")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}|(?=.{1,80}$)[A-Za-z0-9_-]+\.fifo")  # CreateQueue, QueueName


class Queue(Struct, frozen=True, kw_only=True):
    """A queue. target: where requests go; account: empty where a custom endpoint has none; custom: no host of AWS, or
    one that the operator named, so that its addresses are allowed."""

    url: str
    target: Target
    region: str
    account: str
    name: str
    custom: bool

    @property
    def fifo(self) -> bool:
        return self.name.endswith(".fifo")


def check_queue_url(url: str, allowed_hosts: Collection[str]) -> Queue:
    """Raises `queue_url_invalid`, with the field `url`."""
    try:
        target = parse_url(url)
    except RingpostError as error:
        raise _invalid(error.message) from None
    custom = _is_named(target, allowed_hosts)
    region = _region(target.host)
    if region is None and not custom:
        raise _invalid(f"{target.host} is no host of AWS SQS, and the operator does not allow it (allow_sqs_hosts).")
    if not custom and (not target.tls or target.port != 443):
        raise _invalid("AWS queues are used over https://, on its usual port.")
    account, name = _place(target.path, custom=custom)
    return Queue(
        url=url,
        target=target,
        region=region or _any_region(target),
        account=account,
        name=name,
        custom=custom,
    )


def _is_named(target: Target, allowed_hosts: Collection[str]) -> bool:
    named = {host.lower() for host in allowed_hosts}
    return target.host in named or f"{target.host}:{target.port}" in named or target.host_header in named


def _region(host: str) -> str | None:
    """The region of a host of AWS."""
    for pattern in _AWS_HOSTS:
        match = pattern.fullmatch(host)
        if match:
            return match["region"] or DEFAULT_REGION
    return None


def _any_region(target: Target) -> str:
    match = _ANY_REGION.search(target.host + target.path)
    return match["region"] if match else DEFAULT_REGION


def _place(path: str, *, custom: bool) -> tuple[str, str]:
    """(account, name) out of the URL's path."""
    *before, name = path.removeprefix("/").split("/")
    account = before[-1] if before else ""
    if not _NAME.fullmatch(name):
        raise _invalid("The URL does not end with the name of a queue.")
    if not custom and (len(before) != 1 or not _ACCOUNT.fullmatch(account)):
        raise _invalid("The URL needs the account's 12 digits before the queue's name.")
    return account, name


def _invalid(message: str) -> RingpostError:
    help_text = "Copy it from the SQS console: https://sqs.<region>.amazonaws.com/<account>/<queue>."
    return RingpostError("queue_url_invalid", f"{message} {help_text}", field="url")
