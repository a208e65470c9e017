"""What a kustomization.yaml does to every object: namespace, names, labels, images and the like.

The fields are those of kustomize's own configuration (api/internal/konfig/builtinpluginconsts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.linter.access import get, mapping, sequence, text
from conformance.linter.flux.field_paths import Field, change, fields
from conformance.linter.flux.resources import Resource
from conformance.linter.manifest import CLUSTER_WIDE

_TEMPLATED = (
    "DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"
)  # fmt: skip
_OF_LABELS = fields(["metadata/labels"], create=True)
_OF_TEMPLATES = [
    *fields(["spec/template/metadata/labels"], _TEMPLATED, create=True),
    *fields(["spec/volumeClaimTemplates/metadata/labels"], ["StatefulSet"], create=True),
    *fields(
        ["spec/jobTemplate/metadata/labels", "spec/jobTemplate/spec/template/metadata/labels"],
        ["CronJob"],
        create=True,
    ),
]
_AFFINITY = "spec/template/spec/affinity"
_OF_SELECTORS = [
    *fields(["spec/selector"], ["Service", "ReplicationController"], create=True),
    *fields(
        ["spec/selector/matchLabels"],
        ["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"],
        create=True,
    ),
    *fields(["spec/selector/matchLabels"], ["Job", "PodDisruptionBudget"]),
    *fields(["spec/jobTemplate/spec/selector/matchLabels"], ["CronJob"]),
    *fields(
        [
            "spec/podSelector/matchLabels",
            "spec/ingress/from/podSelector/matchLabels",
            "spec/egress/to/podSelector/matchLabels",
        ],
        ["NetworkPolicy"],
    ),
    *fields(
        [
            f"{_AFFINITY}/{kind}/{when}DuringSchedulingIgnoredDuringExecution/{term}labelSelector"
            "/matchLabels"
            for kind in ("podAffinity", "podAntiAffinity")
            for when, term in (("preferred", "podAffinityTerm/"), ("required", ""))
        ]
        + ["spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels"],
        ["Deployment", "StatefulSet"],
    ),
]
_OF_ANNOTATIONS = [
    *fields(["metadata/annotations"], create=True),
    *fields(["spec/template/metadata/annotations"], _TEMPLATED, create=True),
    *fields(
        [
            "spec/jobTemplate/metadata/annotations",
            "spec/jobTemplate/spec/template/metadata/annotations",
        ],
        ["CronJob"],
        create=True,
    ),
]
_UNNAMED = frozenset({"CustomResourceDefinition", "APIService", "Namespace"})
"""Kinds that get no prefix and no suffix."""
_REPLICATED = fields(
    ["spec/replicas"],
    ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"],
    create=True,
)
_POD_SPECS = (("spec",), ("spec", "template", "spec"))
_CRON_JOB = ("spec", "jobTemplate", "spec", "template", "spec")


def transform(resources: Sequence[Resource], layer: Mapping[str, Any]) -> None:
    """Do what the simple fields of a kustomization.yaml say, in kustomize's order."""
    for one in resources:
        if namespace := text(layer.get("namespace")):
            _namespace(one, namespace)
        _rename(one, text(layer.get("namePrefix")), text(layer.get("nameSuffix")))
        for entry in sequence(layer.get("labels")):
            _label(one, mapping(entry))
        common = mapping(layer.get("commonLabels"))
        _put(one, common, [*_OF_SELECTORS, *_OF_LABELS, *_OF_TEMPLATES])
        _put(one, mapping(layer.get("commonAnnotations")), _OF_ANNOTATIONS)


def late_transform(resources: Sequence[Resource], layer: Mapping[str, Any]) -> None:
    """Set replicas and images: kustomize does so after the patches of patchesJson6902."""
    for one in resources:
        for entry in sequence(layer.get("replicas")):
            names = {name for _, name in one.identities()}
            if get(entry, "name") in names and get(entry, "count") is not None:
                for field in _REPLICATED:
                    one.change(change(one.value, one.kind, field, lambda _: entry["count"]))  # noqa: B023 - called at once
        for entry in sequence(layer.get("images")):
            set_image(one, mapping(entry))


def label(one: Resource, labels: Mapping[str, Any], annotations: Mapping[str, Any]) -> None:
    """Give an object itself labels and annotations, as commonMetadata of Flux does."""
    _put(one, labels, _OF_LABELS)
    _put(one, annotations, _OF_ANNOTATIONS[:1])


def _namespace(one: Resource, namespace: str) -> None:
    metadata = mapping(one.value.get("metadata"))
    if one.kind == "Namespace" and one.group == "":
        one.change({**one.value, "metadata": {**metadata, "name": namespace}})
    elif one.kind not in CLUSTER_WIDE:
        one.change({**one.value, "metadata": {**metadata, "namespace": namespace}})
    if one.kind in ("RoleBinding", "ClusterRoleBinding"):
        subjects = [
            {**entry, "namespace": namespace} if get(entry, "name") == "default" else entry
            for entry in sequence(one.value.get("subjects"))
        ]
        if subjects:
            one.change({**one.value, "subjects": subjects})


def _rename(one: Resource, prefix: str, suffix: str) -> None:
    _, name = one.identity
    if (prefix or suffix) and name and one.kind not in _UNNAMED:
        metadata = mapping(one.value.get("metadata"))
        one.change({**one.value, "metadata": {**metadata, "name": f"{prefix}{name}{suffix}"}})


def _label(one: Resource, entry: Mapping[str, Any]) -> None:
    where = list(_OF_LABELS)
    if entry.get("includeSelectors") is True:
        where += [*_OF_SELECTORS, *_OF_TEMPLATES]
    elif entry.get("includeTemplates") is True:
        where += _OF_TEMPLATES
    for spec in map(mapping, sequence(entry.get("fields"))):
        kinds = [text(spec["kind"])] if spec.get("kind") else []
        path = text(spec.get("path")).replace("[]", "")
        where += fields([path], kinds, create=spec.get("create") is True) if path else []
    _put(one, mapping(entry.get("pairs")), where)


def _put(one: Resource, more: Mapping[str, Any], where: Sequence[Field]) -> None:
    if not more:
        return
    for field in where:
        one.change(change(one.value, one.kind, field, lambda old: {**mapping(old), **more}))


def set_image(one: Resource, entry: Mapping[str, Any]) -> None:
    """Change the images of an object as an entry of ``images`` says."""
    for path in (*_POD_SPECS, _CRON_JOB):
        for field in fields(
            [f"{'/'.join(path)}/{key}/image" for key in ("containers", "initContainers")]
        ):
            one.change(change(one.value, one.kind, field, lambda image: _image(image, entry)))


def _image(image: Any, entry: Mapping[str, Any]) -> Any:
    if not isinstance(image, str):
        return image
    name, _, digest = image.partition("@")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = name, ""
    if repository != text(entry.get("name")):
        return image
    repository = text(entry.get("newName")) or repository
    if entry.get("newTag") is not None or entry.get("digest"):
        tag, digest = str(entry.get("newTag") or ""), text(entry.get("digest"))
    return f"{repository}{':' if tag else ''}{tag}{'@' if digest else ''}{digest}"
