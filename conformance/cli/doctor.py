"""``stackspin-conformance doctor``: what this host can and cannot do, why, and the fix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from conformance.clusters import probe
from conformance.clusters.docker import running
from conformance.clusters.ownership.egress import PACKAGES as EGRESS_PACKAGES
from conformance.clusters.probe import Finding, Outcome
from conformance.common.arguments import Parser
from conformance.common.settings import Settings
from conformance.components.debian import missing_packages
from conformance.services.browser import PACKAGES as BROWSER_PACKAGES

_EXIT_BLOCKED = 1
_BUILD_PACKAGES = {"buildah": "buildah", "mmdebstrap": "mmdebstrap", "gcc": "gcc"}


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status. Raises HarnessError on wrong usage."""
    Parser(
        "stackspin-conformance doctor",
        description="Show what works on this host, what does not, and how to fix it.\n\n"
        "Exit status 0 if the embedded cluster can run here, else 1.",
    ).parse_args(arguments)
    settings = Settings()
    findings = [
        *examine(probe.all_probes(settings.state_dir)),
        *examine([build_tools, browser, way_out, docker]),
    ]
    _print_table(findings)
    blocked = [finding for finding in findings if finding.outcome is Outcome.BLOCKED]
    if blocked:
        subjects = ", ".join(finding.subject for finding in blocked)
        print(f"\nThe embedded cluster cannot run here; fix: {subjects}.")
        print("Without it: --cluster=kind with a Docker engine, or --cluster=existing.")
        return _EXIT_BLOCKED
    print("\nThe embedded cluster can run here.")
    return 0


def examine(probes: Sequence[Callable[[], Finding]]) -> list[Finding]:
    """Run probes; after one that blocks everything else (not root) the others are not tried."""
    findings = []
    for run in probes:
        findings.append(run())
        if findings[-1].subject == "root" and findings[-1].outcome is Outcome.BLOCKED:
            break
    return findings


def build_tools() -> Finding:
    """Look for what builds images and parts."""
    return _packages("image builds", _BUILD_PACKAGES)


def way_out() -> Finding:
    """Look for what gives a node a way out; only ``--egress`` needs it."""
    return _packages("egress", EGRESS_PACKAGES)


def browser() -> Finding:
    """Look for what the checks of single sign-on and the dashboard see the platform with."""
    return _packages("browser", BROWSER_PACKAGES)


def _packages(subject: str, packages: Mapping[str, str]) -> Finding:
    """Look for Debian packages; a run installs missing ones when root on Debian."""
    missing = missing_packages(packages)
    if not missing:
        return Finding(subject, Outcome.WORKS, ", ".join(packages))
    fix = f"as root: apt-get install --no-install-recommends {' '.join(missing)}"
    found = f"no {', '.join(missing)}; a run as root on Debian installs them when it needs them"
    return Finding(subject, Outcome.ADAPTED, found, fix)


def docker() -> Finding:
    """Ask whether a Docker engine answers; only kind needs one."""
    if version := running().version():
        return Finding("Docker", Outcome.WORKS, f"engine {version} answers")
    fix = (
        "for --cluster=kind: --docker=start runs a private engine as root, which ends with the "
        "run; or, for one that stays, as root: apt-get install docker.io"
    )
    return Finding("Docker", Outcome.ADAPTED, "no engine answers; images are built by buildah", fix)


def _print_table(findings: Sequence[Finding]) -> None:
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        print(f"{finding.outcome.value:<8} {finding.subject:<{width}}  {finding.found}")
        if finding.fix:
            print(f"{'':<8} {'':<{width}}  to do: {finding.fix}")
