"""Our signature against botocore's, and against the example that AWS publishes for the key's derivation."""

from __future__ import annotations

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from ringpost.transports.sigv4 import amz_date, authorization, signing_key

PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)


@given(
    key=st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=16, max_size=20),
    secret=PRINTABLE,
    region=st.sampled_from(["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1"]),
    host=st.sampled_from(["sqs.eu-west-1.amazonaws.com", "localhost:4566"]),
    extra=st.dictionaries(
        st.sampled_from(["x-amz-target", "content-type", "x-a"]),
        st.lists(PRINTABLE, max_size=3).map("  ".join),
    ),
    body=st.binary(max_size=300),
    now=st.integers(0, 4_102_444_800_000),
)
def test_the_signature_is_that_of_botocore(
    key: str, secret: str, region: str, host: str, extra: dict[str, str], body: bytes, now: int
) -> None:
    headers = {"host": host, "x-amz-date": amz_date(now), **extra}
    request = AWSRequest(method="POST", url=f"https://{host}/", headers=headers, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(key, secret), "sqs", region)
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    ours = authorization(key=key, secret=secret, region=region, service="sqs", path="/", headers=headers, body=body)
    assert ours.startswith(f"AWS4-HMAC-SHA256 Credential={key}/{amz_date(now)[:8]}/{region}/sqs/aws4_request, ")
    assert ours.endswith(f", SignedHeaders={';'.join(sorted(headers))}, Signature={signature}")


def test_the_key_is_that_of_the_published_example() -> None:
    # https://docs.aws.amazon.com/general/latest/gr/signature-v4-examples.html, "derived signing key"
    key = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20120215", "us-east-1", "iam")
    assert key.hex() == "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"


def test_the_date_is_utc_in_the_basic_form() -> None:
    assert amz_date(1_693_389_900_999) == "20230830T100500Z"
