"""The command that runs a check of a report again: on the same platform, and on no other."""

from __future__ import annotations

import shlex
from functools import cache
from itertools import zip_longest

from conformance.common.options import Option, options
from conformance.common.settings import Settings
from conformance.report.model import RunReport
from conformance.report.platform import Whose
from conformance.report.results import CheckResult

_REPEATED = (
    *("kubeconfig", "node_address", "docker", "kind_image", "egress"),
    *("platform", "platform_repository", "platform_branch", "platform_path"),
    *("platform_variables", "platform_setup", "source", "previous_platform", "ca_file", "domain"),
    *("app_description", "previous", "app_allow", "app_fetch"),
)
"""Options that say what was judged and how it is reached. They are taken from the run's command,
which the report shows as it was given: its settings have no paths."""
_SHOWN = ("node_address", "docker", "platform")
"""Those that the settings have, too: an environment variable may have set them. Others there, such
as the domain, may follow from these."""
_CHOSEN = ("--app ", "--allow ", "--dashboard-url ")
"""The same, of what selected the checks; there a path is relative to the checkout."""


def again(check: CheckResult, report: RunReport) -> str:
    """Return the command that runs this check again, in a checkout of the suite.

    What the report does not know, but has to be given, is a word in capitals: as printed, the
    command goes to no other cluster.
    """
    merged = [one.provider for one in report.merged_from if one.where == check.where]
    provider = next(filter(None, merged), report.cluster.provider if report.cluster else None)
    provider = provider or str(report.settings["cluster"])
    given = [f"--cluster={provider}"]
    repeated = _repeated(report)
    if provider == "existing":
        # kubectl's current context may be another one by now.
        name = report.cluster.name if report.cluster else report.settings.get("context")
        given.append(f"--context={name or 'CONTEXT'}")
        if not report.command:
            given.append("--kubeconfig=KUBECONFIG")
    is_tree = report.platform is not None and report.platform.whose is Whose.TREE
    if is_tree and "platform_repository" not in repeated:
        given.append("--platform-repository=REPOSITORY")
    given += [word for words in repeated.values() for word in words]
    given += [one.replace(" ", "=", 1) for one in report.selection if one.startswith(_CHOSEN)]
    job = "twins" if report.mode == "twins" else "conformance"
    return f'./bootstrap tox -e {job} -- {shlex.join(given)} -k "{_expression(check)}"'


def _expression(check: CheckResult) -> str:
    """Return what ``-k`` is given: the whole id, and the whole parameters as far as known."""
    if not check.parameters:
        return check.id
    was_collected = not check.node_id.partition("::")[2].startswith(check.id)
    return f"{check.id} and " + (f"[{check.parameters}]" if was_collected else check.parameters)


def _repeated(report: RunReport) -> dict[str, list[str]]:
    """Return each option that has to be given again, by its field: as often as the command has it.

    A value that stands behind its option is joined to it by ``=``.
    """
    found: dict[str, list[str]] = {}
    for word, following in zip_longest(report.command, report.command[1:], fillvalue=""):
        flag, is_joined, _ = word.partition("=")
        if each := _repeatable().get(flag):
            whole = word if is_joined or each.switch else f"{word}={following}"
            found.setdefault(each.field, []).append(whole)
    for each in _repeatable().values():
        value = report.settings.get(each.key) if each.field in _SHOWN else None
        if value and each.field not in found:
            found[each.field] = [f"{each.flag}={value}"]
    return found


@cache
def _repeatable() -> dict[str, Option]:
    return {each.flag: each for each in options(Settings) if each.field in _REPEATED}
