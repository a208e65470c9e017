"""API versions that a cluster had once, and since when it has them no more.

https://kubernetes.io/docs/reference/using-api/deprecation-guide/ and the change logs of Flux's
controllers.
"""

from __future__ import annotations

from collections.abc import Mapping

REMOVED: Mapping[str, Mapping[str, str]] = {
    "admissionregistration.k8s.io/v1beta1": {
        "MutatingWebhookConfiguration": "1.22",
        "ValidatingWebhookConfiguration": "1.22",
    },
    "apiextensions.k8s.io/v1beta1": {"*": "1.22"},
    "apiregistration.k8s.io/v1beta1": {"*": "1.22"},
    "apps/v1beta1": {"*": "1.16"},
    "apps/v1beta2": {"*": "1.16"},
    "autoscaling/v2beta1": {"*": "1.25"},
    "autoscaling/v2beta2": {"*": "1.26"},
    "batch/v1beta1": {"CronJob": "1.25"},
    "batch/v2alpha1": {"CronJob": "1.21"},
    "certificates.k8s.io/v1beta1": {"CertificateSigningRequest": "1.22"},
    "coordination.k8s.io/v1beta1": {"Lease": "1.22"},
    "discovery.k8s.io/v1beta1": {"EndpointSlice": "1.25"},
    "events.k8s.io/v1beta1": {"Event": "1.25"},
    "extensions/v1beta1": {"Ingress": "1.22", "*": "1.16"},
    "flowcontrol.apiserver.k8s.io/v1beta1": {"*": "1.26"},
    "flowcontrol.apiserver.k8s.io/v1beta2": {"*": "1.29"},
    "flowcontrol.apiserver.k8s.io/v1beta3": {"*": "1.32"},
    "helm.toolkit.fluxcd.io/v2beta1": {"*": "2.7"},
    "kustomize.toolkit.fluxcd.io/v1beta1": {"*": "2.7"},
    "networking.k8s.io/v1beta1": {"Ingress": "1.22", "IngressClass": "1.22"},
    "node.k8s.io/v1beta1": {"*": "1.25"},
    "policy/v1beta1": {"PodDisruptionBudget": "1.25", "PodSecurityPolicy": "1.25"},
    "rbac.authorization.k8s.io/v1alpha1": {"*": "1.22"},
    "rbac.authorization.k8s.io/v1beta1": {"*": "1.22"},
    "scheduling.k8s.io/v1beta1": {"PriorityClass": "1.22"},
    "source.toolkit.fluxcd.io/v1beta1": {"*": "2.7"},
    "storage.k8s.io/v1beta1": {
        "CSIDriver": "1.22",
        "CSINode": "1.22",
        "CSIStorageCapacity": "1.27",
        "StorageClass": "1.22",
        "VolumeAttachment": "1.22",
    },
}
"""``apiVersion`` -> kind (or ``*``, all others) -> the version that dropped it."""

ENDS: Mapping[str, Mapping[str, str]] = {
    "helm.toolkit.fluxcd.io/v2beta2": {"*": "2.8"},
    "kustomize.toolkit.fluxcd.io/v1beta2": {"*": "2.8"},
    "source.toolkit.fluxcd.io/v1beta2": {"*": "2.8"},
}
"""The same of what the pinned versions still have."""

BEGINS: Mapping[str, Mapping[str, str]] = {
    "autoscaling/v2": {"*": "1.23"},
    "batch/v1": {"CronJob": "1.21"},
    "flowcontrol.apiserver.k8s.io/v1": {"*": "1.29"},
    "helm.toolkit.fluxcd.io/v2": {"*": "2.3"},
    "kustomize.toolkit.fluxcd.io/v1": {"*": "2.0"},
    "networking.k8s.io/v1": {"Ingress": "1.19", "IngressClass": "1.19"},
    "policy/v1": {"*": "1.21"},
    "source.toolkit.fluxcd.io/v1": {
        "GitRepository": "2.0",
        "HelmChart": "2.3",
        "HelmRepository": "2.3",
        "Bucket": "2.4",
        "OCIRepository": "2.6",
        "ExternalArtifact": "2.7",
    },
}
"""``apiVersion`` -> kind (or ``*``, all others) -> the first version that has it."""

PRODUCTS: Mapping[str, str] = {
    "helm.toolkit.fluxcd.io": "Flux",
    "hydra.ory.sh": "Hydra Maester",
    "kustomize.toolkit.fluxcd.io": "Flux",
    "secretgenerator.mittwald.de": "the secret generator",
    "source.toolkit.fluxcd.io": "Flux",
    "velero.io": "Velero",
}
"""Group -> whose it is; the rest is Kubernetes' own."""

NOTES: Mapping[str, str] = {
    "Ingress": "A path's backend is service.name and service.port there, and pathType is needed.",
    "CustomResourceDefinition": "Each version has its own schema there.",
}
"""Kind -> what else changes."""
