"""The golden vectors: bodies, secrets and signatures that receivers rely on."""

from __future__ import annotations

import json

from ringpost.wire import canonical
from ringpost.wire.signature import standard_header, verify_standard, verify_x, x_signature


def test_there_are_golden_vectors_with_and_without_whsec_secrets(golden: list[dict[str, str]]) -> None:
    assert {row["secret"].startswith("whsec_") for row in golden} == {True, False}


def test_golden_bodies_come_out_as_they_went_in(golden: list[dict[str, str]]) -> None:
    for row in golden:
        assert canonical.encode(canonical.parse(row["body"].encode())).decode() == row["body"]


def test_golden_bodies_are_spliced_from_their_parts(golden: list[dict[str, str]]) -> None:
    for row in golden:
        event = json.loads(row["body"])
        spliced = canonical.splice(
            call=event["id"],
            pbx=event["pbx"],
            time=event["time"],
            company=event["company"],
            type=event["type"],
            integration=event["integrationId"],
            data=canonical.encode(event["data"], ("data",)),
        )
        assert spliced.decode() == row["body"]


def test_golden_x_signatures_are_ours(golden: list[dict[str, str]]) -> None:
    for row in golden:
        assert x_signature(row["secret"], row["body"].encode()) == row["x-signature"]
        assert verify_x(row["secret"], row["body"].encode(), row["x-signature"])


def test_golden_standard_signatures_are_ours(golden: list[dict[str, str]]) -> None:
    for row in (row for row in golden if "webhook-signature" in row):
        secret, body, timestamp = row["secret"], row["body"].encode(), row["webhook-timestamp"]
        assert standard_header([secret], row["webhook-id"], int(timestamp), body) == row["webhook-signature"]
        assert verify_standard(secret, row["webhook-id"], timestamp, body, row["webhook-signature"])
