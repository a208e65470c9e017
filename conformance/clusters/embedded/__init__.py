"""Real Kubernetes from pinned parts, as processes in Linux namespaces of one host.

cluster.py is the provider. A node is one sandbox: init.py is its PID 1, rootfs.py its file
system, processes.py what runs in it, files.py what those read, pki.py whom they trust. On the
host a cluster is a folder (state.py), a veth pair and a subnet (network.py) and cgroups
(cgroups.py); all of them are free again when the process that owns the cluster is gone.

Imported by the node's PID 1: nothing here may import anything slow.
"""
