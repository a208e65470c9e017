"""The options of commands that work on a cluster of the user's."""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance.common.options import add_argument
from conformance.common.settings import Settings


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Let a command have ``--kubeconfig`` and ``--context``."""
    add_argument(parser, Settings, "kubeconfig", type=Path, text="the kubeconfig of the cluster")
    add_argument(parser, Settings, "context", text="the context in it")
