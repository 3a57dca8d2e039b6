"""Code that verifies what an integration sends, in five languages, as its page shows it. Pure.

A webhook's body is signed in the header `x-signature`, an SQS message's in the attribute `X-SIGNATURE`; both are the
lower-case hex HMAC-SHA256 of the raw bytes. The secret is never in here: it is taken from the environment, and where
it is missing the code fails rather than verify with an empty one, which anybody could sign with. A signature is what a
stranger sent: none of it makes the code fail.
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
    secret = os.environ["RINGPOST_SECRET"]
    if not secret:
        raise RuntimeError("RINGPOST_SECRET is empty")
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    # signature: {source}
    return hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))
"""
NODE: Final = """const crypto = require("node:crypto");

function isGenuine(body, signature) {{ // body: the raw Buffer; signature: {source}
  const secret = process.env.RINGPOST_SECRET;
  if (!secret) throw new Error("RINGPOST_SECRET is not set");
  const expected = Buffer.from(crypto.createHmac("sha256", secret).update(body).digest("hex"));
  const given = Buffer.from(signature ?? "");
  return given.length === expected.length && crypto.timingSafeEqual(given, expected);
}}
"""
PHP: Final = """<?php
function is_genuine(string $body, string $signature): bool {{
    // body: file_get_contents("php://input"); signature: {source}
    $secret = getenv("RINGPOST_SECRET");
    if (!$secret) {{
        throw new RuntimeException("RINGPOST_SECRET is not set");
    }}
    return hash_equals(hash_hmac("sha256", $body, $secret), $signature);
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
	secret := os.Getenv("RINGPOST_SECRET")
	if secret == "" {{
		panic("RINGPOST_SECRET is not set")
	}}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}}
"""
CSHARP: Final = """using System;
using System.Security.Cryptography;
using System.Text;

static bool IsGenuine(byte[] body, string signature) {{ // signature: {source}
    var secret = Environment.GetEnvironmentVariable("RINGPOST_SECRET");
    if (string.IsNullOrEmpty(secret)) throw new InvalidOperationException("RINGPOST_SECRET is not set");
    var hash = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body);
    var expected = Convert.ToHexString(hash).ToLowerInvariant();
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
