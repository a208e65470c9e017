"""The schemas' verdicts, beside those of others and on hostile objects."""

from __future__ import annotations

import random
from typing import Any

import kubernetes_validate
import yaml
from linter_objects import DEPLOYMENT, messages

from conformance.common.pins import pin
from conformance.common.settings import PROJECT_ROOT
from conformance.linter.facts.kubernetes_schema import (
    deprecated,
    invalid_names,
    unserved,
    validate,
)
from conformance.linter.manifest import Manifest


def our_objects() -> list[dict[str, Any]]:
    files = [*(PROJECT_ROOT / "fixtures" / "flux2").rglob("*.yaml")]
    files += [*(PROJECT_ROOT / "charts").glob("*/crds/*.yaml")]
    found = [one for file in files for one in yaml.safe_load_all(file.read_text()) if one]
    return [one for one in found if ".config.k8s.io/" not in one["apiVersion"]]


def test_our_own_objects_are_good():
    for content in our_objects():
        found = Manifest(content, "file.yaml", lambda _: 0)
        assert validate(found) == [], str(found)
        assert invalid_names(found) == [], str(found)
        assert unserved(found) is None
        assert deprecated(found) is None


def taken_by_jsonschema(content: dict[str, Any]) -> bool:
    """Return the verdict of kubernetes-validate, which is jsonschema."""
    try:
        kubernetes_validate.validate(content, pin("kubernetes").version, strict=True)
    except kubernetes_validate.ValidationError:
        return False
    return True


STRICTER = ("must be", "no amount", "no base64", "is empty")
"""What is said where the published schema allows more than the API server."""


def spoilt(content: Any, dice: random.Random) -> Any:
    """Return an object with something else somewhere in it."""
    if dice.random() < 0.15 or not isinstance(content, dict | list) or not content:
        return dice.choice([7, -1.5, True, "text", "", [], {}, ["x"], {"x": "y"}, [{}]])
    if isinstance(content, list):
        index = dice.randrange(len(content))
        return [*content[:index], spoilt(content[index], dice), *content[index + 1 :]]
    key = dice.choice(list(content))
    if dice.random() < 0.1:
        return {**content, f"{key}s": content[key]}
    if dice.random() < 0.1:
        return {name: value for name, value in content.items() if name != key}
    return {**content, key: spoilt(content[key], dice)}


def test_jsonschema_has_the_same_verdict():
    dice = random.Random(6)  # noqa: S311
    kinds_of_kubernetes = ("v1", "networking.k8s.io/v1", "storage.k8s.io/v1")
    good = [one for one in our_objects() if one["apiVersion"] in kinds_of_kubernetes]
    good += [yaml.safe_load(DEPLOYMENT)] * len(good)
    refused = 0

    for _ in range(100):
        content = dice.choice(good)
        for key in list(content)[2:]:
            content = {**content, key: spoilt(content[key], dice)}
        said = messages(Manifest(content, "file.yaml", lambda _: 0))
        if not taken_by_jsonschema(content):
            refused += 1
            assert said, content
        else:
            assert all(any(word in one for word in STRICTER) for one in said), (content, said)
    assert refused > 30


def test_no_value_makes_it_fail():
    dice = random.Random(7)  # noqa: S311
    good = our_objects()
    odd: list[Any] = [None, float("inf"), 10**30, "x" * 10**6, "[/red]\x1b[31m", {1: 2}, [[[[]]]]]

    def hostile(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                dice.choice([key, "\n", "a" * 999]) if dice.random() < 0.05 else key: hostile(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [hostile(item) for item in value]
        return dice.choice(odd) if dice.random() < 0.3 else value

    for _ in range(400):
        content = hostile(dice.choice(good))
        for ours in (content, {**content, "apiVersion": dice.choice(odd)}, {"kind": content}):
            found = Manifest(ours, "file.yaml", lambda _: 0)
            said = [*validate(found), *invalid_names(found)]
            said += [one for one in (unserved(found), deprecated(found)) if one]
            assert all(len(one.message) < 1500 for one in said)
            assert len(said) < 100


def test_deep_nesting_ends():
    value: Any = {}
    for _ in range(2000):
        value = {"properties": {"a": value}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "spec": {"versions": [{"schema": {"openAPIV3Schema": value}}]},
    }

    validate(Manifest(definition, "file.yaml", lambda _: 0))
