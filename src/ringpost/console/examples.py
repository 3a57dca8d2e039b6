"""Code that verifies what an integration sends, in five languages, as its page shows it. Pure.

A webhook's body is signed in the header `x-signature`, an SQS message's in the attribute `X-SIGNATURE`; both are the
lower-case hex HMAC-SHA256 of the raw bytes. The secret is never in here: it is taken from the environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ringpost.model.integration import TransmissionType


class Example(Struct, frozen=True):
    language: str
    code: str


PYTHON: Final = """import hashlib
import hmac
import os


def is_genuine(body: bytes, signature: str) -> bool:
    secret = os.environ["RINGPOST_SECRET"].encode()
    expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)  # signature: {source}
"""
NODE: Final = """const crypto = require("node:crypto");

function isGenuine(body, signature) {{ // body: the raw Buffer; signature: {source}
  const expected = crypto.createHmac("sha256", process.env.RINGPOST_SECRET).update(body).digest("hex");
  return expected.length === signature.length &&
    crypto.timingSafeEqual(Buffer.from(expected), Buffer.from(signature));
}}
"""
PHP: Final = """<?php
function is_genuine(string $body, string $signature): bool {{
    // body: file_get_contents("php://input"); signature: {source}
    $expected = hash_hmac("sha256", $body, getenv("RINGPOST_SECRET"));
    return hash_equals($expected, $signature);
}}
"""
GO: Final = """package receiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"os"
)

// IsGenuine takes the raw body, and as signature {source}.
func IsGenuine(body []byte, signature string) bool {{
	mac := hmac.New(sha256.New, []byte(os.Getenv("RINGPOST_SECRET")))
	mac.Write(body)
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}}
"""
CSHARP: Final = """using System.Security.Cryptography;
using System.Text;

static bool IsGenuine(byte[] body, string signature) {{ // signature: {source}
    var secret = Encoding.UTF8.GetBytes(Environment.GetEnvironmentVariable("RINGPOST_SECRET")!);
    var expected = Convert.ToHexString(HMACSHA256.HashData(secret, body)).ToLowerInvariant();
    return CryptographicOperations.FixedTimeEquals(
        Encoding.ASCII.GetBytes(expected), Encoding.ASCII.GetBytes(signature));
}}
"""
_LANGUAGES: Final = (("Python", PYTHON), ("Node", NODE), ("PHP", PHP), ("Go", GO), ("C#", CSHARP))
_SOURCES: Final[dict[TransmissionType, str]] = {
    "webhook": "the header x-signature",
    "sqs": "the message attribute X-SIGNATURE",
}


def examples_for(transmission: TransmissionType) -> Sequence[Example]:
    source = _SOURCES[transmission]
    return [Example(language, code.format(source=source)) for language, code in _LANGUAGES]
