"""The names that say what of an app is in its backups. This module imports nothing heavy."""

BACKUP_SET = "stackspin.net/backupSet"
"""Label of the pods and claims that belong to an app's backup; its value is the app's name."""
BACKUP_VOLUMES = "backup.velero.io/backup-volumes"
"""Annotation of a pod: names of its volumes that are backed up, separated by commas.
https://velero.io/docs/v1.18/file-system-backup/#using-opt-in-pod-volume-backup"""
BACKUP_EXCLUDES = "backup.velero.io/backup-volumes-excludes"
"""Annotation of a pod: names of its volumes that are left out on purpose."""
