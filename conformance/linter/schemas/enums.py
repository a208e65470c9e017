"""Values that the API server allows, though Kubernetes' published schema does not list them."""

from __future__ import annotations

from collections.abc import Mapping

ENUMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "core.v1.ServiceSpec": {
        "type": ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
        "sessionAffinity": ("ClientIP", "None"),
        "externalTrafficPolicy": ("Cluster", "Local"),
    },
    "core.v1.ServicePort": {"protocol": ("SCTP", "TCP", "UDP")},
    "core.v1.ContainerPort": {"protocol": ("SCTP", "TCP", "UDP")},
    "core.v1.Container": {
        "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
        "terminationMessagePolicy": ("FallbackToLogsOnError", "File"),
    },
    "core.v1.HTTPGetAction": {"scheme": ("HTTP", "HTTPS")},
    "core.v1.PodSpec": {
        "restartPolicy": ("Always", "Never", "OnFailure"),
        "dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    },
    "core.v1.PodSecurityContext": {"fsGroupChangePolicy": ("Always", "OnRootMismatch")},
    "core.v1.SeccompProfile": {"type": ("Localhost", "RuntimeDefault", "Unconfined")},
    "core.v1.PersistentVolumeClaimSpec": {
        "accessModes": ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"),
        "volumeMode": ("Block", "Filesystem"),
    },
    "core.v1.PersistentVolumeSpec": {
        "accessModes": ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"),
        "persistentVolumeReclaimPolicy": ("Delete", "Recycle", "Retain"),
    },
    "apps.v1.DeploymentStrategy": {"type": ("Recreate", "RollingUpdate")},
    "apps.v1.StatefulSetUpdateStrategy": {"type": ("OnDelete", "RollingUpdate")},
    "apps.v1.DaemonSetUpdateStrategy": {"type": ("OnDelete", "RollingUpdate")},
    "apps.v1.StatefulSetSpec": {"podManagementPolicy": ("OrderedReady", "Parallel")},
    "batch.v1.CronJobSpec": {"concurrencyPolicy": ("Allow", "Forbid", "Replace")},
    "networking.v1.HTTPIngressPath": {"pathType": ("Exact", "ImplementationSpecific", "Prefix")},
    "networking.v1.NetworkPolicySpec": {"policyTypes": ("Egress", "Ingress")},
    "storage.v1.StorageClass": {
        "reclaimPolicy": ("Delete", "Retain"),
        "volumeBindingMode": ("Immediate", "WaitForFirstConsumer"),
    },
}
"""Definition, without ``io.k8s.api.`` -> field -> what it, or each of its entries, may be."""
