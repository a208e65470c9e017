"""Platforms are described by data: what a description says, and that nothing else knows names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import conformance
from conformance.linter.reading.one_document import FormatError
from conformance.platform.description import Platform
from conformance.platform.reference import reference_platform
from conformance.platform.reference.described import FILE

PACKAGE = Path(conformance.__file__).parent
KNOW_NO_NAMES = ("services", "apps", "suite", "capabilities")
EVERYWHERE = {
    *("stackspin", "velero", "hydra", "kratos", "mail", "dashboard", "operator", "default"),
    *("recovery", "stackspin-conformance"),
}
"""Words that mean other things, too, such as an app's role or the name of a software."""
MAY = {
    "apps/package/refusals.py",
    "suite/patched_source.py",  # twins: defects of the reference platform
}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts([*value.values()])
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def test_the_reference_is_described_for_any_domain() -> None:
    made = reference_platform("example.org")
    assert made.domain == "example.org"
    assert made.single_sign_on.issuer == "https://sso.example.org/"
    assert "${" not in made.model_dump_json()
    assert set(made.namespaces) >= {made.flux.namespace, made.apps, made.backup.namespace}


def test_the_domain_is_filled_into_what_a_file_does_not_say(tmp_path: Path) -> None:
    read = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    for key in ("issuer", "dashboard"):
        read["single_sign_on"].pop(key, None)
    file = tmp_path / "platform.yaml"
    file.write_text(yaml.safe_dump(read), encoding="utf-8")

    made = Platform.read(file, "example.org")

    assert made.single_sign_on.issuer == "https://sso.example.org/"
    assert made.single_sign_on.dashboard == "https://dashboard.example.org"


def test_lifetimes_are_bounded_by_default_or_by_the_description() -> None:
    read = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert Platform.model_validate(read).single_sign_on.lifetimes.session == 24 * 3600
    read["single_sign_on"]["lifetimes"] = {"session": 600}
    bounds = Platform.model_validate(read).single_sign_on.lifetimes
    assert (bounds.session, bounds.id_token) == (600, 3600)


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("domian:", "domain:", 'line 6: there is no key "domian". Did you mean domain?'),
        ("{namespace: , s", "{namespace: flux-system, s", "line 8: flux.namespace must be a text"),
        ("  port:", "  release:", "single_sign_on.kratos.workload.port"),
        ("{clas:", "{class:", 'there is no key "ingress.clas". Did you mean class?'),
        ('versoin: "1"', 'version: "1"', "line 2: implementation.version is missing"),
        ("  - port", "    admin:", "not valid YAML"),
        ("[second_facotr,", "[second_factor,", "no feature second_facotr. Did you mean second_fac"),
        (
            "  lifetimes: {id_token: 1h}\n  administrators: [",
            "  administrators: [",
            "single_sign_on.lifetimes.id_token must be",
        ),
        (
            "  refresh_grace: 301\n  administrators: [",
            "  administrators: [",
            "refresh_grace: Input should be less than or equal to 300",
        ),
        (
            "dashboard: https://dashboard.${domain}/\n",
            "dashboard: https://dashboard.${domain}\n",
            "dashboard has a slash at the end. Write https://dashboard.",
        ),
        ("  keeps:", "  retained:", 'no key "storage.keeps"'),
        ("", "  retained: local-path-retain\n", "claimed, and storage.retained is missing. Add st"),
    ],
)
def test_a_mistake_is_reported_with_its_line(
    tmp_path: Path, wrong: str, right: str, said: str
) -> None:
    text = FILE.read_text(encoding="utf-8")
    file = tmp_path / "platform.yaml"
    file.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        Platform.read(file)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)
    assert "docs/platforms.md" in caught.value.fix


def test_a_file_that_cannot_be_read_says_what_to_give(tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to(FILE)
    readable = "Give the path of a file that can be read."
    for path, why in (
        (tmp_path / "none.yaml", f"No such file or directory. {readable}"),
        (tmp_path, f"it is a folder. {readable}"),
        (link, "Too many levels of symbolic links. Give a file, not a link to one."),
    ):
        with pytest.raises(FormatError) as caught:
            Platform.read(path)
        assert str(caught.value).startswith(f"{path}: the file cannot be read: {why}")


def test_an_empty_file_says_how_to_get_one(tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text("# nothing yet\n")
    with pytest.raises(FormatError, match="platform discover"):
        Platform.read(file)


def test_nothing_but_the_description_knows_a_name_of_the_reference() -> None:
    read = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    del read["implementation"]
    described = {text for text in _texts(read) if text not in EVERYWHERE and "${" not in text}
    assert "kratos-admin" in described
    found = [
        f"{path.relative_to(PACKAGE)}: {name}"
        for folder in KNOW_NO_NAMES
        for path in sorted((PACKAGE / folder).rglob("*"))
        if path.suffix in {".py", ".yaml"}
        and not path.stem.startswith("defects")
        and str(path.relative_to(PACKAGE)) not in MAY
        for name in described
        if re.search(rf"[\"' ]{re.escape(name)}[\"'\n]", path.read_text(encoding="utf-8"))
    ]
    assert not found, found


@pytest.mark.parametrize(
    ("exempt", "said"),
    [
        ("second_factor: No.", "second_factor is claimed, and exempt. Leave one of them out."),
        ("dashbord: No.", "there is no feature dashbord. There are: second_factor, "),
        ("secondfactor: No.", "no feature secondfactor. Did you mean second_factor?"),
        ('single_sign_on.login: ""', "exempt.single_sign_on.login is empty"),
    ],
)
def test_what_is_exempt_is_not_claimed_and_has_a_reason(
    tmp_path: Path, exempt: str, said: str
) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text(FILE.read_text() + f"exempt:\n  {exempt}\n", encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        Platform.read(file)
    assert said in str(caught.value)


def test_a_check_may_be_exempt_by_its_id(tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text(FILE.read_text() + "exempt: {single_sign_on.login: No.}\n", encoding="utf-8")
    assert Platform.read(file).exempt == {"single_sign_on.login": "No."}
