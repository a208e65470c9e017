"""Between ``--previous`` and this: whether the upgrade goes through, and keeps people's data."""
