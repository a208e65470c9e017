"""Backup locations that the object store does not serve."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.suite.refused_location import REFUSAL

REFUSALS = {"credentials": REFUSAL, "bucket": "NoSuchBucket"}
"""What is wrong with a location -> the error with which S3 refuses it.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""


@dataclass(frozen=True)
class UnusableLocation:
    """A backup location that the object store does not serve."""

    name: str
    refusal: str
    """S3's error."""
