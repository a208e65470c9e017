"""The runner: collects the checks, brings up what they need, judges them, writes the report."""
