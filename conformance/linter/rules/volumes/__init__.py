"""Whether an app's data lies on a volume of its own, and stays there."""
