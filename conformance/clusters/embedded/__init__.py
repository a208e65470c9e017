"""Real Kubernetes from pinned parts, as processes in one sandbox.

cluster.py is the provider: processes.py is what runs in the node, files.py what those read, pki.py
whom they trust, blueprint.py its plan and disk, bring_up.py the way to a Ready node.
"""
