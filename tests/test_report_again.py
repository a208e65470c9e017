"""The command that runs a check of a report again: on the cluster and the tree that were judged."""

from __future__ import annotations

from report_samples import a_check, a_platform, a_report

from conformance.report import again as commands
from conformance.report.environment import ClusterInfo
from conformance.report.platform import Whose


def run_again(**more: object) -> str:
    check = a_check("single_sign_on", 1)
    return commands.again(check, a_report({"single_sign_on": [check]}, **more))


def existing(*words: str, **more: object) -> str:
    cluster = ClusterInfo(provider="existing", name="annex prod")
    command = ["pytest", "conformance/capabilities", "--cluster=existing", *words]
    return run_again(cluster=cluster, command=command, **more)


def test_a_check_is_run_again_on_the_cluster_it_ran_on() -> None:
    words = ("--kubeconfig", "keys/a b", "--platform=p.yaml", "-k", "x", "--reports-dir=r")
    given = existing(*words, settings={"platform": "p.yaml"}, selection=["--allow node"])
    assert given == (
        "./bootstrap tox -e conformance -- --cluster=existing '--context=annex prod' "
        "'--kubeconfig=keys/a b' --platform=p.yaml --allow=node -k \"single_sign_on.promise_1\""
    )
    by_environment = existing(settings={"platform": "discover", "nodeAddress": "10.0.0.1"})
    assert "prod' --node-address=10.0.0.1 --platform=discover -k" in by_environment


def test_a_check_that_was_not_selected_runs_with_all_its_parameters() -> None:
    check = a_check("auto_update", 1, node_id="x.py::auto_update.promise_1[notes]")
    command = commands.again(check, a_report({"auto_update": [check]}))
    assert command.endswith(' -k "auto_update.promise_1 and notes"')


def test_what_a_merged_report_does_not_know_of_its_cluster_has_to_be_filled_in() -> None:
    merged = run_again(cluster=None, command=[], settings={"cluster": "existing"})
    assert "-- --cluster=existing --context=CONTEXT --kubeconfig=KUBECONFIG -k" in merged


def test_a_check_is_run_again_on_the_tree_that_was_judged() -> None:
    words = [
        *("--platform-repository=https://example.org/annex", "--platform-branch=next"),
        *("--platform-path=clusters/a", "--platform-setup=setup", "--platform-variables=.flux.env"),
        *("--source=one=charts/one", "--source=two=charts/two"),
    ]
    tree = {"platform": a_platform(Whose.TREE)}
    command = run_again(command=["pytest", "--cluster=embedded", *reversed(words)], **tree)
    options = command.partition("--cluster=embedded ")[2].partition(" -k")[0].split()
    assert sorted(options) == sorted(words)
    by_environment = run_again(**tree)
    assert "--cluster=embedded --platform-repository=REPOSITORY -k" in by_environment
