"""The objects that pods refer to by name, and whether anything makes them."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from conformance.linter.access import Path, get, mapping, sequence, text, walk
from conformance.linter.app import AppPackage
from conformance.linter.facts.cluster import Cluster, guessed, same_namespace, settings, similar
from conformance.linter.findings import Place
from conformance.linter.flux.made_secrets import made_secrets, makes_secrets
from conformance.linter.flux.platform import AUTHORITY
from conformance.linter.manifest import Manifest
from conformance.linter.pods import Pod

_PLATFORM = frozenset(
    {
        "ConfigMap kube-root-ca.crt", f"ConfigMap {AUTHORITY}", "ServiceAccount default",
        "Secret ingress-default-certificate",
    }
)  # fmt: skip
"""What Kubernetes puts into every namespace, and the platform where it is needed."""
_AUTOGENERATE = "secret-generator.v1.mittwald.de/autogenerate"
_COPIES = (
    "replicator.v1.mittwald.de/", "reflector.v1.k8s.emberstack.com/", "kubed.appscode.com/sync"
)  # fmt: skip
"""How annotations begin by which an operator copies an object between namespaces."""
_PLAIN = frozenset(
    {
        "apps", "batch", "policy", "autoscaling", "extensions", "cert-manager.io",
        "acme.cert-manager.io",
    }
)  # fmt: skip
_PLAIN_ENDS = (
    ".k8s.io", "fluxcd.io", "velero.io", "hydra.ory.sh", "secretgenerator.mittwald.de",
    "monitoring.coreos.com", "traefik.io", "traefik.containo.us",
)  # fmt: skip
"""API groups whose objects make no Secrets and no pods but those that are known here."""
_MOST_REPLICAS = 10
_NO_KEYS: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Need:
    """A pod's reference to an object that it does not start without."""

    kind: str
    name: str
    pod: Pod
    path: Path
    """Where the name stands inside the pod template."""
    by: str
    """As in ``container notes``."""
    keys: Mapping[str, Path] = field(default_factory=dict)
    """Keys that the object must have, and where each is written."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class State(enum.Enum):
    """Whether something makes an object."""

    MADE = "made"
    ELSEWHERE = "elsewhere"
    """It is not for the package to make it: the platform, an operator, or a person does."""
    UNKNOWN = "unknown"
    """What makes it may be outside of PATH."""
    NOWHERE = "nowhere"


@dataclass(frozen=True)
class Answer:
    """What is known of an object that is referred to."""

    state: State
    hint: str = ""
    """What may be meant, or why what there is does not count: the end of a sentence."""
    keys: frozenset[str] | None = None
    """The keys it has; None: nobody knows all."""


def needs_of(pod: Pod) -> Iterator[Need]:
    """Yield what a pod needs beside claims; what is ``optional`` is left out."""
    account = text(pod.get("spec", "serviceAccountName"))
    if account:
        yield Need("ServiceAccount", account, pod, ("spec", "serviceAccountName"), "the pod")
    for container in pod.containers:
        by = f"container {container.name}"
        for index, entry in enumerate(sequence(container.value.get("env"))):
            path = (*container.path, "env", index, "valueFrom")
            for key, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
                ref = get(entry, "valueFrom", key)
                keys = {text(get(ref, "key")): (*path, key, "key")}
                yield from _need(kind, ref, "name", pod, (*path, key), by, keys)
        for index, entry in enumerate(sequence(container.value.get("envFrom"))):
            for key, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
                path = (*container.path, "envFrom", index, key)
                yield from _need(kind, get(entry, key), "name", pod, path, by, {})
    for index, volume in enumerate(sequence(pod.get("spec", "volumes"))):
        by = f"volume {text(get(volume, 'name'))}"
        path = ("spec", "volumes", index)
        yield from _mounted(volume, "secretName", pod, path, by)
        for number, source in enumerate(sequence(get(volume, "projected", "sources"))):
            yield from _mounted(source, "name", pod, (*path, "projected", "sources", number), by)


def _mounted(volume: object, name: str, pod: Pod, path: Path, by: str) -> Iterator[Need]:
    """Yield what a volume, or one source of a projected volume, is made of."""
    for key, kind, named in (("secret", "Secret", name), ("configMap", "ConfigMap", "name")):
        ref = get(volume, key)
        items = enumerate(sequence(get(ref, "items")))
        keys = {text(get(item, "key")): (*path, key, "items", n, "key") for n, item in items}
        yield from _need(kind, ref, named, pod, (*path, key), by, keys)


def _need(
    kind: str, ref: object, named: str, pod: Pod, path: Path, by: str, keys: Mapping[str, Path]
) -> Iterator[Need]:
    name = text(get(ref, named))
    if name and get(ref, "optional") is not True:
        wanted = {key: where for key, where in keys.items() if key}
        yield Need(kind, name, pod, (*path, named), by, wanted)


@dataclass(frozen=True)
class _Maker:
    name: str
    namespace: str
    keys: frozenset[str] | None
    raw: str = ""
    """The name before kustomize changed it, which references still have here."""


def _made_by(manifest: Manifest) -> Iterator[tuple[str, _Maker]]:
    """Yield the objects that an object is or makes: kind and maker."""
    namespace = "" if _is_copied(manifest) else manifest.namespace
    written = manifest.document
    raw = "" if written is None else text(get(written.value, "metadata", "name"))
    itself = _Maker(manifest.name, namespace, _keys(manifest), raw)
    yield manifest.kind, itself
    for made in made_secrets(manifest):
        yield "Secret", _Maker(made.name, namespace, made.keys)
    if manifest.kind in ("StringSecret", "BasicAuth"):
        yield "Secret", itself
    elif manifest.kind == "OAuth2Client":
        yield "Secret", _Maker(text(manifest.get("spec", "secretName")), namespace, None)
    elif manifest.kind == "Ingress":
        for entry in sequence(manifest.get("spec", "tls")):
            yield "Secret", _Maker(text(get(entry, "secretName")), namespace, None)
    elif manifest.kind == "StatefulSet":
        for template in sequence(manifest.get("spec", "volumeClaimTemplates")):
            start = f"{text(get(template, 'metadata', 'name'))}-{manifest.name}"
            for number in range(_MOST_REPLICAS):
                yield "PersistentVolumeClaim", _Maker(f"{start}-{number}", namespace, None)


def _is_copied(manifest: Manifest) -> bool:
    """Return whether an operator may copy what an object is or makes into other namespaces."""
    if manifest.kind not in ("Secret", "ConfigMap") and not makes_secrets(manifest):
        return False
    return any(path and str(path[-1]).startswith(_COPIES) for path, _ in walk(manifest.value))


def _keys(manifest: Manifest) -> frozenset[str] | None:
    """Return the keys of the Secret or ConfigMap that an object is or makes; None: unknown."""
    if manifest.kind == "BasicAuth":
        return frozenset({"username", "password", "auth"})
    if manifest.kind == "StringSecret":
        fields = sequence(manifest.get("spec", "fields"))
        named = {text(get(one, "fieldName")) for one in fields}
        return frozenset({*named, *mapping(manifest.get("spec", "data"))})
    if any(key.startswith(_COPIES) for key in manifest.annotations):
        return None  # a copy may be filled in
    if manifest.kind in ("Secret", "ConfigMap"):
        parts = ("data", "stringData", "binaryData")
        generated = text(manifest.annotations.get(_AUTOGENERATE)).split(",")
        named = {key for part in parts for key in mapping(manifest.get(part))}
        return frozenset({*named, *(one.strip() for one in generated)})
    return None


@lru_cache(maxsize=4)
def _makers(cluster: Cluster) -> Mapping[str, list[_Maker]]:
    found: dict[str, list[_Maker]] = {}
    neighbours = () if cluster.bare else cluster.app.neighbours
    for manifest in (*cluster.manifests, *neighbours):
        for kind, maker in _made_by(manifest):
            found.setdefault(kind, []).append(maker)
    return found


def look_up(cluster: Cluster, kind: str, name: str, namespace: str, by: Manifest) -> Answer:
    """Return what is known of the object ``name`` in ``namespace`` that ``by`` refers to."""
    makers = _makers(cluster).get(kind, [])
    named = [one for one in makers if name in (one.name, one.raw)]
    here = [one for one in named if same_namespace(one.namespace, namespace)]
    if here:
        known = [one.keys for one in here if one.keys is not None]
        all_known = len(known) == len(here)
        return Answer(State.MADE, keys=_NO_KEYS.union(*known) if all_known else None)
    if f"{kind} {name}" in _PLATFORM or guessed(name):
        return Answer(State.ELSEWHERE)
    if _by_operator(cluster, name, namespace) or _mentioned(cluster, name):
        return Answer(State.ELSEWHERE)
    if named and not cluster.bare:
        other = named[0].namespace
        return Answer(State.NOWHERE, f": one is in namespace {other}, the pod in {namespace}")
    near = similar(name, (m.name for m in makers if same_namespace(m.namespace, namespace)))
    hint = f"; did you mean {near}?" if near else ""
    return Answer(_unmade(cluster, name, by, bool(near)), hint)


def _unmade(cluster: Cluster, name: str, by: Manifest, near: bool) -> State:
    """Return what it means that nothing here makes an object."""
    chosen = not by.rendered or given(cluster, name) or _documented(cluster, name, by)
    if cluster.bare:
        return State.ELSEWHERE if chosen else State.NOWHERE
    if near:
        return State.NOWHERE
    if not cluster.complete or (chosen and not whole(cluster.app)):
        return State.UNKNOWN
    ours = [cluster.app.name, *(release.name for release in cluster.app.releases)]
    of_platform = name.startswith("stackspin-") and not any(one in name for one in ours if one)
    return State.ELSEWHERE if of_platform else State.NOWHERE


def whole(app: AppPackage) -> bool:
    """Return whether all that Flux applies for the app is under PATH."""
    parts = (*app.kustomizations, *app.strays)
    there = not app.part and all(one.folder is not None for one in parts)
    return bool(app.kustomizations) and there


def operators(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the objects that an operator may make pods and other objects of."""
    return [
        one
        for one in manifests
        if one.group and one.group not in _PLAIN and not one.group.endswith(_PLAIN_ENDS)
    ]


def _by_operator(cluster: Cluster, name: str, namespace: str) -> bool:
    """Return whether an object of some operator, or another release, may make it."""
    others = () if cluster.bare else cluster.app.neighbours
    makers = [
        *operators(cluster.manifests),
        *operators(others),
        *(one for one in others if one.kind == "HelmRelease"),
    ]
    return any(
        same_namespace(one.namespace, namespace)
        and (name == one.name or name.startswith(f"{one.name}-") or _names(one, name))
        for one in makers
        if one.name
    )


def _names(maker: Manifest, name: str) -> bool:
    """Return whether a name stands in an operator's object of a kind that is not known here."""
    if maker.kind == "HelmRelease" or makes_secrets(maker):
        return False
    return any(value == name for _, value in walk(maker.get("spec")))


def origin(cluster: Cluster, rendered: Manifest, value: str, place: Place) -> Place:
    """Return where the value stands that a chart has put into an object; else ``place``."""
    chart = cluster.chart_of(rendered)
    if chart is None or not value:
        return place
    for release in cluster.app.releases:
        for path, item in settings(release.values):
            if item == value:
                return release.place(*path)
    defaults = chart.values
    if defaults is not None and value not in cluster.strings:
        for path, item in settings(mapping(defaults.value)):
            if item == value:
                return Place(defaults.file, defaults.line(path), str(rendered))
    return place


def given(cluster: Cluster, name: str) -> bool:
    """Return whether a value that was set names it; a part in ``{{ }}`` may stand for anything."""
    return any(_stands_for(value, name) for value in cluster.strings)


def _stands_for(value: str, name: str) -> bool:
    if "{{" not in value:
        return value == name
    first, *rest = value.split("{{")
    if not name.startswith(first):
        return False
    position = len(first)
    for part in rest:
        fixed = part.rpartition("}}")[2]
        found = name.find(fixed, position)
        if found < 0:
            return False
        position = found + len(fixed)
    return True


def _documented(cluster: Cluster, name: str, by: Manifest) -> bool:
    """Return whether a text of the chart, beside its templates, has the name."""
    chart = cluster.chart_of(by)
    if chart is None:
        return False
    word = name.encode(errors="replace")
    return any(
        _has_word(content, word)
        for path, content in chart.files.items()
        if "templates/" not in path or path.endswith("NOTES.txt")
    )


def _has_word(content: bytes, word: bytes) -> bool:
    position = content.find(word)
    while position >= 0:
        end = position + len(word)
        around = content[max(0, position - 1) : position] + content[end : end + 1]
        if not any(chr(one).isalnum() or one in b"-_" for one in around):
            return True
        position = content.find(word, end)
    return False


def _mentioned(cluster: Cluster, name: str) -> bool:
    """Return whether a program is told the name: it may make the object itself."""
    return any(
        isinstance(argument, str) and name in argument
        for pod in cluster.pods
        for container in pod.containers
        for key in ("command", "args")
        for argument in sequence(container.value.get(key))
    )
