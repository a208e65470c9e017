"""Charts: what they consist of, and what they render to, in a child process with limits."""
