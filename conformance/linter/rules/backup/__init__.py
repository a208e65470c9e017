"""Whether a backup holds all of an app's data, and holds it under the app's name.

The cluster suite's sister is ``conformance.apps.backup_rules``: the same contract, of live objects.
"""
