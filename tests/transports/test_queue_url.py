from __future__ import annotations

import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from ringpost.errors import RingpostError
from ringpost.transports.sqs import check_queue_url


@pytest.mark.parametrize(
    ("url", "region", "name", "fifo"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/calls", "eu-west-1", "calls", False),
        (
            "https://sqs.us-gov-west-1.amazonaws.com/123456789012/Calls-1_x.fifo",
            "us-gov-west-1",
            "Calls-1_x.fifo",
            True,
        ),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/calls", "cn-north-1", "calls", False),
        ("https://sqs-fips.us-east-2.amazonaws.com/123456789012/calls", "us-east-2", "calls", False),
        ("https://sqs.eu-central-1.api.aws/123456789012/calls", "eu-central-1", "calls", False),
        ("https://eu-west-3.queue.amazonaws.com/123456789012/calls", "eu-west-3", "calls", False),
        ("https://queue.amazonaws.com/123456789012/calls", "us-east-1", "calls", False),
        ("https://SQS.eu-west-1.amazonaws.com:443/123456789012/calls", "eu-west-1", "calls", False),
    ],
)
def test_the_queue_urls_of_aws_are_taken_apart(url: str, region: str, name: str, fifo: bool) -> None:
    queue = check_queue_url(url, ())
    assert (queue.region, queue.account, queue.name, queue.fifo) == (region, "123456789012", name, fifo)
    assert (queue.custom, queue.url, queue.target.tls) == (False, url, True)


def test_every_endpoint_that_botocore_knows_is_one_of_aws() -> None:
    session = get_session()
    checked = 0
    for partition in ("aws", "aws-cn", "aws-us-gov", "aws-eusc"):
        for region in session.get_available_regions("sqs", partition_name=partition):
            client = session.create_client("sqs", region_name=region, aws_access_key_id="x", aws_secret_access_key="x")
            queue = check_queue_url(f"{client.meta.endpoint_url}/123456789012/calls", ())
            assert (queue.region, queue.custom) == (region, False)
            checked += 1
            client.close()
    assert checked > 30


@pytest.mark.parametrize(
    "url",
    [
        "", "calls", "arn:aws:sqs:eu-west-1:123456789012:calls", "sqs.eu-west-1.amazonaws.com/123456789012/calls",
        "http://sqs.eu-west-1.amazonaws.com/123456789012/calls",
        "https://sqs.eu-west-1.amazonaws.com:8443/123456789012/calls",
        "https://sqs.eu-west-1.amazonaws.com/", "https://sqs.eu-west-1.amazonaws.com/calls",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/", "https://sqs.eu-west-1.amazonaws.com/1234/calls",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/a/calls",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/ca%20lls",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/calls?x=1",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/calls.fifo.fifo",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/.fifo",
        f"https://sqs.eu-west-1.amazonaws.com/123456789012/{'a' * 81}",
        f"https://sqs.eu-west-1.amazonaws.com/123456789012/{'a' * 76}.fifo",
        "https://joe:hunter22@sqs.eu-west-1.amazonaws.com/123456789012/calls",
        "https://sns.eu-west-1.amazonaws.com/123456789012/calls",
        "https://sqs.eu-west-1.amazonaws.com.evil.example/123456789012/calls",
        "https://evil-sqs.eu-west-1.amazonaws.com/123456789012/calls",
        "https://sqs.amazonaws.com/123456789012/calls", "https://127.0.0.1/123456789012/calls",
        "http://localhost:4566/000000000000/calls",
    ],
)  # fmt: skip
def test_what_is_no_queue_of_aws_is_refused(url: str) -> None:
    with pytest.raises(RingpostError) as caught:
        check_queue_url(url, ("other.example",))
    assert (caught.value.code, caught.value.field) == ("queue_url_invalid", "url")
    assert "hunter22" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "host", "region", "account"),
    [
        ("http://localhost:4566/000000000000/calls", "localhost", "us-east-1", "000000000000"),
        ("http://localhost:4566/000000000000/calls", "LOCALHOST:4566", "us-east-1", "000000000000"),
        ("http://sqs.eu-west-1.localhost.localstack.cloud:4566/000000000000/calls",
         "sqs.eu-west-1.localhost.localstack.cloud", "eu-west-1", "000000000000"),
        ("http://10.0.0.9:9324/calls", "10.0.0.9:9324", "us-east-1", ""),
        ("http://10.0.0.9:9324/queue/calls", "10.0.0.9", "us-east-1", "queue"),
        ("http://localhost:4566/queue/eu-west-1/000000000000/calls", "localhost", "eu-west-1", "000000000000"),
        ("https://vpce-1a2b.sqs.eu-south-1.vpce.amazonaws.com/123456789012/calls",
         "vpce-1a2b.sqs.eu-south-1.vpce.amazonaws.com", "eu-south-1", "123456789012"),
    ],
)  # fmt: skip
def test_a_host_that_the_operator_names_is_taken(url: str, host: str, region: str, account: str) -> None:
    queue = check_queue_url(url, (host,))
    assert (queue.custom, queue.region, queue.account, queue.name) == (True, region, account, "calls")


def test_a_host_named_with_a_port_is_not_allowed_on_another() -> None:
    with pytest.raises(RingpostError):
        check_queue_url("http://localhost:4567/000000000000/calls", ("localhost:4566",))


def test_a_host_of_aws_that_the_operator_names_may_be_on_private_addresses() -> None:
    host = "sqs.eu-west-1.amazonaws.com"
    assert check_queue_url(f"https://{host}/123456789012/calls", (host,)).custom


@given(st.text(), st.sampled_from(["", "https://sqs.eu-west-1.amazonaws.com/", "https://"]))
def test_any_text_is_a_queue_or_a_refusal(text: str, start: str) -> None:
    try:
        queue = check_queue_url(start + text, ())
    except RingpostError as error:
        assert (error.code, error.field) == ("queue_url_invalid", "url")  # noqa: PT017
    else:
        assert queue.target.host.endswith((".amazonaws.com", ".api.aws"))
