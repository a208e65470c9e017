"""Every ${variable} is defined by a source of its Kustomization."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage, FluxKustomization, SubstituteSource
from conformance.linter.findings import NotRun, Problem, did_you_mean
from conformance.linter.flux import platform
from conformance.linter.flux.substitution import LEGAL_NAME, uses
from conformance.linter.flux.variables import definitions
from conformance.linter.rule import rule

_MAKERS = ("StringSecret", "BasicAuth", "OAuth2Client")


def _undecided(app: AppPackage) -> Iterator[NotRun]:
    """Say why nothing can be said where the Kustomization itself is not in the package."""
    if app.kustomizations or app.rest:
        return
    names = (use.name for text in app.texts.values() for use in uses(text))
    if name := next(filter(None, names), ""):
        yield NotRun(
            f"the files use ${{{name}}}, and the Flux Kustomization that applies them is not "
            "in PATH: give the folder that has it, too"
        )


@rule("variable.defined", level=1)
def defined(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each variable that nothing defines."""
    yield from _undecided(app)
    known = _known(app)
    for kustomization in app.kustomizations:
        if any(_may_have_more(one, app.strict) for one in kustomization.sources):
            continue  # it may well define these; where it is missing, that is the finding
        names = {name for one in kustomization.sources for name in one.variables}
        for use in kustomization.uses:
            if not LEGAL_NAME.fullmatch(use.name):
                continue
            if not kustomization.substitutes:
                if use.name not in known:
                    continue  # a script's own, or a dashboard's
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


def _known(app: AppPackage) -> set[str]:
    """Return the names of all variables that the platform or the tree makes for Flux."""
    made = (
        variables
        for one in app.everything()
        if one.kind in _MAKERS or one.name.endswith("variables")
        for variables in definitions(one).values()
    )
    sources = (source.variables for one in app.kustomizations for source in one.sources)
    names = {name for variables in (*made, *sources) for name in variables}
    return names | set(platform.variables(platform.sources()))


def _may_have_more(source: SubstituteSource, strict: bool) -> bool:
    """Return whether a source may define variables that are not known here.

    In strict mode a Kustomization must be right without what may as well be absent.
    """
    return source.open_ended or not (source.known or (strict and source.optional))


def _of_platform(kustomization: FluxKustomization, name: str) -> bool:
    return any(platform.provides_variable(one.name, name) for one in kustomization.sources)
