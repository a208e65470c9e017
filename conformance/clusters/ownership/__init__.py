"""Who holds a cluster, and what goes when nobody does any more.

ownership.py is a process's hold on one cluster, state.py the clusters on disk, network.py their
numbers and places on the host's network, holder.py the process that owns a kept one. Everything is
free again when the owner is gone; inventory.py looks on from outside.
"""
