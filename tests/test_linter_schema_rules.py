"""The rules about schemas: what they say of the objects of an app."""

from __future__ import annotations

from linter_objects import DEPLOYMENT, app, manifest

from conformance.linter.app import FluxKustomization, Installation
from conformance.linter.manifest import Manifest
from conformance.linter.rules.schema.duplicate import duplicate
from conformance.linter.rules.schema.made_once import made_once
from conformance.linter.rules.schema.valid import valid


def kustomization(*members: Manifest, name: str = "notes", beyond: tuple[str, ...] = ()):
    return FluxKustomization(
        manifest(f"{{kind: Kustomization, metadata: {{name: {name}}}}}"),
        "./notes", "notes", False, (), False, members, (), beyond=beyond,
    )  # fmt: skip


CONFIG = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: '1'}}"


def test_the_items_of_a_list_are_judged_one_by_one():
    text = f"apiVersion: v1\nkind: List\nitems:\n- {CONFIG}\n- {CONFIG.replace(chr(39), '')}\n"

    assert [one.place.line for one in valid(app(manifest(text)))] == [5]


def test_what_a_patch_may_add_is_not_missed():
    bare = manifest(DEPLOYMENT.replace("selector", "paused: true\n  unknown"))
    patched = kustomization(bare, beyond=("kustomization.yaml has patches",))

    assert len(list(valid(app(bare, kustomizations=(kustomization(bare),))))) == 2
    found = list(valid(app(bare, kustomizations=(patched,))))
    assert ["unknown" in one.message for one in found] == [True]


def test_a_guess_at_a_variable_is_no_error():
    written = DEPLOYMENT.replace("8080", "${notes_http}").lstrip()
    filled = manifest(written.replace("${notes_http}", "example-notes-http"))
    typed = manifest(written.replace("${notes_http}", "text"))

    assert list(valid(app(filled, texts={"file.yaml": written}))) == []
    assert len(list(valid(app(typed, texts={"file.yaml": written})))) == 1


def test_the_same_object_in_two_kustomizations_is_one_unless_they_differ():
    again = manifest(CONFIG, file="again.yaml")
    other = manifest(CONFIG.replace("'1'", "'2'"), file="other.yaml")
    first = manifest(CONFIG)
    for second, expected in ((again, 0), (other, 1)):
        both = (kustomization(first), kustomization(second, name="other"))
        found = list(duplicate(app(first, second, kustomizations=both)))
        assert len(found) == expected


def test_a_hook_may_have_the_name_of_another_object():
    hook = CONFIG.replace("name: a", "name: a, annotations: {helm.sh/hook: pre-install}")
    made = (manifest(CONFIG, rendered=True), manifest(hook, rendered=True))

    assert list(made_once(app(installations=(Installation("x", made),)))) == []
