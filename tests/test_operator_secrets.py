"""The reference operator's rules about which values it makes and which it keeps."""

from __future__ import annotations

import base64
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import bcrypt
import pytest

SOURCE = Path(__file__).parent.parent / "fixtures/services/operator/generator.py"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    # The suite's package has a file of the name "generator": later runs of pytest in this process
    # would warn that they cannot rewrite it.
    spec = importlib.util.spec_from_file_location("operator_generator", SOURCE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FIELDS = {"fields": [{"fieldName": "password", "encoding": "hex", "length": "32"}]}


def test_values_are_kept_when_the_spec_changes(generator: ModuleType) -> None:
    first = generator.string_secret(FIELDS, {})
    changed = {
        "data": {"password": "given", "client_id": "notes"},
        "fields": [
            {"fieldName": "password", "encoding": "base64", "length": "64"},
            {"fieldName": "client_secret"},
        ],
    }
    second = generator.string_secret(changed, first)
    assert second["password"] == first["password"]
    assert second["client_id"] == b"notes"
    assert len(second["client_secret"]) == 40


def test_an_empty_value_counts_as_missing(generator: ModuleType) -> None:
    assert len(generator.string_secret(FIELDS, {"password": b""})["password"]) == 32


def test_a_field_taken_out_of_the_spec_stays_in_the_secret(generator: ModuleType) -> None:
    assert generator.string_secret({"fields": []}, {"old": b"value"}) == {"old": b"value"}


def test_only_force_regenerate_replaces(generator: ModuleType) -> None:
    first = generator.string_secret(FIELDS, {})
    assert generator.string_secret({**FIELDS, "forceRegenerate": True}, first) != first


def test_two_secrets_never_share_a_value(generator: ModuleType) -> None:
    assert generator.string_secret(FIELDS, {}) != generator.string_secret(FIELDS, {})


@pytest.mark.parametrize(
    ("length", "encoding", "size"),
    [("", "", 40), ("16", "hex", 16), ("16B", "hex", 32), ("12", "base32", 12), ("9", "raw", 9)],
)
def test_length_counts_characters_or_bytes(
    generator: ModuleType, length: str, encoding: str, size: int
) -> None:
    assert len(generator.random_string(length, encoding)) == size


def test_bytes_are_encoded_whole(generator: ModuleType) -> None:
    assert len(base64.urlsafe_b64decode(generator.random_string("33B", "base64url"))) == 33


@pytest.mark.parametrize("length", ["0", "-1", "many", "B", "1.5"])
def test_an_impossible_length_is_refused_by_name(generator: ModuleType, length: str) -> None:
    with pytest.raises(ValueError, match=f"'{length}'"):
        generator.random_string(length)


def test_basic_auth_is_what_an_ingress_reads(generator: ModuleType) -> None:
    made = generator.basic_auth({"username": "ada", "length": "12"}, {})
    user, _, hashed = made["auth"].partition(b":")
    assert (made["username"], user, len(made["password"])) == (b"ada", b"ada", 12)
    assert bcrypt.checkpw(made["password"], hashed)


def test_basic_auth_is_made_once(generator: ModuleType) -> None:
    first = generator.basic_auth({"username": "ada"}, {})
    assert generator.basic_auth({"username": "grace", "length": "8"}, first) == first
