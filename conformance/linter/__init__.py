"""The package linter: whether a Helm chart or Flux package keeps Stackspin's contract, and why not.

PATH -> ``tree`` (its files) -> ``detection`` (apps) -> ``rules`` (findings) -> ``levels`` ->
``views``. No cluster, no root, no Go. A package is untrusted input: it is read with limits, and
rendered in a child process with limits.
"""
