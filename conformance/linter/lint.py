"""PATH -> apps -> findings and levels. Whatever is in the package, this returns a result."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.common.errors import HarnessError
from conformance.linter.deadline import TooLongError
from conformance.linter.findings import Place, Problem
from conformance.linter.helm.rendering import Renderer, RenderError
from conformance.linter.levels import level_of
from conformance.linter.limits import Limits
from conformance.linter.reading.tree import Tree
from conformance.linter.request import Request
from conformance.linter.result import AppResult, Finding, Result, rank
from conformance.linter.rule import all_rules
from conformance.linter.running import MOST_FINDINGS, Answer, RuleRuns, defect
from conformance.linter.versions import PINNED, Versions

if TYPE_CHECKING:
    from conformance.linter.detected import Found
    from conformance.linter.elsewhere import Fetch
    from conformance.linter.rule import Rule
    from conformance.linter.running import Said
    from conformance.linter.waivers import Waiver

_MESSAGE, _NAME = 1000, 250
"""Characters of a message, and of an object's name, that are kept."""
_DEFAULT = Limits()


def lint(
    path: Path,
    *,
    rules: Iterable[Rule] | None = None,
    waivers: Iterable[Waiver] = (),
    values: Mapping[str, Any] | None = None,
    previous: Path | None = None,
    description: Path | None = None,
    fetch: Fetch | None = None,
    changed: frozenset[str] | None = None,
    versions: Versions = PINNED,
    limits: Limits = _DEFAULT,
) -> Result:
    """Look at everything under ``path``. Raises HarnessError if it cannot be read at all.

    ``rules`` are the only ones to run; then no level is claimed. Once an app is judged, what its
    charts render to is let go: it takes most of the memory. Without any rule it stays. ``values``
    are added to each chart's own. ``previous`` is an earlier version of ``path``. ``description``
    is used instead of the package's own conformance.yaml. ``fetch`` gets charts from their own
    address. Of the apps only those that have one of the files ``changed`` are judged; None: all.
    ``versions`` are what the apps are to run on.
    """
    began = time.monotonic()
    with Renderer(limits) as renderer:
        tree = Tree.read(path, limits)
        _start(renderer, tree)  # it is ready when the rules have been imported
        request = Request(
            path,
            tuple(all_rules().values() if rules is None else rules),
            rules is None,
            {waiver.rule: waiver for waiver in waivers},
            values,
            previous,
            description,
            fetch,
            changed,
            versions,
            limits,
        )
        results = _results(_judged(tree, request, renderer), request)
    used = {finding.rule.id for app in results for finding in app.findings}
    return Result(
        (str(path),),
        tuple(results),
        request.rules,
        time.monotonic() - began,
        tuple(one for one in request.waivers.values() if one.rule not in used),
    )


def _start(renderer: Renderer, tree: Tree) -> None:
    """Start Helm where there is a chart; a failure is told when one is rendered."""
    if any(file.endswith("Chart.yaml") for file in tree.files):
        with suppress(RenderError):
            renderer.start()


def _judged(tree: Tree, request: Request, renderer: Renderer) -> list[tuple[Found, Said]]:
    """Return the apps, and what the rules say of each: one is judged while the next is read."""
    from conformance.linter import detected  # noqa: PLC0415 - Helm starts meanwhile

    try:
        with RuleRuns(request.rules, request.limits.seconds) as runs:
            found = []
            for one in detected.apps(tree, request, renderer):
                runs.add(one.app)
                found.append(one.once_judged() if request.rules else one)
            return list(zip(found, runs.said(), strict=True))
    except TooLongError:
        trouble = f"reading the files took longer than {request.limits.reading_seconds:g} s"
    except HarnessError:
        raise
    except Exception as error:  # a defect of ours is no stack trace for a packager
        trouble = defect(error)
    answer = Answer(reasons=(trouble,))
    return [(detected.no_app(tree), {rule.id: answer for rule in request.rules})]


def _results(judged: Iterable[tuple[Found, Said]], request: Request) -> list[AppResult]:
    results = []
    for found, said in judged:
        findings: list[Finding] = []
        not_run: dict[tuple[str, str], tuple[Rule, str]] = {}
        for rule in request.rules:
            if (answer := said.get(rule.id)) is None:
                continue
            findings += _findings(rule, answer.problems, request.waivers.get(rule.id))
            for reason in answer.reasons:
                not_run[rule.id, reason] = (rule, _cut(reason, _MESSAGE))
        if found.app.rest and not (findings or not_run):
            continue  # nobody looks for it in the list of apps
        findings.sort(key=rank)
        holding = [one.rule for one in findings if one.rule.core]
        holding += [rule for rule, _ in not_run.values()]
        results.append(
            AppResult(
                found.app,
                str(request.path),
                tuple(findings),
                tuple(not_run.values()),
                level_of(holding) if request.complete else None,
                found.remark,
            )
        )
    return results


def _findings(rule: Rule, problems: Iterable[Problem], waiver: Waiver | None) -> list[Finding]:
    found = []
    for number, problem in enumerate(problems):
        if number == MOST_FINDINGS:
            more = f"and more findings of this rule: only the first {MOST_FINDINGS} are shown"
            found.append(Finding(rule, Place(problem.place.file), more, rule.prose.fix, waiver))
            break
        place = replace(problem.place, object=_cut(problem.place.object, _NAME).strip())
        message = _cut(problem.message, _MESSAGE)
        fix = _cut(problem.fix or rule.prose.fix, _MESSAGE)
        found.append(Finding(rule, place, message, fix, waiver))
    return found


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
