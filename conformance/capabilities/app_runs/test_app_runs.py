"""An app package on a cluster, level 4: it runs.

What a chart or Flux package says of itself was checked before, without a cluster (levels 1 to 3).
Here Flux installs it the way it installs every app, and each promise is what its users and its
neighbours rely on. One installation serves all checks, in this order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from conformance.apps.package.mistakes import told
from conformance.apps.package.override import (
    overridden,
    override_in,
    refuses_unknown,
    takes_overrides,
)
from conformance.apps.package.refusals import refusals
from conformance.apps.package.running import NoHost, differences, gone_or_changed
from conformance.apps.package.second import second_instance
from conformance.apps.package.usage import image_sizes, memory_peaks, warnings_about
from conformance.suite.check import check, extended, not_applicable, not_run

if TYPE_CHECKING:
    from conformance.apps.package.placement import Placement
    from conformance.apps.package.running import RunningApp
    from conformance.capabilities.app_runs.neighbours import Neighbours
    from conformance.common.settings import Settings
    from conformance.kube.client import Kube
    from conformance.linter.findings import Problem
    from conformance.report.evidence import EvidenceBox

ON = extended("notes", "wordpress")


@check(
    "app_runs.described",
    promise="What conformance.yaml says of the app can be read, and all that it names is there.",
    apps=ON,
    app_level=4,
)
def test_described(mistakes: list[Problem]) -> None:
    assert not mistakes, told(mistakes)


@check(
    "app_runs.allowed",
    promise="An app's package brings only what is its own: nothing of the platform, of the node or "
    "of other apps.",
    apps=ON,
    app_level=4,
)
def test_allowed(placement: Placement, settings: Settings) -> None:
    assert not placement.problems, "it cannot be installed: " + "; ".join(placement.problems)
    found = refusals(placement.app, settings.app_allow)
    assert not found, "the package is refused: " + "; ".join(found)


@check(
    "app_runs.installed_by_flux",
    promise="Flux installs the app: its Kustomizations and HelmReleases get Ready.",
    apps=ON,
    app_level=4,
)
def test_installed_by_flux(delivered: RunningApp, evidence: EvidenceBox) -> None:
    with evidence.timed("from the commit to Ready"):
        delivered.delivery.wait_applied()


@check(
    "app_runs.allowed_as_applied",
    promise="What Flux applies for an app is its own, too: patches and charts make nothing more of "
    "it than its files say.",
    apps=ON,
    app_level=4,
)
def test_allowed_as_applied(delivered: RunningApp, settings: Settings) -> None:
    delivered.delivery.wait_fetched()
    found = delivered.delivery.refused_as_applied(settings.app_allow)
    assert not found, "the app is refused as Flux has applied it: " + "; ".join(found)


@check(
    "app_runs.workloads_ready",
    promise="Every workload of the app gets Ready.",
    apps=ON,
    app_level=4,
)
def test_workloads_ready(delivered: RunningApp, evidence: EvidenceBox) -> None:
    applied = delivered.delivery.wait_fetched()
    with evidence.timed("workloads Ready after Flux had applied them"):
        delivered.delivery.wait_ready()
    if not (workloads := delivered.live.workloads()) and not applied:
        not_run("Flux has not installed the app")
    assert workloads, "the app has no Deployment, StatefulSet or DaemonSet"


@check(
    "app_runs.serves_at_its_host",
    promise="The app serves over https at its host, with the platform's certificate, and at no "
    "other host.",
    apps=ON,
    app_level=4,
)
def test_serves_at_its_host(running: RunningApp, settings: Settings) -> None:
    try:
        running.proof()
    except NoHost as error:
        not_run(str(error))
    elsewhere = f"not-{running.host.partition('.')[0]}.{settings.domain}"
    other = running.answer(elsewhere, routed=False)
    assert other.status == 404, f"something serves at a host that nobody has: {other}"


@check(
    "app_runs.survives_pod_deletion",
    promise="Each pod of the app that is deleted comes back, and the app serves again.",
    apps=ON,
    app_level=4,
)
def test_survives_pod_deletion(running: RunningApp, evidence: EvidenceBox) -> None:
    with running.killing():
        for workload in running.live.workloads():
            for pod in running.kube.list(*workload.pods):
                with evidence.timed(f"Ready again without {pod['metadata']['name']}"):
                    running.delete_pod(pod, workload)
        running.prove_again()


@check(
    "app_runs.same_version_changes_nothing",
    promise="Installing the same version again changes no object and no Secret, and restarts "
    "nothing.",
    apps=ON,
    app_level=4,
)
def test_same_version_changes_nothing(running: RunningApp) -> None:
    before = running.state()
    running.delivery.reconcile()
    changed = differences(before, running.state())
    assert not changed, "the same version again has changed " + "; ".join(changed)


@check(
    "app_runs.override_reaches_app",
    promise="A value in the app's override ConfigMap reaches its release.",
    apps=ON,
    app_level=4,
)
def test_override_reaches_app(running: RunningApp, kube: Kube, settings: Settings) -> None:
    releases = [one for one in running.delivery.placement.releases if takes_overrides(one)]
    if not releases:
        not_applicable("no HelmRelease of the app takes values from an override")
    for reason in filter(None, map(refuses_unknown, releases)):
        not_run(reason)
    for release in releases:
        name = f"stackspin-{release.name}-override"
        where = running.delivery.release(release)
        with overridden(kube, running.delivery.branch.flux, where, name, settings.run_id):
            found = override_in(kube, where)
        assert found == settings.run_id, (
            f"a value of ConfigMap {where.namespace}/{name} does not reach {where}: its valuesFrom"
            f" names {', '.join(one.name for one in release.sources)}"
        )


@check(
    "app_runs.second_instance",
    promise="The app's chart can be installed a second time, in another namespace, and neither "
    "disturbs the other.",
    apps=ON,
    app_level=4,
)
def test_second_instance(running: RunningApp, namespaces: Callable[[str], str]) -> None:
    releases = [one for one in running.delivery.placement.releases if one.chart is not None]
    if not releases:
        not_applicable("the app has no chart")
    if len(releases) > 1:
        not_run("the app has several charts, which may need one another")
    before = running.state()
    where = running.delivery.release(releases[0])
    with second_instance(running, where, namespaces("second")) as host:
        if host:
            running.proof_of(running.answer(host))
        running.prove_again()
    changed = gone_or_changed(before, running.state())
    assert not changed, "beside a second instance " + "; ".join(changed)
    running.prove_again()


@check(
    "app_runs.neighbours_untouched",
    promise="Other apps and the platform stay as they are when the app is installed beside them.",
    apps=ON,
    app_level=4,
)
def test_neighbours_untouched(running: RunningApp, neighbours: Neighbours) -> None:
    assert running.live.workloads()
    changed = neighbours.changes()
    assert not changed, "beside the app " + "; ".join(changed)
    page = neighbours.page()
    assert page == "the neighbour serves", f"at the neighbour's host something else answers: {page}"


@check(
    "app_runs.no_restarts_or_oom",
    promise="No container of the app restarts by itself or runs out of memory.",
    apps=ON,
    app_level=4,
)
def test_no_restarts_or_oom(delivered: RunningApp, kube: Kube, evidence: EvidenceBox) -> None:
    if not delivered.delivery.wait_fetched():
        not_run("Flux has not installed the app")
    if delivered.is_killed:
        not_run("the app did not run again after another check had killed it")
    pods = delivered.live.pods()
    for name, peak in memory_peaks(kube, pods).items():
        evidence.measure(f"memory peak of {name}", peak, "MiB")
    for name, size in image_sizes(kube, pods).items():
        evidence.measure(f"image {name}", size, "MiB")
    if warnings := warnings_about(kube, delivered.delivery.made()):
        evidence.attach("warnings.txt", "\n".join(warnings))
    starved = delivered.out_of_memory()
    assert not starved, f"out of memory: {', '.join(starved)}"
    restarted = delivered.restarts()
    assert not restarted, f"restarted by itself: {', '.join(restarted)}"
