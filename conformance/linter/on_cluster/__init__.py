"""``app --cluster``: the suite's checks on the apps, in a process of their own, and their levels.

The linter imports nothing of the suite. It starts pytest and reads the report that the run wrote.
"""
