"""Backup locations that the object store does not serve."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CREDENTIALS = Path(__file__).with_name("credentials.yaml")
REFUSALS = {"credentials": "InvalidAccessKeyId", "bucket": "NoSuchBucket"}
"""What is wrong with a location -> the error with which S3 refuses it.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""


@dataclass(frozen=True)
class UnusableLocation:
    """A backup location that the object store does not serve."""

    name: str
    refusal: str
    """S3's error."""
