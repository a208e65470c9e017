"""``stackspin-conformance app PATH...``: what a package needs to be a good one, in a second.

With ``--cluster``, whether it runs on Stackspin, too: in minutes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.common.arguments import EXIT_WRONG_USAGE, Parser
from conformance.common.errors import HarnessError
from conformance.common.installation import require_cluster_extra
from conformance.common.visible import shown
from conformance.linter.earlier import earlier_of, lowered, read_earlier, with_known
from conformance.linter.levels import STATIC
from conformance.linter.limits import Limits
from conformance.linter.lint import lint
from conformance.linter.on_cluster.merge import SAME_NAME, merged, names_shared
from conformance.linter.on_cluster.options import (
    for_pytest,
    reports_folder,
    with_provider,
    without_cluster,
)
from conformance.linter.on_cluster.process import CAPABILITIES, run_checks
from conformance.linter.on_cluster.promises import promises
from conformance.linter.options import option_parser
from conformance.linter.output import Judgement, report, show
from conformance.linter.reading.documents import parse
from conformance.linter.reading.tree import decode
from conformance.linter.result import ClusterRun, Result, joined
from conformance.linter.rule import all_rules
from conformance.linter.rules.package.nothing import NOTHING
from conformance.linter.versions import Versions
from conformance.linter.views.explain import explain, explain_check, explain_family
from conformance.linter.views.json_view import as_data
from conformance.linter.views.look import Look
from conformance.linter.views.terminal import to_terminal
from conformance.linter.waivers import parse_waivers, unknown_rule

if TYPE_CHECKING:
    import argparse

    from conformance.linter.earlier import Earlier
    from conformance.linter.elsewhere import Fetch
    from conformance.linter.rule import Rule

_EXIT_FOUND = 1
_EXIT_SIGNAL = 128
"""Added to a signal's number, as in a shell."""
_PROSE = 80
"""Columns of an explanation where there is no terminal: it is read, not searched."""


def main(arguments: Sequence[str], fetcher: Callable[[], Fetch]) -> int:
    """Run the command; return its exit status.

    ``fetcher`` makes what gets the charts of ``--fetch``: the linter itself knows no network.
    Raises HarnessError on wrong usage, if a PATH cannot be read, or the output not be written.
    """
    parser = option_parser()
    try:
        given = parser.parse_intermixed_args(with_provider(arguments))
    except ValueError as error:
        parser.error(str(error))
    _check_given(given, parser)
    _check_cluster(given, parser)
    try:
        if given.explain is not None:
            show(_explained(given.explain))
            return 0
        request = _request(given)
    except ValueError as error:
        parser.error(str(error))
    _check_paths(given)
    if given.init:
        _init(given.paths)
        return 0
    if given.fetch:
        request["fetch"] = fetcher()
    earlier = _earlier(given, request)
    result = joined([_linted(path, request, given) for path in given.paths])
    known = earlier if given.baseline else None
    result = with_known(result, known or {})
    status, shared = 0, names_shared(result)
    if given.cluster:
        there = [one for one in result.apps if one.app.detected != NOTHING and not one.app.rest]
        if any(one.name not in shared for one in there):
            result, status = _on_cluster(result, given)
        elif there:
            result = merged(result, ClusterRun())
    failed = _failed(result, given.level, known)
    report(result, given, Judgement(given.level, earlier, not (status or failed)))
    return status or (_EXIT_FOUND if failed else 0)


def _check_given(given: argparse.Namespace, parser: Parser) -> None:
    """Refuse options that make no sense together."""
    if given.explain is None and not given.paths:
        parser.error("give at least one PATH: a chart, a package, or a folder with many of them")
    if given.rule and given.level is not None:
        parser.error("use --rule or --level, not both")
    if given.format == "changes" and given.previous is None:
        parser.error("--format changes needs the version to compare with: add --previous")


def _linted(path: Path, request: Mapping[str, Any], given: argparse.Namespace) -> Result:
    if given.changed_since is None:
        return lint(path, **request)
    from conformance.linter.changed import changed_since  # noqa: PLC0415 - only for this

    return lint(path, **request, changed=changed_since(path, given.changed_since))


def _earlier(given: argparse.Namespace, request: Mapping[str, Any]) -> Earlier | None:
    """Return the result of ``--baseline``; for a comment also what is said of ``--previous``."""
    if given.baseline:
        return read_earlier(given.baseline)
    if given.format != "markdown" or given.previous is None:
        return None
    return earlier_of(as_data(lint(given.previous, **{**request, "previous": None})))


def _check_paths(given: argparse.Namespace) -> None:
    """Raise HarnessError if a file or folder that the command names is not there."""
    for path in [*given.paths, *([given.previous] if given.previous else [])]:
        if not os.path.exists(path):  # noqa: PTH110 - it never raises
            raise HarnessError(
                f"{shown(str(path))}: no such file or folder",
                "give a chart's folder or .tgz, or a Flux package's folder",
            )
    description = given.app_description
    if description is not None and not os.path.isfile(description):  # noqa: PTH113 - as above
        what = "a folder, no file" if os.path.isdir(description) else "no such file"  # noqa: PTH112
        raise HarnessError(
            f"{shown(str(description))}: {what}",
            "give the conformance.yaml that describes the app",
        )


def _check_cluster(given: argparse.Namespace, parser: Parser) -> None:
    """Refuse what makes no sense with or without ``--cluster``. Raises HarnessError."""
    if given.cluster is None:
        if given.level is not None and given.level > STATIC:
            parser.error(f"level {given.level} needs a run on a cluster: add --cluster")
        if idle := without_cluster(given):
            parser.error(f"{' and '.join(idle)} only together with --cluster")
    elif given.rule:
        parser.error("use --rule or --cluster, not both: with chosen rules, an app has no level")
    elif given.explain is None:
        require_cluster_extra("stackspin-conformance app --cluster")


def _on_cluster(result: Result, given: argparse.Namespace) -> tuple[Result, int]:
    """Run the checks on a cluster; return the whole result, and 0 if the run came to its end."""
    # Standard output has the result alone, in whatever format.
    show(to_terminal(result, Look.of(sys.stderr), final=False), sys.stderr)
    ended = run_checks(for_pytest(given), reports_folder(given))
    run = ended.run()
    status = 0
    if ended.signal:
        status = _EXIT_SIGNAL + ended.signal
    elif run.trouble or run.errors:
        status = EXIT_WRONG_USAGE
    return merged(result, run), status


def _request(given: argparse.Namespace) -> dict[str, Any]:
    """Return what ``lint`` takes. Raises ValueError with what is wrong with the options."""
    limits = Limits()
    return {
        "rules": _selected(given.rule) if given.rule else None,
        "waivers": parse_waivers(given.waive, all_rules(), date.today()) if given.waive else (),
        "values": _values(given.values, limits) if given.values else None,
        "previous": given.previous,
        "description": given.app_description,
        "versions": Versions(given.flux, given.kubernetes),
        "limits": limits,
    }


def _init(paths: Iterable[Path]) -> None:
    """Write first drafts into each PATH, and say so."""
    from conformance.linter.draft.init import init, told  # noqa: PLC0415 - only for this

    for path in paths:
        show(told(path, init(path)))


def _failed(result: Result, level: int | None, earlier: Earlier | None) -> bool:
    if level is None:
        return result.failed
    if earlier is not None:
        return any(lowered(one, earlier, level) for one in result.apps)
    return any(one.level is None or one.level < level for one in result.apps)


def _selected(names: Iterable[str]) -> list[Rule]:
    """Return the rules of these names, or of these families."""
    rules = all_rules()
    wanted = set()
    for name in names:
        found = {one for one in rules if name in (one, one.partition(".")[0])}
        if not found:
            raise ValueError(f"--rule: {unknown_rule(name, rules)}")
        wanted |= found
    return [one for one in rules.values() if one.id in wanted]


def _explained(name: str) -> str:
    rules, checks = all_rules(), {**promises(CAPABILITIES), SAME_NAME.id: SAME_NAME}
    look = Look.of(sys.stdout)
    look = replace(look, width=look.width or _PROSE)
    if name in rules:
        return explain(rules[name], look, date.today())
    if name in checks:
        return explain_check(checks[name], look)
    known = {**rules, **checks}
    family = [one for one in known.values() if name in ("all", one.id.partition(".")[0])]
    if not family:
        raise ValueError(f"--explain: {unknown_rule(name, known)}")
    return explain_family(name, family, look)


def _values(path: Path, limits: Limits) -> Mapping[str, Any]:
    try:
        text = decode(path.read_bytes())
    except OSError as error:
        raise ValueError(f"--values: {path} cannot be read: {error.strerror}") from None
    documents, problems = parse(text or "", str(path), limits)
    if problems:
        first = problems[0]
        raise ValueError(f"--values: {path}, line {first.place.line}: {first.message}")
    value = documents[0].value if documents else {}
    if text is None or len(documents) > 1 or not isinstance(value, Mapping):
        raise ValueError(f"--values: {path} is not a single YAML document with names and values")
    return value
