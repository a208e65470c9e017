"""Which checks read which key of a description: without it they cannot run, or cannot pass.

A test compares this with what the checks' sources read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_SHORT_LIVED = (
    "single_sign_on.expired_challenge",
    "single_sign_on.expired_recovery_code",
    "single_sign_on.settings_ask_again",
)
"""They give Hydra and Kratos other settings."""
READERS: Mapping[str, tuple[str, ...]] = {
    "flux": (
        "app_data",
        "app_login",
        "app_runs",
        "auto_update",
        "backup_restore",
        "chart_deployment",
        "dashboard",
        "disaster_recovery",
        "operations",
        "persistent_storage",
        "platform_upgrade",
        "single_sign_on",
        "update_pipeline",
    ),
    "apps": (
        "app_data",
        "app_login",
        "app_runs",
        "auto_update",
        "backup_restore",
        "chart_deployment",
        "dashboard",
        "disaster_recovery",
        "operations",
        "platform_upgrade",
        "single_sign_on",
        "update_pipeline",
    ),
    "single_sign_on": (
        "app_login",
        "auto_update",
        "backup_restore",
        "dashboard",
        "disaster_recovery",
        "operations",
        "platform_upgrade",
        "single_sign_on",
        "update_pipeline",
    ),
    "single_sign_on.kratos.workload.release": _SHORT_LIVED,
    "single_sign_on.kratos.workload.override": _SHORT_LIVED,
    "single_sign_on.hydra.workload.release": _SHORT_LIVED,
    "single_sign_on.hydra.workload.override": _SHORT_LIVED,
    "single_sign_on.needs": (
        "single_sign_on.survives_node_kill",
        "single_sign_on.survives_restart",
    ),
    "single_sign_on.lifetimes": ("single_sign_on.lifetimes_within_bounds",),
    "single_sign_on.refresh_grace": (
        "single_sign_on.lost_refresh_answer",
        "single_sign_on.refresh_rotates",
    ),
    "single_sign_on.administrators": ("single_sign_on.admin_apis_for_dashboard_alone",),
    "single_sign_on.mail": ("operations.mail_server_down",),
    "ingress": (
        "app_runs",
        "backup_restore",
        "chart_deployment",
        "disaster_recovery",
        "operations",
        "persistent_storage",
    ),
    "ingress.authority": ("backup_restore.login_after_restore",),
    "ingress.certificate": ("operations.certificate_renewed",),
    "storage": (
        "app_runs",
        "backup_restore",
        "persistent_storage",
    ),
    "storage.retained": ("persistent_storage.retain_keeps_bytes",),
    "storage.provisioner": (),
    "backup": (
        "app_data",
        "backup_restore",
        "dashboard",
        "disaster_recovery",
        "platform_upgrade",
    ),
    "backup.node_agent": (
        "backup_restore.interrupted_backup_reported",
        "backup_restore.store_down_reported",
    ),
    "backup.store": (
        "app_data.restores_into_empty_cluster",
        "backup_restore.altered_byte_fails_restore",
        "backup_restore.claim_without_room_reported",
        "backup_restore.expiry_deletes",
        "backup_restore.in_place_names_what_it_leaves",
        "backup_restore.in_place_update_repairs_objects",
        "backup_restore.interrupted_backup_reported",
        "backup_restore.objects_in_store",
        "backup_restore.restore_begun_twice",
        "backup_restore.restores_begun_at_once",
        "backup_restore.restores_into_second_cluster",
        "backup_restore.store_down_reported",
        "disaster_recovery.backups_after_loss",
        "disaster_recovery.missing_data_told",
        "disaster_recovery.schedule_covers_everything",
        "disaster_recovery.unfinished_backup_told",
        "disaster_recovery.wrong_credentials_told",
    ),
    "features.second_factor": ("single_sign_on.second_factor",),
    "features.reference_dashboard": ("dashboard", "operations.many_users"),
    "features.recovery": (
        "disaster_recovery.backups_after_loss",
        "disaster_recovery.data_after_loss",
        "disaster_recovery.login_after_loss",
        "disaster_recovery.secrets_after_loss",
        "disaster_recovery.step_left_out",
        "disaster_recovery.wrong_password_told",
    ),
}
"""Key -> checks, or capabilities as a whole; of a key that is not here, see the one above it."""


def checks_that_need(key: str) -> tuple[str, ...]:
    """Return the checks and capabilities that need a key."""
    return next((READERS[one] for one in _above(key) if one in READERS), ())


def _above(key: str) -> Iterator[str]:
    """Yield a key, the one that it is in, and so on."""
    while key:
        yield key
        key = key.rpartition(".")[0]
