"""Ingress and storage: the classes that apps use, and what stands behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from conformance.kube.objects import Object
from conformance.platform.discovery.cluster import Cluster, annotations_of, name_of
from conformance.platform.discovery.findings import Findings
from conformance.platform.discovery.ory import find_workload
from conformance.platform.discovery.pods import images_of, words_of
from conformance.platform.discovery.settings import environment, mounted
from conformance.platform.discovery.web import PUBLISHED, authorities_of

_DEFAULT_INGRESS = "ingressclass.kubernetes.io/is-default-class"
_OLD_INGRESS = "kubernetes.io/ingress.class"
_DEFAULT_STORAGE = "storageclass.kubernetes.io/is-default-class"


def find_ingress(cluster: Cluster, authority: str, findings: Findings) -> None:
    """Find the class, and the ConfigMap with the authority that pods trust.

    ``authority`` is what the certificate of the platform is trusted by, if that is known.
    """
    classes = {name_of(item): item for item in cluster.all("IngressClass")}
    used = Counter(
        str(item["spec"].get("ingressClassName") or annotations_of(item).get(_OLD_INGRESS, ""))
        for item in cluster.all("Ingress")
    )
    _find_class("ingress.class", "Ingresses", classes, used, _DEFAULT_INGRESS, findings)
    _find_authority(cluster, authority, findings)


def find_storage(cluster: Cluster, findings: Findings) -> None:
    """Find the classes of apps' claims, the one that keeps volumes, and the provisioner."""
    classes = {name_of(item): item for item in cluster.all("StorageClass")}
    used = Counter(
        str(item["spec"].get("storageClassName", ""))
        for item in cluster.all("PersistentVolumeClaim")
    )
    _find_class("storage.class", "claims", classes, used, _DEFAULT_STORAGE, findings)
    chosen = classes.get(findings.value("storage.class") or "")
    provisioner = str(chosen["provisioner"]) if chosen else ""
    keep = sorted(
        (item["provisioner"] != provisioner, name)
        for name, item in classes.items()
        if item.get("reclaimPolicy") == "Retain"
    )
    if keep:
        other, name = keep[0]
        by = f"; of another provisioner, {classes[name]['provisioner']}" if other else ""
        findings.put("storage.retained", name, f"its reclaimPolicy is Retain{by}")
    else:
        findings.miss("storage.retained", "no StorageClass has reclaimPolicy Retain")
    pods = [pod for pod in cluster.pods() if provisioner and _provides(cluster, pod, provisioner)]
    if pods:
        how = f"pods that are set up as provisioner {provisioner}, or run an image of that name"
        find_workload(cluster, findings, "storage.provisioner", pods[0], how)
    else:
        findings.miss("storage.provisioner", f"no pod is seen to be {provisioner or 'one'}")


def _find_class(
    key: str,
    what: str,
    classes: dict[str, Object],
    used: Counter[str],
    default: str,
    findings: Findings,
) -> None:
    defaults = [
        name for name, item in classes.items() if annotations_of(item).get(default) == "true"
    ]
    counted = [(number, name) for name, number in used.items() if name in classes]
    if len(defaults) == 1:
        findings.put(key, defaults[0], "the default class of the cluster")
    elif counted:
        number, name = max(counted)
        findings.put(key, name, f"the class of most {what}: {number}")
    elif len(classes) == 1:
        findings.put(key, next(iter(classes)), "the only class of the cluster")
    else:
        findings.miss(key, f"there are {len(classes)} classes, none the default or in use")


def _find_authority(cluster: Cluster, authority: str, findings: Findings) -> None:
    key = "ingress.authority"
    candidates = authorities_of(cluster)
    if authority == PUBLISHED:
        findings.put(key, "", f"the issuer's certificate is of {PUBLISHED}; pods need no other")
        return
    if authority in candidates:
        findings.put(key, authority, "the issuer's certificate is trusted with the one in it")
        return
    used = Counter(name for pod in cluster.pods() for name in mounted(pod) if name in candidates)
    if used:
        [(name, number)] = used.most_common(1)
        pods = f"{number} pod{'s' if number > 1 else ''}"
        findings.put(key, name, f"holds a certificate, and {pods} mount it; NOT CONFIRMED by https")
    else:
        findings.miss(key, "no pod mounts a ConfigMap that holds a certificate")


def _provides(cluster: Cluster, pod: Object, provisioner: str) -> bool:
    name = provisioner.rpartition("/")[2]
    said: Iterable[str] = [*words_of(pod), *environment(cluster, pod).values()]
    return any(name in image for image in images_of(pod)) or provisioner in said
