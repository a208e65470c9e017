from __future__ import annotations

import ssl
import stat
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from conformance.clusters.embedded import files
from conformance.clusters.embedded.pki import renew_cluster_pki, write_cluster_pki
from conformance.clusters.embedded.processes import node_processes
from conformance.clusters.node import is_ready


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    folder = tmp_path / "pki"
    write_cluster_pki(folder, node="n", address="10.213.0.2", service_address="10.96.0.1")
    return folder


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_every_certificate_is_signed_by_its_authority(pki: Path) -> None:
    for path in pki.glob("*.crt"):
        issuer = "front-proxy-ca" if path.name.startswith("front-proxy") else "ca"
        certificate(path).verify_directly_issued_by(certificate(pki / f"{issuer}.crt"))


def test_certificates_say_what_kubernetes_reads_in_them(pki: Path) -> None:
    kubelet = certificate(pki / "kubelet.crt").subject.rfc4514_string()
    assert kubelet == "CN=system:node:n,O=system:nodes"
    names = certificate(pki / "apiserver.crt").extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert "kubernetes.default.svc" in names.value.get_values_for_type(x509.DNSName)
    addresses = [str(ip) for ip in names.value.get_values_for_type(x509.IPAddress)]
    assert {"10.213.0.2", "10.96.0.1", "127.0.0.1"} <= set(addresses)


def test_keys_are_only_their_owner_s_and_fit(pki: Path) -> None:
    keys = list(pki.glob("*.key"))
    assert keys
    for key in keys:
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        if (chain := key.with_suffix(".crt")).exists():
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(chain, key)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    files.write_files(
        tmp_path,
        name="n",
        address="10.213.0.2",
        cgroup_root="/ssc-0",
        snapshotter="native",
        restrict_oom_score=True,
        pause_image="registry.k8s.io/pause:3.10",
        open_files=1024,
    )
    return tmp_path


def test_containerd_is_told_of_the_host(disk: Path) -> None:
    config = tomllib.loads((disk / "etc/containerd/config.toml").read_text())
    runtime = config["plugins"]["io.containerd.cri.v1.runtime"]
    images = config["plugins"]["io.containerd.cri.v1.images"]
    assert runtime["restrict_oom_score_adj"] is True
    assert images["snapshotter"] == "native"
    unpack = config["plugins"]["io.containerd.transfer.v1.local"]["unpack_config"]
    assert [item["snapshotter"] for item in unpack] == ["native"]  # else no image can be pulled
    assert images["pinned_images"]["sandbox"] == "registry.k8s.io/pause:3.10"


def test_a_pod_does_not_take_all_that_the_host_has(disk: Path) -> None:
    kubelet = yaml.safe_load((disk / "etc/kubernetes/kubelet.yaml").read_text())
    assert 0 < kubelet["podPidsLimit"] < 10000
    host = Path("/proc/meminfo").read_text().split()[1]  # of the first line, in KiB
    reserved = int(kubelet["systemReserved"]["memory"])
    assert reserved == pytest.approx(int(host) * 1024 / 4, rel=0.01)


def test_registries_are_the_local_one_under_their_name(disk: Path) -> None:
    hosts = tomllib.loads((disk / "etc/containerd/certs.d/quay.io/hosts.toml").read_text())
    assert hosts["server"] == "http://127.0.0.1:5000/v2/quay.io"
    assert hosts["override_path"] is True


def test_with_a_way_out_a_node_asks_and_pulls_outside_too(tmp_path: Path, disk: Path) -> None:
    assert not files.has_egress(disk / "etc/resolv.conf")
    files.write_files(
        tmp_path / "other",
        name="n",
        address="10.213.0.2",
        cgroup_root="/ssc-0",
        snapshotter="native",
        restrict_oom_score=True,
        pause_image="registry.k8s.io/pause:3.10",
        open_files=1024,
        name_server="10.213.0.131",
    )
    etc = tmp_path / "other" / "etc"
    assert (etc / "resolv.conf").read_text() == "nameserver 10.213.0.131\n"
    assert files.has_egress(etc / "resolv.conf")
    hosts = tomllib.loads((etc / "containerd/certs.d/quay.io/hosts.toml").read_text())
    assert "server" not in hosts
    assert hosts["host"]["http://127.0.0.1:5000/v2/quay.io"]["override_path"] is True


def test_every_file_that_a_process_is_given_is_there(disk: Path) -> None:
    write_cluster_pki(
        disk / "etc/kubernetes/pki", node="n", address="10.0.0.1", service_address="10.96.0.1"
    )
    for process in node_processes(node="n", address="10.0.0.1"):
        for argument in process.argv[1:]:
            value = argument.rpartition("=")[2]
            if value.startswith("/etc/"):
                assert (disk / value.lstrip("/")).is_file(), f"{process.name}: {argument}"


def test_processes_need_only_what_is_started_before_them() -> None:
    started: set[str] = set()
    for process in node_processes(node="n", address="10.0.0.1"):
        assert started.issuperset(process.needs), process.name
        started.add(process.name)


def test_admin_kubeconfig_stands_alone(pki: Path) -> None:
    text = files.admin_kubeconfig(pki, context="embedded-x", server="https://10.213.0.2:6443")
    config = yaml.safe_load(text)
    assert config["current-context"] == "embedded-x"
    assert "client-key-data" in config["users"][0]["user"]


def node(status: str, beat: datetime) -> dict[str, object]:
    spoken = beat.strftime("%Y-%m-%dT%H:%M:%SZ")
    ready = {"type": "Ready", "status": status, "lastHeartbeatTime": spoken}
    return {"status": {"conditions": [{"type": "DiskPressure", "status": "False"}, ready]}}


def test_ready_of_before_a_restart_does_not_count() -> None:
    restart = datetime(2026, 1, 1, 12, 0, 0, 700000, tzinfo=UTC)
    after = restart.replace(second=1)
    assert not is_ready(node("True", restart), restart.timestamp())
    assert not is_ready(node("False", after), restart.timestamp())
    assert is_ready(node("True", after), restart.timestamp())
    assert not is_ready({}, restart.timestamp())


def test_a_fork_has_certificates_of_the_same_authority_for_its_own_address(pki: Path) -> None:
    before = {path.name: path.read_bytes() for path in pki.iterdir()}
    renew_cluster_pki(pki, node="n", address="10.213.7.2", service_address="10.96.0.1")
    after = {path.name: path.read_bytes() for path in pki.iterdir()}
    kept = {name for name in before if before[name] == after[name]}
    assert kept == {
        *("ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key"),
        *("service-accounts.key", "service-accounts.pub"),
    }
    test_every_certificate_is_signed_by_its_authority(pki)
    test_keys_are_only_their_owner_s_and_fit(pki)
    for name in ("apiserver.crt", "kubelet-serving.crt"):
        names = certificate(pki / name).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
        addresses = [str(ip) for ip in names.value.get_values_for_type(x509.IPAddress)]
        assert "10.213.7.2" in addresses
        assert "10.213.0.2" not in addresses
