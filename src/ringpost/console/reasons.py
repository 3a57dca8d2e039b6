"""Why an attempt failed, in words for people: what happened, and what helps. Pure.

The one place where screens get these words. Whatever the code and the status are, there are some.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from msgspec import Struct

from ringpost.model.outcome import BUSY, FAILURES

_SERVERS_FAULT: Final = 500  # this status and those above it
_OURS: Final = "Nothing is wrong with the receiver; whoever runs Ringpost finds more in the service's log."

# What helps, by the code of the failure; `status` is told apart by what the receiver answered.
HELPS: Final[dict[str, str]] = {
    "status": "A delivery is done once the receiver answers 200-299; its own log says why it did not.",
    "redirect": "Install the URL that the receiver redirects to.",
    "gone": "That pauses an integration. Give it the URL that holds now, then resume it.",
    "timeout": "Let the receiver answer first and work afterwards.",
    "dns": "Check the host name in the integration's URL, and the name server of Ringpost's machine.",
    "address_refused": "Use a public address, or have the operator allow the network (allow_networks).",
    "connect": "Check that the receiver runs, its port, and the firewall between it and Ringpost.",
    "tls": "Check the receiver's certificate: its names, its dates, and the whole chain.",
    "reset": "The receiver, or something between, hung up; its own log says why.",
    "protocol": "Check that the URL leads to a web server, and that http or https is right.",
    "reply_too_large": "Let the receiver answer with little, best with nothing.",
    "sqs": "What SQS said stands with the attempt; check the queue and its policy.",
    "sqs_credentials": "Check the access key and that it may do sqs:SendMessage on this queue.",
    "sqs_queue": "Check the queue's URL: its region, its account and its name.",
    BUSY: "Raise the limit of open files (ulimit -n) of the service.",
    "sealed": "Restore the key file that belongs to this ledger, or give the integration its secrets anew.",
    "internal": _OURS,
}
# For a line of a list: what happened, in a few words.
SHORT: Final[dict[str, str]] = {
    "status": "not 200-299",
    "redirect": "redirected",
    "gone": "410 Gone",
    "timeout": "no answer in time",
    "dns": "host name not found",
    "address_refused": "address not public",
    "connect": "no connection",
    "tls": "TLS failed",
    "reset": "connection closed",
    "protocol": "not HTTP",
    "reply_too_large": "answer too large",
    "sqs": "refused by SQS",
    "sqs_credentials": "refused by AWS",
    "sqs_queue": "no such queue",
    BUSY: "too few descriptors",
    "sealed": "secrets not opened",
    "internal": "fault of ours",
}
_STATUS_HELPS: Final[dict[int, str]] = {
    400: "The receiver does not take the body as it is; its own log says what it misses.",
    401: "Give the receiver the integration's secret, or send what it asks for as a custom header.",
    403: "Give the receiver the integration's secret, or send what it asks for as a custom header.",
    404: "Check the integration's URL: the receiver has nothing at this path.",
    405: "Check the integration's URL: the receiver takes no POST at this path.",
    413: "Let the receiver take bodies of up to 262,144 bytes.",
    415: "Let the receiver take application/json.",
    422: "The receiver does not take the body as it is; its own log says what it misses.",
    429: "The receiver wants fewer at a time; Ringpost slows down for it.",
}


class Reason(Struct, frozen=True):
    """short: a few words for a line of a list; happened, helps: whole sentences; more: what else was seen, or empty."""

    short: str
    happened: str
    helps: str
    more: str = ""


def reason_of(error: str | None, *, status: int | None = None, detail: str | None = None) -> Reason | None:
    """Why it failed; None for a success. error: a code of `FAILURES`, or one that a newer Ringpost wrote."""
    if error is None:
        return None
    happened = FAILURES.get(error, f"It failed with the code {error}.")
    helps = HELPS.get(error, "The documentation of the Ringpost that wrote it has the code.")
    short = SHORT.get(error, error)
    if error == "status" and status is not None:
        short = _named(status)
        happened = f"The receiver answered {short}."
        helps = _STATUS_HELPS.get(status, _help_with(status))
    is_said = detail is None or detail in {happened, helps} or (error == "status" and str(status) in detail)
    return Reason(short, happened, helps, "" if is_said or detail is None else detail)


def _named(status: int) -> str:
    """A status with its name, where it has one."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _help_with(status: int) -> str:
    if status >= _SERVERS_FAULT:
        return "The fault is on the receiver's side; its own log says more."
    return HELPS["status"]
