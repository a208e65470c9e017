"""Whether every ``${variable}`` of a Flux package is filled in, and by what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.linter.app import AppPackage, FluxKustomization, SubstituteSource
from conformance.linter.facts.configuration import Lines
from conformance.linter.findings import NotRun, Problem, Severity, did_you_mean, quoted
from conformance.linter.flux import platform
from conformance.linter.flux.made_secrets import made_secrets
from conformance.linter.flux.variables import LEGAL_NAME
from conformance.linter.rule import rule

SUBSTITUTION = (
    "https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution"
)
_VARIABLE = LEGAL_NAME
_UNQUOTED = re.compile(r"\s*(?:- )*[\w.\"'/-]+:\s+([^\s\"'|>{\[&!].*)")
"""A key with a plain value."""


def outside(app: AppPackage) -> list[NotRun]:
    """Return why nothing can be said where the Kustomization itself is not in the package."""
    if app.written and not app.kustomizations and not app.rest:
        return [NotRun("the Flux Kustomization that applies these files is not in PATH")]
    return []


@rule(
    "variable.defined",
    "Every ${variable} is defined by a source of its Kustomization",
    level=1,
    why="Flux replaces a variable that no source defines with nothing: a host name, a password or "
    "an address is empty, and nobody gets a message. In strict mode (the feature gate "
    "StrictPostBuildSubstitutions) it refuses the whole Kustomization.",
    source=SUBSTITUTION,
    fix="Define the variable in a ConfigMap or StringSecret that postBuild.substituteFrom names, "
    "or correct its name. Write $${name} for text that is not a variable.",
    example="""
postBuild:
  substituteFrom:
    - kind: ConfigMap
      name: stackspin-notes-kustomization-variables # has notes_domain
""",
)
def defined(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each variable that nothing defines."""
    yield from outside(app)
    for kustomization in app.kustomizations:
        if any(_may_have_more(one, app.strict) for one in kustomization.sources):
            continue  # it may well define these; where it is missing, that is the finding
        names = {name for one in kustomization.sources for name in one.variables}
        for use in kustomization.uses:
            if not _VARIABLE.fullmatch(use.name):
                continue
            if not kustomization.substitutes:
                yield Problem(
                    use.place,
                    f"${{{use.name}}} is not replaced: Kustomization {kustomization.name} has no"
                    " postBuild, so Flux replaces no variables",
                    f"Give Kustomization {kustomization.name} a postBuild.substituteFrom.",
                )
            elif not (
                use.has_default or use.name in names or _of_platform(kustomization, use.name)
            ):
                absent = [one.name for one in kustomization.sources if not one.known]
                beside = f" but the optional {' and '.join(absent)}" if absent else ""
                fails = ": in strict mode, all of it fails" if app.strict else ""
                listed = [*names, *platform.variables(one.name for one in kustomization.sources)]
                yield Problem(
                    use.place,
                    f"${{{use.name}}} is not defined by any source of Kustomization"
                    f" {kustomization.name}{beside}{fails}{did_you_mean(use.name, listed)}",
                )


def _may_have_more(source: SubstituteSource, strict: bool) -> bool:
    """Return whether a source may define variables that are not known here.

    In strict mode a Kustomization must be right without what may as well be absent.
    """
    return source.open_ended or not (source.known or (strict and source.optional))


def _of_platform(kustomization: FluxKustomization, name: str) -> bool:
    return any(platform.provides_variable(one.name, name) for one in kustomization.sources)


@rule(
    "variable.syntax",
    "A ${...} is a variable that Flux can fill in, or is escaped",
    level=1,
    why="Flux replaces variables in all text of an object, also inside scripts and configuration "
    "files; if it cannot parse one, it refuses the whole Kustomization.",
    source=SUBSTITUTION,
    fix="Write $${...} if the text is meant for the app: Flux turns it into ${...}.",
    example="""
data:
  run.sh: |
    echo "$${HOME.dir}"
""",
)
def syntax(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each expression that is no variable."""
    for kustomization in app.kustomizations:
        for use in kustomization.uses:
            if kustomization.substitutes and not _VARIABLE.fullmatch(use.name):
                yield Problem(
                    use.place,
                    f"${{{use.name[:40]}}} is not a variable that Flux can replace: the whole"
                    f" Kustomization {kustomization.name} fails",
                )
        for source in kustomization.sources:
            for name in source.variables:
                if not _VARIABLE.fullmatch(name):
                    yield Problem(
                        source.place,
                        f"{source.name} has the key {quoted(name)}, which is no name of a variable:"
                        f" the whole Kustomization {kustomization.name} fails",
                        "Use letters, digits and _ only, or put the key into another object.",
                    )


@rule(
    "variable.quoted",
    "Free text is in quotes where a variable puts it into YAML",
    level=2,
    severity=Severity.WARNING,
    why="An organisation may be called 'Care: all of us' or '#1'. Flux puts the text into the YAML "
    "as it is: without quotes, the values are then not valid YAML, or end at the #.",
    source=SUBSTITUTION,
    fix="Write the value in double quotes, or as a block of text (>-).",
    example="""
values.yaml: |
  title: "${org_name}"
""",
)
def in_quotes(app: AppPackage) -> Iterator[Problem]:
    """Yield each line of YAML that a name that people chose stands in without quotes."""
    lines = Lines(app)
    for kustomization in app.kustomizations:
        for use in kustomization.uses if kustomization.substitutes else ():
            bare = _UNQUOTED.match(lines.at(use.place.file, use.place.line))
            if use.name in platform.FREE_TEXT and bare and f"${{{use.name}" in bare[1]:
                yield Problem(use.place, f"${{{use.name}}} is free text, and stands without quotes")


@rule(
    "variable.once",
    "A variable is defined by one source only",
    level=2,
    severity=Severity.WARNING,
    why="If two sources define a variable, the later one wins without a message: a change to the "
    "other has no effect, and a generated password may differ from the one in use.",
    source=SUBSTITUTION,
    fix="Give the two different names, or remove one.",
    example="""
spec:
  fields:
    - fieldName: postgresql_password # in no other source of the Kustomization
""",
)
def once(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each variable that is used and defined twice."""
    for kustomization in app.kustomizations:
        used = {use.name for use in kustomization.uses}
        first: dict[str, str] = {}
        for source in kustomization.sources:
            for name in sorted(used & set(source.variables)):
                if first.setdefault(name, source.name) != source.name:
                    yield Problem(
                        source.place,
                        f"${{{name}}} is defined by {first[name]} and by {source.name}, which wins",
                    )


@rule(
    "variable.source",
    "Every source of variables is in the package, or belongs to Stackspin",
    level=1,
    why="Flux stops at a source that does not exist: nothing of the Kustomization is applied.",
    source=SUBSTITUTION,
    fix="Correct the name, add the object to the app's secrets folder, or mark it optional: true.",
    example="""
substituteFrom:
  - kind: Secret
    name: stackspin-notes-variables # a StringSecret of that name is in notes-secrets/
""",
)
def source(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each source that nobody makes."""
    made = {
        f"{'ConfigMap' if one.kind == 'ConfigMap' else 'Secret'} {one.name}": one.namespace
        for one in app.everything()
        if one.kind in ("ConfigMap", "Secret", "StringSecret", "BasicAuth")
    }
    made |= {
        f"Secret {secret.name}": one.namespace
        for one in app.everything()
        for secret in made_secrets(one)
    }
    for kustomization in app.kustomizations:
        for source in kustomization.sources:
            if source.known or source.optional:
                continue
            near = did_you_mean(source.name, [*made, *platform.sources()])
            elsewhere = made.get(source.name)
            if elsewhere is not None:
                near = (
                    f": it is in namespace {elsewhere or '(none)'}, the Kustomization in"
                    f" {kustomization.manifest.namespace or '(none)'}"
                )
            yield Problem(
                source.place,
                f"{source.name} is neither in the package nor known to belong to Stackspin{near}",
            )
