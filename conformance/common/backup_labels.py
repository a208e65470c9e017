"""What says which of an app's data is in its backups, and what is said where that is missing.

Read by the linter, of a package, and by the checks, of a running app. Imports nothing heavy.
"""

BACKUP_SET = "stackspin.net/backupSet"
"""Label of the pods and claims that belong to an app's backup; its value is the app's name."""
BACKUP_VOLUMES = "backup.velero.io/backup-volumes"
"""Annotation of a pod: names of its volumes that are backed up, separated by commas.
https://velero.io/docs/v1.18/file-system-backup/#using-opt-in-pod-volume-backup"""
BACKUP_EXCLUDES = "backup.velero.io/backup-volumes-excludes"
"""Annotation of a pod: names of its volumes that are left out on purpose."""


def not_listed(volume: str, claim: str) -> str:
    """Return what is wrong with a pod that mounts a claim and does not list the volume."""
    return f"volume {volume} (claim {claim}) is not in the annotation {BACKUP_VOLUMES}"


def not_a_volume(name: str) -> str:
    """Return what is wrong with a pod whose annotation lists a volume that it does not have."""
    return f"{BACKUP_VOLUMES} names {name}, which is not a volume of the pod"


def not_labelled(what: str) -> str:
    """Return what is wrong with a pod or a claim that belongs to no set."""
    return f"{what} has no label {BACKUP_SET}"
