"""Hand-made workloads and what goes with them, for tests of the linter's rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import yaml

from conformance.kube.objects import Object
from conformance.linter.app import (
    AppPackage,
    Chart,
    FluxKustomization,
    Installation,
    Release,
    SubstituteSource,
    ValuesSource,
    Variable,
)
from conformance.linter.files import manifest_of
from conformance.linter.findings import NotRun, Place, Problem
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import Document, parse
from conformance.linter.rule import all_rules

FAMILIES = ("containers", "pods", "confinement", "network", "ingress", "claims", "volumes")
RULES = [rule for name, rule in all_rules().items() if name.partition(".")[0] in FAMILIES]

POD = """
metadata:
  labels: {app: notes}
spec:
  securityContext: {runAsNonRoot: true}
  containers:
    - name: notes
      image: example.org/notes:1.4.2
      securityContext: {allowPrivilegeEscalation: false}
      ports: [{name: http, containerPort: 8080}]
      readinessProbe: {httpGet: {port: http}}
      livenessProbe: {httpGet: {port: http}, initialDelaySeconds: 60}
      resources: {limits: {memory: 64Mi}}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: notes, namespace: apps}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app: notes}}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: notes, namespace: apps}
spec:
  selector: {app: notes}
  ports: [{name: http, port: 80, targetPort: http}]
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: notes
  namespace: apps
  annotations: {kubernetes.io/tls-acme: "true"}
spec:
  ingressClassName: nginx
  rules:
    - host: notes.stackspin.example
      http:
        paths:
          - backend: {service: {name: notes, port: {name: http}}}
  tls: [{hosts: [notes.stackspin.example], secretName: notes-tls}]
"""
CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: notes-data, namespace: apps}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
"""


def load(text: str) -> Object:
    value: Object = yaml.safe_load(text)
    return value


def deployment(pod: str = "", kind: str = "Deployment", **spec: Any) -> Object:
    """Return a workload; ``pod`` is YAML that is laid over its pod's spec."""
    value = load(DEPLOYMENT)
    value["kind"] = kind
    template = load(POD)
    template["spec"] |= load(pod) if pod else {}
    value["spec"] |= {"template": template, **spec}
    return value


def container(**fields: Any) -> str:
    """Return the pod's container, as YAML, with fields changed; those that are None left out."""
    first = load(POD)["spec"]["containers"][0] | fields
    kept = {key: value for key, value in first.items() if value is not None}
    return yaml.safe_dump({"containers": [kept]})


def volumes(*, path: str = "/data", **volume: Any) -> str:
    """Return a pod's spec with a volume that its container mounts."""
    mounted = load(container(volumeMounts=[{"name": "data", "mountPath": path}]))
    return yaml.safe_dump(mounted | {"volumes": [{"name": "data", **volume}]})


def with_claim(**fields: Any) -> str:
    return volumes(persistentVolumeClaim={"claimName": "notes-data", **fields})


def claim(**spec: Any) -> Object:
    value = load(CLAIM)
    value["spec"] |= spec
    value["spec"] = {key: item for key, item in value["spec"].items() if item is not None}
    return value


_VERSIONS = {
    "Certificate": "cert-manager.io/v1",
    "ExternalSecret": "external-secrets.io/v1",
    "SealedSecret": "bitnami.com/v1alpha1",
    "StringSecret": "secretgenerator.mittwald.de/v1alpha1",
}


def named(kind: str, name: str, namespace: str = "apps", **fields: Any) -> Object:
    return {
        "apiVersion": _VERSIONS.get(kind, "v1"),
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        **fields,
    }


def manifests(objects: Iterable[Object], *, rendered: bool = False) -> list[Manifest]:
    found = []
    for index, value in enumerate(objects):
        [document], _ = parse(yaml.safe_dump(value), f"file-{index}.yaml")
        manifest = manifest_of(document)
        file = f"chart/templates/{index}.yaml"
        found.append(
            replace(manifest, rendered=True, document=None, file=file) if rendered else manifest
        )
    return found


def plain(*objects: Object, missing: Iterable[str] = (), **fields: Any) -> AppPackage:
    """Return a package of plain objects."""
    written = tuple(manifests(objects))
    one = Installation("the package's objects", written, tuple(missing))
    return AppPackage("notes", ".", "", written=written, installations=(one,), **fields)


def flux(*objects: Object, beyond: Iterable[str] = (), **fields: Any) -> AppPackage:
    """Return a package all of which a Kustomization applies."""
    app = plain(*objects, **fields)
    domain = Variable("domain", "Secret stackspin-cluster-variables", "stackspin.example", False)
    source = SubstituteSource(
        "Secret stackspin-cluster-variables", Place(), False, {"domain": domain}, True
    )
    own = Variable("notes_domain", "ConfigMap notes-variables", "notes.example.org", False)
    second = SubstituteSource(
        "ConfigMap notes-variables", Place(), False, {"notes_domain": own}, True
    )
    made = FluxKustomization(
        manifests([named("Kustomization", "notes")])[0],
        "./notes",
        "notes",
        False,
        (source, second),
        True,
        app.written,
        (),
        beyond=tuple(beyond),
    )
    return replace(app, kustomizations=(made,))


def bare(
    *objects: Object, values: Mapping[str, Any] | None = None, template: str = "", **files: str
) -> AppPackage:
    """Return a chart that stands alone; all objects come of one text."""
    rendered = tuple(manifests(objects, rendered=True))
    content = {f"templates/{index}.yaml": template.encode() for index in range(len(objects))}
    content |= {path.replace("_", "."): text.encode() for path, text in files.items()}
    chart = Chart("chart", content, Document("chart/Chart.yaml", {"name": "notes"}), None)
    one = Installation("default values", rendered, (), values or {})
    return AppPackage("notes", "chart", "", charts=(chart,), installations=(one,))


def distant(values: str, *objects: Object) -> AppPackage:
    """Return a release of a chart that is not there."""
    [document], _ = parse(values, "values.yaml")
    release = manifests([named("HelmRelease", "notes")])[0]
    source = ValuesSource("ConfigMap notes-values", Place(), False, release, document)
    made = Release(release, None, "chart notes is elsewhere", (source,), document.value)
    written = tuple(manifests(objects))
    one = Installation("HelmRelease notes", written, ("chart notes is elsewhere",), {}, made)
    app = flux(*objects)
    return replace(app, releases=(made,), installations=(one,))


def check(app: AppPackage, rule: str) -> list[Problem]:
    return [one for one in all_rules()[rule].check(app) if isinstance(one, Problem)]


def messages(app: AppPackage, *, but: Iterable[str] = ()) -> list[str]:
    """Return what all rules say."""
    return [
        f"{rule.id}: {one.message}"
        for rule in RULES
        if rule.id not in but
        for one in rule.check(app)
        if isinstance(one, Problem)
    ]


def reasons(app: AppPackage, rule: str) -> list[str]:
    return [one.reason for one in all_rules()[rule].check(app) if isinstance(one, NotRun)]


def reference(kind: str = "Secret", name: str = "notes-secrets", **more: Any) -> Object:
    """Return a Deployment whose container reads a key of a Secret or ConfigMap."""
    field = {"Secret": "secretKeyRef", "ConfigMap": "configMapKeyRef"}[kind]
    env = [{"name": "KEY", "valueFrom": {field: {"name": name, "key": "key", **more}}}]
    return deployment(container(env=env))


def ingress(host: str | None = "notes.stackspin.example", **annotations: str) -> Object:
    value = load(INGRESS)
    value["spec"]["rules"] = [{"host": host} if host else {"http": {}}]
    value["spec"]["tls"] = [{"hosts": [host or "x"], "secretName": "notes-tls"}]
    value["metadata"]["annotations"] |= {
        f"nginx.ingress.kubernetes.io/{key.replace('_', '-')}": item
        for key, item in annotations.items()
    }
    return value


def database(image: str, path: str, command: Any = None, env: Any = None, **volume: Any) -> Object:
    pod = load(volumes(path=path, **volume))
    pod["containers"][0] |= {"image": image, "command": command, "env": env or []}
    return deployment(yaml.safe_dump(pod))
